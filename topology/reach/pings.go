package reach

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"labctl/topology/expect"
)

// echoes asks the ping questions of one family, and in fresh mode the arp questions that go with them.
func (a *asking) echoes(ctx context.Context, at []int, v6 bool) {
	m := newExchange(ctx, a.b, a.own)
	m.v6 = v6
	index := map[pairKey]*pair{}
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
	err := a.once(m)
	if err == nil {
		if err = a.shortOnes(m, index); err == nil && !a.kept {
			newFresh(m).leave()
		}
	}
	for _, pr := range m.pairs {
		if pr.word == "" && err != nil {
			pr.decide(Unknown, err.Error())
		}
		a.report(pr)
	}
}

// once asks the pairs as the mode has it. In fresh mode the tables are empty behind it.
func (a *asking) once(m *exchange) error {
	if a.kept {
		return newKept(m).run()
	}
	return newFresh(m).ask()
}

// pairKey is what makes a pair unlike the others of its family. What an arp question asks for is left behind by a
// request without options.
type pairKey struct {
	a, b string
	form form
}

// add finds or makes the pair of a question; nil, and the reason in the result, when it cannot be asked.
func (a *asking) add(m *exchange, index map[pairKey]*pair, i int) *pair {
	q := a.out[i].Question
	key := pairKey{q.A, q.B, formOf(q)}
	pr := index[key]
	if pr == nil {
		var err error
		if pr, err = newPair(m.b, m.own, q, m.v6); err != nil {
			a.fail([]int{i}, err)
			return nil
		}
		index[key] = pr
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

// shortOnes asks of the pairs whose longer packets did not get through whether a short ping does, and says so in their
// details: without that, nobody knows whether it is the length. In fresh mode the tables are empty behind it.
func (a *asking) shortOnes(m *exchange, index map[pairKey]*pair) error {
	c := newExchange(m.ctx, m.b, m.own)
	c.v6, c.unquestioned = m.v6, true
	short := map[*pair]*pair{}
	for _, pr := range m.pairs {
		if pr.word == "" || pr.word == "ok" || pr.word == Unknown || pr.form.payload() <= defaultSize {
			continue
		}
		if short[pr] = index[pairKey{pr.from.Text, pr.to.Text, form{}}]; short[pr] != nil {
			continue
		}
		other, err := newPair(m.b, m.own, expect.Question{A: pr.from.Text, B: pr.to.Text}, m.v6)
		if err != nil {
			return err
		}
		short[pr], c.pairs = other, append(c.pairs, other)
	}
	if len(c.pairs) > 0 {
		if err := a.once(c); err != nil {
			return err
		}
		if !a.kept {
			if err := a.b.forgetAll(m.ctx); err != nil {
				return err
			}
		}
	}
	for pr, other := range short {
		if word, _ := other.outcome(); other.word == "ok" {
			pr.detail += fmt.Sprintf("; a ping of %d bytes is answered", defaultSize)
		} else {
			pr.detail += fmt.Sprintf("; a ping of %d bytes: %s", defaultSize, cmp.Or(word, Unknown))
		}
	}
	return nil
}
