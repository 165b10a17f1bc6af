package reach

import (
	"fmt"
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

// kept asks the pairs from the tables as they are.
type kept struct {
	*exchange
	steering *steering
}

func newKept(m *exchange) *kept { return &kept{m, &steering{exchange: m}} }

// run asks the pairs one after the other and forgets nothing. One for which nothing comes has the next one wait only
// until no node is asking for a neighbour any more: what is lost by then stays lost, and all such pairs share what is
// left of their time.
func (m *kept) run() error {
	t, err := m.tables()
	if err != nil {
		return err
	}
	joined, err := m.b.carriers(m.b.nodeNames()...)
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
		m.tracePair(pr)
		if !t.holds(m.b, pr) {
			pr.decide(Unknown, errNoRoom.Error())
			continue
		}
		m.steering.unlimited(pr)
		m.closeTries()
		m.send(pr)
		err := m.quiet(pr, m.b.patience, nil)
		if err == nil {
			err = m.unanswered(pr)
		}
		if err == nil {
			err = m.unharmed(pr, joined)
		}
		m.learn(pr)
		if err == nil {
			err = m.steering.insist(pr)
		}
		if m.ctx.Err() != nil {
			return m.ctx.Err()
		}
		if err != nil {
			pr.decide(Unknown, err.Error())
		}
	}
	for _, pr := range m.pairs {
		if !pr.nothing {
			m.await(pr, m.b.patience)
		}
		if err := m.ctx.Err(); err != nil {
			return err
		}
		m.giveUp(pr)
		m.learn(pr)
	}
	m.grace()
	for _, pr := range m.pairs {
		if pr.path != nil && !m.steering.steered(pr) { // of one whose way it would change nothing is guessed
			m.byKernel(pr)
		}
	}
	m.closeTries()
	return m.investigate(true)
}

// tables reads what is there: an entry that exists costs nothing.
func (m *kept) tables() (*tables, error) {
	t := &tables{known: map[known]bool{}}
	for _, n := range m.b.lab.Nodes {
		ns, err := m.b.machine.Neighbours(n.Name, family(m.v6))
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

// holds reports whether the machine has room for what the pair may add, and counts it. What it has already is not
// counted: the request and its reply use entries that exist.
func (t *tables) holds(b *bench, pr *pair) bool {
	if len(pr.path.hops) == 0 {
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
		need = entriesPerPair * len(pr.path.hops)
	}
	if need > t.free {
		t.free = b.room() * entriesPerPair
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

// unharmed asks a kept pair again whose request the kernel has thrown away. Nobody but its sender has met that, and its
// tables have nothing of it.
func (m *kept) unharmed(pr *pair, joined carriers) error {
	for range lostTries {
		gone, err := m.thrownAway(pr, joined)
		if err != nil || !gone || m.ctx.Err() != nil {
			return err
		}
		pr.again()
		m.send(pr)
		if err := m.quiet(pr, m.b.patience, nil); err != nil {
			return err
		}
		if err := m.unanswered(pr); err != nil {
			return err
		}
		pr.note = "asked again, as the kernel threw the first request away when a carrier changed"
	}
	return nil
}
