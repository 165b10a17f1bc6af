package reach

import (
	"fmt"
	"time"

	"labctl/topology"
)

const (
	// meeting is how long a ping that is asked again may take to meet what stops it.
	meeting = quick
	// investigating is how long to spend on the pings of one table. Nothing is said of those that are left.
	investigating = 3 * time.Second
)

// investigate has the owner of the prober find out what stopped the pings that did not get through, and forgets what that leaves
// behind.
func (m *matrix) investigate(kept bool) error {
	if m.p.Investigate == nil {
		return nil
	}
	kind := "ping"
	if m.v6 {
		kind = "ping6"
	}
	asked := false
	again := func(pr pair) error {
		asked = true
		if err := m.anew(&pr, kept); err != nil {
			return err
		}
		pr.again()
		m.send(&pr)
		m.await(&pr, meeting)
		return m.p.Machine.Idle(m.ctx)
	}
	begin := time.Now()
	for _, pr := range m.pairs {
		if pr.word == "" || pr.word == "ok" || pr.word == Unknown || time.Since(begin) > investigating {
			continue
		}
		m.p.hush.Lock()
		why := m.p.Investigate(m.ctx, topology.Question{Kind: kind, A: pr.from.Text, B: pr.to.Text}, func() error { return again(*pr) })
		m.p.hush.Unlock()
		if why != "" {
			pr.detail += "; " + why
		}
	}
	if !asked || kept {
		return m.ctx.Err()
	}
	return m.p.forgetAll(m.ctx)
}

// anew makes the tables what a ping that is asked again shall find. Kept ones are as they were; only who has asked for a neighbour in
// vain asks anew, at once and not when its kernel next would have.
func (m *matrix) anew(pr *pair, kept bool) error {
	if !kept {
		return m.p.forgetAll(m.ctx)
	}
	if pr.word != "no-arp" || pr.way == nil || len(pr.way.hops) == 0 {
		return nil
	}
	h := pr.way.hops[0]
	if err := m.p.Machine.DeleteNeighbours(h.node, []Neighbour{{Index: h.index, IP: h.next}}); err != nil {
		return fmt.Errorf("forget neighbour %s of %s: %w", h.next, h.node, err)
	}
	return nil
}
