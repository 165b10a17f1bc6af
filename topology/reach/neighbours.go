package reach

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"labctl/topology"
)

// snapshot is who waits for whom in the neighbour tables of the lab.
type snapshot struct {
	waiting   []entry  // incomplete or failed
	resolving bool     // one is incomplete
	wanted    []string // the nodes that own the addresses waited for
	asking    []string // the nodes that have sent ARP requests or neighbour solicitations
}

// entry is one place in the tables, as a hop asks for it.
type entry hop

// snapshot reads all neighbour tables.
func (m *exchange) snapshot(v6 bool) (s snapshot, err error) {
	tables := make([][]topology.NeighbourEntry, len(m.b.lab.Nodes))
	err = m.b.everywhere(func(i int, node string) (err error) {
		if tables[i], err = m.b.machine.Neighbours(node, family(v6)); err != nil {
			return fmt.Errorf("read the neighbours of %s: %w", node, err)
		}
		return nil
	})
	if err != nil {
		return s, err
	}
	for i, node := range m.b.lab.Nodes {
		asking := false
		for _, n := range tables[i] {
			switch n.State {
			case "INCOMPLETE", "FAILED":
				s.waiting = append(s.waiting, entry{node.Name, n.Index, n.IP})
				s.resolving = s.resolving || n.State == "INCOMPLETE"
				s.wanted = append(s.wanted, m.own.byAddr[n.IP]...)
				asking = true
			case "REACHABLE", "PROBE":
				asking = true // STALE and DELAY are learned from others' requests
			}
		}
		if asking {
			s.asking = append(s.asking, node.Name)
		}
	}
	return s, nil
}

// everyNeighbour reads the tables of all nodes, and hands their entries to f one after the other, in any order.
func (b *bench) everyNeighbour(v6 bool, f func(node string, n topology.NeighbourEntry)) error {
	var mu sync.Mutex
	return b.everywhere(func(_ int, node string) error {
		ns, err := b.machine.Neighbours(node, family(v6))
		if err != nil {
			return fmt.Errorf("read the neighbours of %s: %w", node, err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, n := range ns {
			f(node, n)
		}
		return nil
	})
}

// learnedUnasked reports whether the sender knows its neighbour although it did not ask: an entry that an answer has
// made is REACHABLE, one that another's request has made is STALE until it is used, and then DELAY (arp(7)).
func (m *exchange) learnedUnasked(pr *pair) (bool, error) {
	if len(pr.path.hops) == 0 {
		return false, nil
	}
	h := pr.path.hops[0]
	ns, err := m.b.machine.Neighbours(h.node, family(pr.sock.v6))
	if err != nil {
		return false, fmt.Errorf("read the neighbours of %s: %w", h.node, err)
	}
	return slices.ContainsFunc(ns, func(n topology.NeighbourEntry) bool {
		return n.Index == h.index && n.IP == h.next && (n.State == "STALE" || n.State == "DELAY")
	}), nil
}

// unanswered asks the sender's neighbour entry about a pair for which nothing came: when failed, it says why (the error
// got lost).
func (m *exchange) unanswered(pr *pair) error {
	if pr.word != "" || pr.path == nil || len(pr.path.hops) == 0 {
		return nil
	}
	h := pr.path.hops[0]
	ns, err := m.b.machine.Neighbours(h.node, family(pr.sock.v6))
	if err != nil {
		return fmt.Errorf("read the neighbours of %s: %w", h.node, err)
	}
	for _, n := range ns {
		if n.Index == h.index && n.IP == h.next && failed(n) {
			pr.decide("no-arp", fmt.Sprintf("the neighbour entry for %s is %s", n.IP, n.State))
			return nil
		}
	}
	return nil
}

// calm is how long no node must be found asking for a neighbour until nothing is expected to move any more: what is
// under way then is only what got lost, or an answer that may still come and is listened for.
const calm = 5 * quick

// quiet waits until the pair is decided or all is calm, at most d from its sending. Neighbours may be given up as asks
// says; nil: none.
func (m *exchange) quiet(pr *pair, d time.Duration, asks *asks) error {
	since := pr.sent
	if m.await(pr, min(d, longGlance)); pr.word != "" {
		return nil // as most are
	}
	w := m.b.await(m.ctx)
	w.asks = asks
	for {
		if w.why == "" {
			m.await(pr, min(d, time.Since(pr.sent)+w.next()))
		} else {
			m.await(pr, min(d, time.Since(pr.sent)+quick))
		}
		m.silent([]*pair{pr}, w)
		if pr.word != "" || w.proven || time.Since(pr.sent) >= d {
			w.note()
		}
		if pr.word != "" || w.proven || time.Since(pr.sent) >= d || m.ctx.Err() != nil {
			return nil
		}
		if w.why == "" && time.Since(w.began) < calm {
			continue
		}
		now, err := m.snapshot(pr.sock.v6)
		if err != nil {
			return err
		}
		if now.resolving {
			since = time.Now()
		} else if time.Since(since) >= calm {
			return nil
		}
	}
}

// holds is the word of an arp cell: what the node's table has for the address, and whose interface that is.
func (b *bench) holds(own *owners, from topology.Target, dst netip.Addr) (word string, exact []string, err error) {
	ns, err := b.machine.Neighbours(from.Node, family(is6(dst)))
	if err != nil {
		return "", nil, fmt.Errorf("read the neighbours of %s: %w", from.Node, err)
	}
	for _, n := range ns {
		if n.IP != dst {
			continue
		}
		if l, ok := own.linkAt(from.Node, n.Index); from.Interface != "" && ok && l.Name != from.Interface {
			continue
		}
		if failed(n) {
			return "failed", nil, nil
		}
		return own.ofMAC(n.MAC), own.exactMAC(n.MAC), nil
	}
	return "-", nil, nil
}

func failed(n topology.NeighbourEntry) bool { return n.State == "FAILED" || n.State == "INCOMPLETE" }

// giveUp calls what nothing came for silent.
func (m *exchange) giveUp(pr *pair) {
	if pr.word == "" {
		said := "no answer was received, and none is on its way"
		if !pr.nothing {
			said = fmt.Sprintf("no answer was received within %v", m.b.patience)
			if pr.unproven != "" {
				said += "; whether one is still on its way cannot be told: " + pr.unproven
			}
		}
		pr.decide("silent", said)
	}
}

// thrownAtOnce reports whether a request was not refused but got lost on the sender's own device: a cable whose far end
// does not take its length, or a queueing discipline. The kernel tells who asks for errors the same as of a neighbour
// table without room (net_xmit_errno, include/linux/netdevice.h), but then there is no entry.
func (m *exchange) thrownAtOnce(pr *pair, err error) bool {
	if !errors.Is(err, unix.ENOBUFS) || pr.path == nil || len(pr.path.hops) == 0 {
		return false
	}
	h := pr.path.hops[0]
	ns, err := m.b.machine.Neighbours(h.node, family(pr.sock.v6))
	return err == nil && slices.ContainsFunc(ns, func(n topology.NeighbourEntry) bool {
		return n.Index == h.index && n.IP == h.next && !failed(n)
	})
}
