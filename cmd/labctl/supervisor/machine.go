//go:build linux

package supervisor

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"labctl/topology"
	"labctl/topology/kernel"
	"labctl/topology/reach"
	"labctl/topology/silence"
)

// machine is what probes get to see of the lab: the kernel's tables, and what only a supervisor knows.
type machine struct {
	kernel.Tables
	space    *kernel.Space
	switches *switches
	hits     *hitBaseline
	lab      func() *topology.Lab // what the kernel has now
	entered  func(node string) bool
	starting func(node string) bool
	arpCache *os.File // the machine's /proc/net/stat/arp_cache; nil: it could not be opened
	neighMax int      // the machine's gc_thresh3; negative: not known
}

func (m machine) Socket(node string, domain, typ, proto int) (int, error) {
	return m.space.Socket(node, domain, typ, proto)
}

// FDB is what a bridge has, or, without one, the virtual switch that the node is.
func (m machine) FDB(node, bridge string) ([]topology.FDBEntry, error) {
	if bridge == "" {
		return m.switches.table(node)
	}
	return m.Tables.FDB(node, bridge)
}

// NeighbourRoom reads the machine's table through a file that was opened outside, since a namespace does not show it.
func (m machine) NeighbourRoom() int {
	if m.neighMax < 0 || m.arpCache == nil {
		return -1
	}
	n, err := kernel.NeighbourEntries(m.arpCache)
	if err != nil {
		return -1
	}
	return max(0, m.neighMax-n+m.permanent())
}

func (m machine) Backlog() (uint64, error) { return kernel.BacklogDrops() }

// permanent is how many entries the lab's file has put there: the kernel counts them among all, and not against the
// limit (neigh_alloc, net/core/neighbour.c).
func (m machine) permanent() int {
	count := 0
	for _, n := range m.lab().Nodes {
		for _, e := range n.Neighbours {
			if e.IP.Is4() {
				count++
			}
		}
	}
	return count
}

// Look reads what is queued before it reads counters, and the switches last: a frame that moves from one to the other
// meanwhile is in one of them, or makes the next look differ.
func (m machine) Look(ctx context.Context) (silence.Look, error) { return m.look(ctx, false) }

func (m machine) Glance(ctx context.Context) (silence.Look, error) { return m.look(ctx, true) }

// fewNodes are read as fast by one processor as by two.
const fewNodes = 8

func (m machine) look(ctx context.Context, brief bool) (l silence.Look, err error) {
	waiting, err := kernel.Backlogged()
	if err != nil {
		return l, err
	}
	if waiting > 0 {
		l.Held = append(l.Held, "packets wait for a processor")
	}
	nodes := m.lab().Nodes
	looks := make([]silence.Look, len(nodes))
	var next atomic.Int64
	var all errgroup.Group
	for range min(runtime.GOMAXPROCS(0), len(nodes)/fewNodes+1) {
		all.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(nodes) {
					return nil
				}
				if err := m.lookAt(nodes[i].Name, brief, &looks[i]); err != nil {
					return err
				}
			}
		})
	}
	if err := all.Wait(); err != nil {
		return l, err
	}
	for _, at := range looks {
		l.Counted = l.Counted*31 + at.Counted
		l.Held = append(l.Held, at.Held...)
		l.Resolving = append(l.Resolving, at.Resolving...)
	}
	for _, v := range m.switches.list() {
		taken, held := v.loop.Traffic()
		l.Counted = l.Counted*31 + taken
		if held {
			l.Held = append(l.Held, v.node+" holds frames")
		}
	}
	return l, ctx.Err()
}

// lookAt looks at a node.
func (m machine) lookAt(node string, brief bool, l *silence.Look) (err error) {
	if l.Counted, err = m.Counters(node); err != nil || brief {
		return err
	}
	return m.waiting(node, l)
}

// waiting adds what waits in a node: in queueing disciplines, and at neighbour entries.
func (m machine) waiting(node string, l *silence.Look) error {
	queues, err := m.Queues(node)
	if err != nil {
		return err
	}
	if len(queues) > 0 {
		l.Held = append(l.Held, "a queueing discipline of "+node+" holds packets")
	}
	for _, family := range kernel.Families {
		entries, err := m.Neighbours(node, family)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.State == "INCOMPLETE" {
				l.Resolving = append(l.Resolving, silence.Entry{Node: node, Index: e.Index, IP: e.IP})
			}
		}
	}
	return nil
}

func (m machine) Fence() error { return kernel.Fence() }

func (m machine) LateSenders() ([]string, error) {
	var own kernel.OwnSockets
	return m.having(func(n *topology.Node) ([]string, error) {
		found, err := m.Tables.LateSenders(n.Name, &own, func(name string) bool { return n.Interface(name) != nil })
		if m.starting(n.Name) {
			found = append(found, "a program that has just been started")
		}
		return found, err
	})
}

// Forgetful does not suspect rules that only a program could have loaded where none has ever run.
func (m machine) Forgetful(any bool) ([]string, error) {
	return m.having(func(n *topology.Node) ([]string, error) {
		found, err := m.Tables.Forgetful(n.Name, any)
		if !m.entered(n.Name) {
			found = slices.DeleteFunc(found, func(what string) bool { return what == kernel.PerhapsLegacy })
		}
		return found, err
	})
}

func (m machine) Proxies() (bool, error) {
	found, err := m.having(func(n *topology.Node) (out []string, err error) {
		yes, err := m.Tables.Proxies(n.Name)
		if yes {
			out = append(out, "a proxy")
		}
		return out, err
	})
	return len(found) > 0, err
}

func (m machine) Anycast() (map[netip.Addr]bool, error) {
	out := map[netip.Addr]bool{}
	for _, n := range m.lab().Nodes {
		if !n.IPv6 {
			continue
		}
		list, err := m.Tables.Anycast(n.Name)
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			out[a] = true
		}
		// The kernel lists that of a prefix only once it has worked off that its address is there (addrconf_dad_work).
		for _, i := range n.Addressed() {
			for _, p := range i.Addrs {
				if p.Addr().Is6() && p.Bits() < 127 { // addrconf_join_anycast
					out[p.Masked().Addr()] = true
				}
			}
		}
	}
	return out, nil
}

// having is what a reading finds in all nodes: "NODE has WHAT".
func (m machine) having(read func(n *topology.Node) ([]string, error)) ([]string, error) {
	nodes := m.lab().Nodes
	found := make([][]string, len(nodes))
	var all errgroup.Group
	all.SetLimit(runtime.GOMAXPROCS(0))
	for i, n := range nodes {
		all.Go(func() error {
			list, err := read(n)
			for _, what := range list {
				found[i] = append(found[i], n.Name+" has "+what)
			}
			return err
		})
	}
	err := all.Wait()
	return slices.Concat(found...), err
}

func (m machine) SwitchPort(node, port string) (reach.SwitchPort, error) {
	st, err := m.switches.port(node, port)
	return reach.SwitchPort{State: st.State, Promiscuous: st.Promiscuous, Initial: st.Initial, Effective: st.Effective},
		err
}

func (m machine) Drops(node string) ([]reach.Drop, int, error) { return m.switches.drops(node) }

// Quiet returns when the virtual switches know what the nodes' adapters are like by now.
func (m machine) Quiet(ctx context.Context) error { return m.switches.quiet(ctx) }

// Idle returns when no frame is under way in the virtual switches.
func (m machine) Idle(ctx context.Context) error { return m.switches.idle(ctx) }

// Hits counts, by "set/rule", the packets that a node's rules met since the mark.
func (m machine) Hits(node string) (map[string]uint64, error) {
	n := m.lab().Node(node)
	if n == nil {
		return nil, fmt.Errorf("no node %q", node)
	}
	return m.hits.since(n)
}
