//go:build linux

package supervisor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"labctl/cmd/labctl/wire"
	"labctl/topology"
	"labctl/topology/expect"
	"labctl/topology/labfile"
	"labctl/topology/plan"
	"labctl/topology/reach"
)

// step goes through one step in the order of the file format: reset and set, do, wait, cases and expect.
func (v *verifier) step(ctx context.Context, st *labfile.Step) (wire.StepVerdicts, error) {
	sv := wire.StepVerdicts{Step: st.Name, Tables: []wire.TableVerdicts{}}
	if err := v.changeLab(ctx, st.Lab); err != nil {
		return sv, err
	}
	began := time.Now()
	over, err := v.prober.Overhear(ctx, st.Sends(), st.Expect)
	if err != nil {
		return sv, err
	}
	defer over.Close()
	v.timing.since("opening listeners", began)
	for i, a := range st.Do {
		v.at("do %d of %d", i+1, len(st.Do))
		began := time.Now()
		name, err := v.act(ctx, a)
		v.timing.since("actions", began)
		if err != nil {
			if ctx.Err() != nil {
				return sv, context.Cause(ctx)
			}
			sv.Failed = fmt.Sprintf("%s:%d:%d: %v", v.file.Path, a.Pos.Line, a.Pos.Col, err)
			sv.Tables = unknowns(st.Expect)
			return sv, nil
		}
		if err := v.noted(name); err != nil {
			return sv, err
		}
	}
	began = time.Now()
	if err := over.Settle(ctx); err != nil { // or a wait would see our own listeners
		return sv, err
	}
	v.timing.since(string(reach.PartOverheard), began)
	if st.Wait != nil {
		v.at("wait")
		began := time.Now()
		missed, err := v.wait(ctx, st)
		v.timing.since("what the step waits for", began)
		if err != nil {
			return sv, err
		}
		if missed != nil {
			sv.Failed, sv.Wait = fmt.Sprintf("what it waits for did not come within %s", st.Timeout), missed
			sv.Tables = unknowns(st.Expect)
			return sv, nil
		}
	}
	if st.Expect == nil {
		return sv, nil
	}
	v.at("expect")
	sv.Tables, err = v.expect(ctx, st)
	return sv, err
}

// changeLab changes the running lab into another state of the same file.
func (v *verifier) changeLab(ctx context.Context, to *topology.Lab) error {
	defer func(began time.Time) { v.timing.since("changing the lab", began) }(time.Now())
	planned, changes := plan.Diff(v.current(), to, v.meta.Instance)
	if len(planned.Ops) > 0 || len(changes) > 0 {
		if err := v.server.apply(ctx, planned, to); err != nil {
			return v.brokenOff(err)
		}
	}
	v.target.Store(to)
	v.mu.Lock()
	v.lab, v.prober.Lab = to, to
	v.mu.Unlock()
	for _, h := range changes {
		v.eventLog.add(wire.Happened{Kind: "changed", Node: h.Node, New: h.What, Cause: "step"})
	}
	if len(changes) > 0 {
		if err := v.settle(ctx, to, v.event); err != nil {
			return err
		}
	}
	v.switches.mark()
	v.prober.Mark()
	return v.hits.reset(ctx, to, v.file)
}

// expect judges a step's tables; those of cases column by column, each after its own set, which is then taken back.
func (v *verifier) expect(ctx context.Context, st *labfile.Step) ([]wire.TableVerdicts, error) {
	plain, cases := &expect.Expectation{Pos: st.Expect.Pos, Kept: st.Expect.Kept}, []*expect.Table{}
	for _, t := range st.Expect.Tables {
		if expect.KindOf(t.Kind).OfStep {
			cases = append(cases, t)
		} else {
			plain.Tables = append(plain.Tables, t)
		}
	}
	out, err := v.judge(ctx, plain)
	if err != nil {
		return nil, err
	}
	byCase := map[*expect.Cell]wire.Verdict{}
	for i, cs := range st.Cases {
		column := &expect.Expectation{Kept: st.Expect.Kept}
		for _, t := range cases {
			part := *t
			part.Cells = nil
			for _, c := range t.Cells {
				if c.Case == i {
					part.Cells = append(part.Cells, c)
				}
			}
			column.Tables = append(column.Tables, &part)
		}
		if err := v.changeLab(ctx, cs.Lab); err != nil {
			return nil, fmt.Errorf("case %s: %w", cs.Name, err)
		}
		r, err := v.ask(ctx, column)
		if err != nil {
			return nil, err
		}
		for _, t := range r.Tables {
			for _, c := range t.Cells {
				byCase[c.Cell] = verdict(c, st)
			}
		}
	}
	if len(st.Cases) > 0 {
		if err := v.changeLab(ctx, st.After); err != nil {
			return nil, err
		}
	}
	for _, t := range cases {
		tv := wire.TableVerdicts{Kind: t.Kind, With: t.With, Line: t.Pos.Line}
		for _, c := range t.Cells {
			tv.Cells = append(tv.Cells, byCase[c])
		}
		out = append(out, tv)
	}
	return out, nil
}

// wait reads until all of it holds; it returns what did not hold when the time was up.
func (v *verifier) wait(ctx context.Context, st *labfile.Step) ([]wire.TableVerdicts, error) {
	deadline := time.NewTimer(st.Timeout)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		r, err := v.prober.Read(ctx, st.Wait)
		if err != nil {
			return nil, err
		}
		if r.OK() {
			return nil, nil
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return verdicts(r, st), nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// noted records at once what an action of a step began or ended, by its name, for whoever heals the lab after a kill in
// the middle of the step. Nobody heals a temporary one.
func (v *verifier) noted(name string) error {
	v.mu.Lock()
	if v.meta.Temporary || name == "" {
		v.mu.Unlock()
		return nil
	}
	v.story.Ended = slices.DeleteFunc(slices.Clone(v.story.Ended), func(e string) bool { return e == name })
	v.mu.Unlock()
	return v.record()
}
