package reach

import (
	"slices"
	"time"

	"labctl/topology/schedule"
)

// wait is what the pair had the nodes do when it was alone.
func (pr *pair) wait() schedule.Wait {
	return schedule.Wait{Source: pr.sock.node, Waiting: len(pr.seen.waiting) > 0, Routed: pr.routed(),
		Wanted: pr.seen.wanted, Asking: pr.seen.asking}
}

// routed reports whether a router on the way there was waiting for a neighbour when the pair was alone. Of its own
// failures the sender has an entry that says so, and nothing comes of those on the way back.
func (pr *pair) routed() bool {
	if pr.path == nil || len(pr.path.hops) < 2 {
		return false
	}
	return slices.ContainsFunc(pr.path.hops[1:], func(h hop) bool { return slices.Contains(pr.seen.waiting, entry(h)) })
}

// runBatches asks the slow pairs in batches, then alone those whose batch may have changed their fate.
func (m *fresh) runBatches(prs []*pair) error {
	var doubted []*pair
	for len(prs) > 0 {
		room := m.b.room()
		if room < 1 {
			return errNoRoom
		}
		var batch []*pair
		batch, prs = schedule.Batch(prs, (*pair).wait, room)
		again, err := m.certainly(batch)
		if err != nil {
			return err
		}
		doubted = append(doubted, again...)
	}
	for _, pr := range doubted {
		for range lateTries {
			again, err := m.certainly([]*pair{pr})
			if err != nil {
				return err
			}
			if len(again) == 0 {
				break
			}
		}
	}
	return nil
}

// asks is what the wait for a batch knows of it. What may treat a repeated request otherwise is looked for before the
// first is sent, and again when it has not been answered: a port may have begun to forward meanwhile. Where nobody
// waited for a neighbour when the pairs were alone, there is nothing to give up.
func (m *fresh) asks(prs []*pair, before losses) *asks {
	if !slices.ContainsFunc(prs, func(pr *pair) bool { return len(pr.seen.waiting) > 0 }) {
		return nil
	}
	return asksOf(prs, before, m.b.repeats(nil))
}

// batch asks pairs at the same time, from empty tables, and returns those to be asked again alone. No-arp is never
// doubted: company can complete an entry, not break one.
func (m *fresh) batch(prs []*pair, before losses) (doubted []*pair, err error) {
	m.b.ready(m.ctx, len(prs))
	if err := m.b.forgetAll(m.ctx); err != nil {
		return nil, err
	}
	m.closeTries()
	asks := m.asks(prs, before)
	alone := map[*pair]string{}
	for _, pr := range prs {
		alone[pr] = pr.holds
		pr.again()
		m.send(pr)
	}
	m.awaitAnswers(prs, time.Now().Add(m.b.patience), asks)
	if err := m.ctx.Err(); err != nil {
		return nil, err
	}
	told := map[*pair]bool{}
	for _, pr := range prs {
		if err := m.settle(pr); err != nil {
			return nil, err
		}
		m.learn(pr)
		if pr.word == "no-arp" || pr.learnedUnasked || !pr.waited() {
			continue
		}
		if told[pr], err = m.learnedUnasked(pr); err != nil {
			return nil, err
		}
	}
	if len(prs) == 1 {
		if told[prs[0]] {
			doubted = prs
		}
		return doubted, nil
	}
	now, err := m.snapshot(m.v6)
	if err != nil {
		return nil, err
	}
	still := map[entry]bool{}
	for _, e := range now.waiting {
		still[e] = true
	}
	for _, pr := range prs {
		if pr.arp && pr.holds != alone[pr] || pr.word != "no-arp" &&
			(pr.word == "ok" || told[pr] || completed(pr, still)) {
			pr.holds = alone[pr]
			doubted = append(doubted, pr)
		}
	}
	return doubted, nil
}

// waited reports whether the sender, when the pair was alone, was still asking for its neighbour; otherwise it does not
// matter who tells it now.
func (pr *pair) waited() bool {
	return pr.path != nil && len(pr.path.hops) > 0 && slices.Contains(pr.seen.waiting, entry(pr.path.hops[0]))
}

// completed reports whether an entry that the pair waited for when it was alone is no longer waiting.
func completed(pr *pair, still map[entry]bool) bool {
	return slices.ContainsFunc(pr.seen.waiting, func(e entry) bool { return !still[e] })
}
