package reach

import (
	"fmt"
	"slices"
	"time"

	"labctl/topology"
	"labctl/topology/schedule"
)

// pendingForget is the entries that answered pairs have left behind and that are still to be forgotten. Pairs that have
// nothing to do with them may be asked meanwhile: what a node knows of others changes nothing in how it finds and
// answers this one.
type pendingForget struct {
	nodes  []string // in the order in which they came
	byNode map[string][]topology.NeighbourEntry
	all    map[entry]bool
	since  time.Time
}

// pendingFor is the longest that an entry is left: the kernel asks for an entry that it has used again after 5 s
// (delay_first_probe_time), and such a request would be somebody's news.
const pendingFor = time.Second

// pendingAtMost is where the kernel of a stock machine begins to look for entries to throw away (gc_thresh2, arp(7)).
const pendingAtMost = 512

// deferForget notes what an answered pair leaves, if that is known to the entry; otherwise it is forgotten at once.
func (m *fresh) deferForget(pr *pair) error {
	if !pr.traces.exact() || pr.word != "ok" || pr.redirect != "" {
		return m.forget(pr)
	}
	o := &m.pending
	if len(o.all) == 0 {
		o.since, o.byNode, o.all = time.Now(), map[string][]topology.NeighbourEntry{}, map[entry]bool{}
	}
	for _, h := range pr.traces.entries {
		if o.byNode[h.node] == nil {
			o.nodes = append(o.nodes, h.node)
		}
		o.byNode[h.node] = append(o.byNode[h.node], topology.NeighbourEntry{Index: h.index, IP: h.next})
		o.all[entry(h)] = true
	}
	return nil
}

// clear makes the tables empty as far as the pair can see.
func (m *fresh) clear(pr *pair) error {
	o := &m.pending
	if len(o.all) == 0 {
		return nil
	}
	t := pr.traces
	if t.exact() && len(o.all)+len(t.entries) <= m.maxPending && time.Since(o.since) < pendingFor &&
		!slices.ContainsFunc(t.entries, func(h hop) bool { return o.all[entry(h)] }) {
		return nil
	}
	return m.flushPending()
}

// flushPending forgets what is pending.
func (m *fresh) flushPending() error {
	if len(m.pending.nodes) > 0 {
		if err := m.b.machine.Idle(m.ctx); err != nil {
			return err
		}
	}
	for _, n := range m.pending.nodes {
		if err := m.b.machine.DeleteNeighbours(n, m.pending.byNode[n]); err != nil {
			return fmt.Errorf("forget neighbours of %s: %w", n, err)
		}
	}
	m.pending = pendingForget{}
	return nil
}

// ends are the nodes of a pair.
func (pr *pair) ends() schedule.Ends { return schedule.Ends{From: pr.from.Node, To: pr.to.Node} }
