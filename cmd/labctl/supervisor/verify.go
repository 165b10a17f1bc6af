//go:build linux

package supervisor

import (
	"context"
	"fmt"
	"time"

	"labctl/cmd/labctl/wire"
	"labctl/topology/cause"
	"labctl/topology/labfile"
	"labctl/topology/reach"
)

func ask(ctx context.Context, c *call, p wire.AskParams) ([]wire.Answer, error) {
	since, before := c.switches.logged(), c.losses()
	rs, err := c.prober.Ask(ctx, p.Questions, p.Kept)
	if err != nil {
		return nil, err
	}
	answers := make([]*reach.Result, len(rs))
	for i := range rs {
		answers[i] = &rs[i]
	}
	c.tellWhy(ctx, since, answers)
	lost := before.since(c.losses(), c.current())
	for _, r := range answers {
		lost.doubt(r)
	}
	out := make([]wire.Answer, len(rs))
	for i, r := range answers {
		out[i] = wire.Answer{From: r.Question.A, To: r.Question.B, At: r.Question.At, Outcome: r.Got,
			Detail: cause.Explain(r.Detail, r.Causes), Why: cause.Text(r.Causes), Causes: r.Causes,
			RTT: r.RTT.Microseconds()}
		if to := c.prober.Address(r.Question); to.IsValid() {
			out[i].Addr = to.String()
		}
	}
	return out, nil
}

func verify(ctx context.Context, c *call, p wire.VerifyParams) (wire.Verification, error) {
	if err := c.life.requireIntact(); err != nil { // what a table says of it is neither true nor false
		return wire.Verification{}, err
	}
	v := &verifier{call: c, prober: c.prober}
	c.prober.All = p.All
	defer func() { c.prober.All = false }()
	c.mu.Lock()
	file, at := c.file, c.story.Step
	c.mu.Unlock()
	if at > 0 {
		return wire.Verification{},
			wire.Usagef("%s is at step %q (%d of %d), whose tables \"labctl step\" judges; \"labctl verify FILE "+
				"--new\" walks through all steps, and \"labctl up --reset\" returns to the beginning",
				c.meta.Instance, file.Steps[at-1].Name, at, len(file.Steps))
	}
	var out wire.Verification
	if file.Expect != nil {
		c.event(wire.Event{What: "judging"})
		tables, err := v.judge(ctx, file.Expect)
		if err != nil {
			return wire.Verification{}, err
		}
		out.Steps = append(out.Steps, wire.StepVerdicts{Tables: inFileOrder(tables)})
	}
	if p.Steps {
		defer v.streams.stopIn(nil)
		var err error
		if out.Steps, err = v.walkAll(ctx, file, out.Steps); err != nil {
			return wire.Verification{}, err
		}
	}
	v.timing.step = ""
	began := time.Now()
	err := c.commands.proved(ctx)
	v.timing.since("proving commands in the background", began)
	out.Died, out.Timing = c.commands.deaths(), v.timing.spans
	return out, err
}

// walkAll walks through the steps of a file, and appends what they found.
func (v *verifier) walkAll(ctx context.Context, file *labfile.File,
	out []wire.StepVerdicts) ([]wire.StepVerdicts, error) {
	over := ""
	for i, st := range file.Steps {
		sv := wire.StepVerdicts{Step: st.Name, Failed: over, Tables: unknowns(st.Expect)}
		if over == "" {
			v.event(wire.Event{What: "step: " + st.Name, Done: i, Total: len(file.Steps)})
			var err error
			v.timing.step = st.Name
			if sv, err = v.step(ctx, st); err != nil {
				return nil, fmt.Errorf("step %q: %w", st.Name, err)
			}
			if sv.Failed != "" {
				over = fmt.Sprintf("not reached: step %q failed", st.Name)
			}
		}
		sv.Tables = inFileOrder(sv.Tables)
		out = append(out, sv)
	}
	return out, nil
}
