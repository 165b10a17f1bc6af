//go:build linux

package supervisor

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"labctl/cmd/labctl/wire"
	"labctl/topology/expect"
	"labctl/topology/labfile"
	"labctl/topology/reach"
)

func ask(ctx context.Context, c *call) (any, error) {
	var p wire.AskParams
	if err := json.Unmarshal(c.params, &p); err != nil {
		return nil, err
	}
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
		out[i] = wire.Answer{From: r.Question.A, To: r.Question.B, At: r.Question.At, Outcome: r.Got, Detail: r.Detail, Why: stoppedBy(r), RTT: r.RTT.Microseconds()}
		if to := c.prober.Address(r.Question); to.IsValid() {
			out[i].Addr = to.String()
		}
	}
	return out, nil
}

func verify(ctx context.Context, c *call) (any, error) {
	var p wire.VerifyParams
	if err := json.Unmarshal(c.params, &p); err != nil {
		return nil, err
	}
	if err := c.whole(); err != nil { // what a table says of it is neither true nor false
		return nil, err
	}
	v := &verifier{call: c, prober: c.prober}
	c.prober.All = p.All
	defer func() { c.prober.All = false }()
	c.mu.Lock()
	file, at := c.file, c.story.Step
	c.mu.Unlock()
	if at > 0 {
		return nil, wire.Usagef("%s is at step %q (%d of %d), whose tables \"labctl step\" judges; \"labctl verify FILE --new\" walks through all steps, and \"labctl up --reset\" returns to the beginning",
			c.meta.Instance, file.Steps[at-1].Name, at, len(file.Steps))
	}
	var out wire.Verification
	if file.Expect != nil {
		c.event(wire.Event{What: "judging"})
		tables, err := v.judge(ctx, file.Expect)
		if err != nil {
			return nil, err
		}
		out.Steps = append(out.Steps, wire.StepVerdicts{Tables: inFileOrder(tables)})
	}
	if p.Steps {
		defer v.stopStreams(nil)
		var err error
		if out.Steps, err = v.walkAll(ctx, file, out.Steps); err != nil {
			return nil, err
		}
	}
	err := c.proved(ctx)
	out.Died = c.deaths()
	return out, err
}

// walkAll walks through the steps of a file, and appends what they found.
func (v *verifier) walkAll(ctx context.Context, file *labfile.File, out []wire.StepVerdicts) ([]wire.StepVerdicts, error) {
	over := ""
	for i, st := range file.Steps {
		sv := wire.StepVerdicts{Step: st.Name, Failed: over, Tables: unknowns(st.Expect)}
		if over == "" {
			v.event(wire.Event{What: "step: " + st.Name, Done: i, Total: len(file.Steps)})
			var err error
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

// inFileOrder sorts tables, which were judged in another order, as a reader of the file meets them.
func inFileOrder(ts []wire.TableVerdicts) []wire.TableVerdicts {
	slices.SortStableFunc(ts, func(a, b wire.TableVerdicts) int { return a.Line - b.Line })
	return ts
}

// verifier walks through one lab.
type verifier struct {
	*call
	prober *reach.Prober
}

// judge asks an expectation that has no cases.
func (v *verifier) judge(ctx context.Context, e *expect.Expectation) ([]wire.TableVerdicts, error) {
	r, err := v.ask(ctx, e)
	if err != nil {
		return nil, err
	}
	return verdicts(r, nil), nil
}

// ask judges, and says of pings that failed which switch dropped them.
func (v *verifier) ask(ctx context.Context, e *expect.Expectation) (*reach.Report, error) {
	since, before := v.switches.logged(), v.losses()
	r, err := v.prober.Judge(ctx, e)
	if err != nil {
		return nil, err
	}
	v.tellWhy(ctx, since, resultsOf(r))
	lost := before.since(v.losses(), v.current())
	for ti := range r.Tables {
		for ci := range r.Tables[ti].Cells {
			if c := &r.Tables[ti].Cells[ci]; lost.doubt(&c.Result) {
				c.OK = !c.Cell.Judged
			}
		}
	}
	return r, nil
}

func verdicts(r *reach.Report, st *labfile.Step) []wire.TableVerdicts {
	out := []wire.TableVerdicts{}
	for _, t := range r.Tables {
		tv := wire.TableVerdicts{Kind: t.Table.Kind, Line: t.Table.Pos.Line, Cells: make([]wire.Verdict, len(t.Cells))}
		for i, c := range t.Cells {
			tv.Cells[i] = verdict(c, st)
		}
		out = append(out, tv)
	}
	return out
}

func verdict(c reach.CellReport, st *labfile.Step) wire.Verdict {
	v := wire.Verdict{Question: c.Cell.Question.String(), Judged: c.Cell.Judged, OK: c.OK, Want: c.Cell.Want.Text,
		Got: c.Result.Got, Detail: c.Result.Detail, Why: stoppedBy(&c.Result), RTT: c.Result.RTT.Microseconds(), Line: c.Cell.Pos.Line, Col: c.Cell.Pos.Col}
	if st != nil && c.Cell.Case >= 0 && c.Cell.Case < len(st.Cases) {
		v.Case = st.Cases[c.Cell.Case].Name
	}
	return v
}

// unknowns are the cells of an expectation that nobody came to ask.
func unknowns(e *expect.Expectation) []wire.TableVerdicts {
	out := []wire.TableVerdicts{}
	if e == nil {
		return out
	}
	for _, t := range e.Tables {
		tv := wire.TableVerdicts{Kind: t.Kind, Line: t.Pos.Line}
		for _, c := range t.Cells {
			tv.Cells = append(tv.Cells, wire.Verdict{Question: c.Question.String(), Judged: c.Judged, OK: !c.Judged, Want: c.Want.Text,
				Got: reach.Unknown, Detail: "not asked", Line: c.Pos.Line, Col: c.Pos.Col})
		}
		out = append(out, tv)
	}
	return out
}
