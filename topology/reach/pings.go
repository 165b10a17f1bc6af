package reach

import (
	"context"
	"slices"
)

// echoes asks the ping questions of one family, and in fresh mode the arp questions that go with them.
func (a *asking) echoes(ctx context.Context, at []int, v6 bool) {
	m := newExchange(ctx, a.b, a.own)
	m.v6 = v6
	index := map[[2]string]*pair{}
	for _, i := range at {
		a.add(m, index, i)
	}
	for _, i := range a.afterPings {
		if to, ok := a.b.target(a.out[i].Question.B); ok && to.IP.IsValid() == v6 {
			continue
		}
		if pr := a.add(m, index, i); pr != nil {
			pr.arp = true
		}
	}
	if len(m.pairs) == 0 {
		return
	}
	var err error
	if a.kept {
		err = newKept(m).run()
	} else {
		err = newFresh(m).run()
	}
	for _, pr := range m.pairs {
		if pr.word == "" && err != nil {
			pr.decide(Unknown, err.Error())
		}
		a.report(pr)
	}
}

// add finds or makes the pair of a question; nil, and the reason in the result, when it cannot be asked.
func (a *asking) add(m *exchange, index map[[2]string]*pair, i int) *pair {
	q := a.out[i].Question
	pr := index[[2]string{q.A, q.B}]
	if pr == nil {
		var err error
		if pr, err = newPair(m.b, m.own, q, m.v6); err != nil {
			a.fail([]int{i}, err)
			return nil
		}
		index[[2]string{q.A, q.B}] = pr
		m.pairs = append(m.pairs, pr)
	}
	pr.asked = append(pr.asked, i)
	return pr
}

// report writes a pair's outcome into the results of its questions.
func (a *asking) report(pr *pair) {
	word, detail := pr.outcome()
	if word == "" {
		word, detail = Unknown, "not asked"
	}
	pr.over()
	for _, i := range pr.asked {
		r := &a.out[i]
		if r.Question.Kind == "arp" {
			r.Got, r.Exact, r.Detail = pr.holds, pr.exact, "after: "+detail
			if pr.holds == "" || word == Unknown {
				r.Got, r.Exact, r.Detail = Unknown, nil, detail
			}
			continue
		}
		r.Got, r.Detail, r.Causes, r.RTT, r.Hops, r.Sent = word, detail, slices.Clone(pr.causes), pr.rtt, pr.suspects(),
			Sent{a.b.cookie, pr.tries}
	}
}
