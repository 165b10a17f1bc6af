package reach

import (
	"time"

	"labctl/topology/cause"
	"labctl/topology/expect"
)

// investigate has the owner of the prober find out what stopped those that did not get through, as it does of pings.
func (d *dialing) investigate(list []*attempt, question func(*attempt) expect.Question) error {
	if d.b.investigate == nil {
		return nil
	}
	defer d.b.clock.in(PartCauses)()
	asked := false
	begin, looked := time.Now(), 0
	for _, t := range list {
		switch {
		case t.word == "" || t.word == "open" || t.word == Unknown:
			continue
		case enoughLookedInto(looked, time.Since(begin)):
			t.causes = []cause.Cause{{Kind: cause.NotInvestigated}}
			continue
		}
		looked++
		t.causes = d.lookInto(t, question(t), &asked)
		if err := d.ctx.Err(); err != nil {
			return err
		}
	}
	if !asked || d.kept {
		return d.ctx.Err()
	}
	return d.b.forgetAll(d.ctx)
}

// lookInto has the causes of one question looked for, while nothing else is sent.
func (d *dialing) lookInto(t *attempt, q expect.Question, asked *bool) []cause.Cause {
	d.b.hush.Lock()
	defer d.b.hush.Unlock()
	return d.b.investigate(d.ctx, q, func(then func(func() Trace) bool) error {
		*asked = true
		if err := d.tables(); err != nil {
			return err
		}
		once := func() error {
			again := *t
			again.again()
			return d.try(&again, d.awaitBriefly)
		}
		if err := once(); err != nil {
			return err
		}
		way := func() Trace { return traceNow(d.b.machine, d.own, t.from.Node, t.query()) }
		if then != nil && then(way) {
			// What was found out of neighbours stays; a redirect would send the second one another way.
			if err := d.b.forgetRoutes(); err != nil {
				return err
			}
			if err := once(); err != nil {
				return err
			}
		}
		return d.tables() // a kernel repeats what it has asked for in vain, which would be met in the pause
	})
}

// awaitBriefly waits for what a question that is asked again meets.
func (d *dialing) awaitBriefly(t *attempt, fd int, heard *ears) {
	w := &waiting{b: d.b, ctx: d.ctx}
	for {
		d.take(t, fd)
		left := meeting - time.Since(t.sent)
		if t.word != "" || left <= 0 || d.ctx.Err() != nil || w.proof.Calm() {
			return
		}
		d.poll(t, fd, heard, min(left, w.glance()))
	}
}
