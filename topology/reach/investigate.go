package reach

import (
	"fmt"
	"time"

	"labctl/topology"
	"labctl/topology/cause"
	"labctl/topology/expect"
)

const (
	// meeting is how long a ping that is asked again may take to meet what stops it.
	meeting = quick
	// investigating is how long to spend on the pings of one table. Those that are left have [cause.NotInvestigated].
	// A person who wants the reason of another asks for that ping alone.
	investigating = 200 * time.Millisecond
	// investigated is how many are looked into for longer than that, up to tooLong: on a machine that is busy with
	// other things a single one may take seconds, and the first that a person asks for should have its reason. Two of
	// them have it in any case: a pair, both ways.
	investigated = 8
	tooLong      = 40 * time.Second
)

// investigate has the owner of the prober find out what stopped the pings that did not get through, and forgets what
// that leaves behind.
func (m *exchange) investigate(kept bool) error {
	if m.unquestioned || m.b.investigate == nil {
		return m.ctx.Err()
	}
	defer m.b.clock.in(PartCauses)()
	kind := "ping"
	if m.v6 {
		kind = "ping6"
	}
	asked := false
	ask := func(pr pair) {
		pr.again()
		m.send(&pr)
		m.awaitBriefly(&pr, meeting)
	}
	again := func(pr pair, then func(func() Trace) bool) error {
		// What others have left behind goes once; then only what this ping leaves.
		if !asked && !kept {
			if err := m.b.forgetAll(m.ctx); err != nil {
				return err
			}
		}
		asked = true
		if err := m.prepareTables(&pr, kept); err != nil {
			return err
		}
		ask(pr)
		if then != nil && then(func() Trace { return traceNow(m.b.machine, m.own, pr.sock.node, pr.query()) }) {
			// What was found out of neighbours stays; a redirect would send the second one another way.
			if err := m.b.forgetRoutes(); err != nil {
				return err
			}
			ask(pr)
		}
		// A kernel repeats what it has asked for in vain (arp(7), retrans_time), which would be met in the pause.
		if err := m.prepareTables(&pr, kept); err != nil || !kept {
			return err
		}
		return m.b.machine.Idle(m.ctx)
	}
	begin, looked := time.Now(), 0
	lookInto(m.pairs, func() bool { return enoughLookedInto(looked, time.Since(begin)) }, func(pr *pair) []cause.Cause {
		looked++
		m.b.hush.Lock()
		defer m.b.hush.Unlock()
		met := false
		question := expect.Question{Kind: kind, With: pr.with, A: pr.from.Text, B: pr.to.Text}
		long := m.tooLong(pr, kept)
		why := m.b.investigate(m.ctx, question, func(then func(func() Trace) bool) error {
			met = true
			return again(*pr, then)
		})
		// tables are as the ping left them, with the neighbour that it asked for in vain
		if met && kept && pr.inVain() {
			ask(*pr)
		}
		return append(why, long...)
	})
	if !asked || kept {
		return m.ctx.Err()
	}
	return m.b.forgetAll(m.ctx)
}

// enoughLookedInto reports whether the rest of the pings is left alone, after so many and so long.
func enoughLookedInto(looked int, took time.Duration) bool {
	return looked >= investigated && took > investigating || looked >= 2 && took > tooLong
}

// lookInto gives pings that did not get through the causes of that, or, once the time is spent, that nobody has looked.
func lookInto(pairs []*pair, spent func() bool, look func(*pair) []cause.Cause) {
	for _, pr := range pairs {
		if pr.word == "" || pr.word == "ok" || pr.word == Unknown {
			continue
		}
		if spent() {
			pr.causes = []cause.Cause{{Kind: cause.NotInvestigated}}
		} else {
			pr.causes = look(pr)
		}
	}
}

// inVain reports whether the sender's own first hop has not answered it.
func (pr *pair) inVain() bool { return pr.word == "no-arp" && pr.path != nil && len(pr.path.hops) > 0 }

// prepareTables makes the tables what a ping that is asked again is to find: without what the ping itself leaves
// behind. Kept ones are as they were; only who has asked for a neighbour in vain asks again, at once and not when its
// kernel next would have.
func (m *exchange) prepareTables(pr *pair, kept bool) error {
	if !kept && (pr.path == nil || !pr.traces.exact()) {
		return m.b.forgetAll(m.ctx)
	}
	if !kept {
		if err := m.b.machine.Idle(m.ctx); err != nil {
			return err
		}
		return m.forgetEntries(pr.traces.entries)
	}
	if !pr.inVain() {
		return nil
	}
	return m.forgetEntries(pr.path.hops[:1])
}

// forgetEntries removes the entries that nodes hold for next hops.
func (m *exchange) forgetEntries(of []hop) error {
	for _, h := range of {
		err := m.b.machine.DeleteNeighbours(h.node, []topology.NeighbourEntry{{Index: h.index, IP: h.next}})
		if err != nil {
			return fmt.Errorf("forget neighbour %s of %s: %w", h.next, h.node, err)
		}
	}
	return nil
}
