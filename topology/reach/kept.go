package reach

import (
	"fmt"
	"labctl/topology"
	"net/netip"
)

// tables is what the neighbour tables had when the kept pairs began, and what these have added.
type tables struct {
	known map[known]bool
	free  int // entries that the machine still has room for
}

// known is an address that a node has a neighbour for.
type known struct {
	node string
	ip   netip.Addr
}

// kept asks the pairs one after the other and forgets nothing. One for which nothing comes has the next one wait only until no
// node is asking for a neighbour any more: what is lost by then stays lost, and all such pairs share what is left of their time.
func (m *matrix) kept() error {
	t, err := m.tables()
	if err != nil {
		return err
	}
	joined, err := m.p.carriers(m.p.nodeNames()...)
	if err != nil {
		return err
	}
	for _, pr := range m.pairs {
		if err := m.ctx.Err(); err != nil {
			return err
		}
		turned := m.turned
		m.drain(pr.sock)
		if m.turned != turned {
			clear(m.ways) // an accepted redirect changes them
		}
		m.plot(pr)
		if !t.holds(m, pr) {
			pr.decide(Unknown, errNoRoom.Error())
			continue
		}
		m.unlimited(pr)
		m.closeTries()
		m.send(pr)
		err := m.quiet(pr, m.p.patience())
		if err == nil {
			err = m.unanswered(pr)
		}
		if err == nil {
			err = m.unharmed(pr, joined)
		}
		if err == nil {
			err = m.insist(pr)
		}
		if m.ctx.Err() != nil {
			return m.ctx.Err()
		}
		if err != nil {
			pr.decide(Unknown, err.Error())
		}
	}
	for _, pr := range m.pairs {
		m.await(pr, m.p.patience())
		if err := m.ctx.Err(); err != nil {
			return err
		}
		m.giveUp(pr)
	}
	m.grace()
	for _, pr := range m.pairs {
		if pr.way != nil && !m.steered(pr) { // of one whose way it would change nothing is guessed
			m.byKernel(pr)
		}
	}
	m.closeTries()
	return m.investigate(true)
}

// tables reads what is there: an entry that exists costs nothing.
func (m *matrix) tables() (*tables, error) {
	t := &tables{known: map[known]bool{}}
	for _, n := range m.p.Lab.Nodes {
		ns, err := m.p.Machine.Neighbours(n.Name, family(m.v6))
		if err != nil {
			return nil, fmt.Errorf("read the neighbours of %s: %w", n.Name, err)
		}
		for _, e := range ns {
			if !failed(e) {
				t.known[known{n.Name, e.IP}] = true
			}
		}
	}
	return t, nil
}

// holds reports whether the machine has room for what the pair may add, and counts it. What it has already is not counted:
// the request and its reply use entries that exist.
func (t *tables) holds(m *matrix, pr *pair) bool {
	if len(pr.way.hops) == 0 {
		return true
	}
	var lacking []known
	for _, h := range pr.traces.entries {
		if k := (known{h.node, h.next}); !t.known[k] {
			lacking = append(lacking, k)
		}
	}
	need := len(lacking)
	if !pr.traces.exact() {
		need = entriesPerPair * len(pr.way.hops)
	}
	if need > t.free {
		t.free = m.p.room() * entriesPerPair
	}
	if need > t.free {
		return false
	}
	t.free -= need
	for _, k := range lacking {
		t.known[k] = true
	}
	return true
}

// unanswered asks the sender's neighbour entry about a pair for which nothing came: when failed, it says why (the error got
// lost).
func (m *matrix) unanswered(pr *pair) error {
	if pr.word != "" || pr.way == nil || len(pr.way.hops) == 0 {
		return nil
	}
	h := pr.way.hops[0]
	ns, err := m.p.Machine.Neighbours(h.node, family(pr.sock.v6))
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

// giveUp calls what nothing came for silent.
func (m *matrix) giveUp(pr *pair) {
	if pr.word == "" {
		pr.decide("silent", fmt.Sprintf("nothing came back within %v", m.p.patience()))
	}
}

func failed(n topology.NeighbourEntry) bool { return n.State == "FAILED" || n.State == "INCOMPLETE" }
