//go:build linux

package supervisor

import (
	"context"
	"slices"
	"time"

	"labctl/cmd/labctl/wire"
	"labctl/topology/cause"
	"labctl/topology/expect"
	"labctl/topology/labfile"
	"labctl/topology/reach"
)

// verifier walks through one lab.
type verifier struct {
	*call
	prober *reach.Prober
	timing timing
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
	r, err := v.prober.Judge(reach.WithSpent(ctx, v.timing.spent), e)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	v.tellWhy(ctx, since, resultsOf(r))
	v.timing.since(string(reach.PartCauses), began)
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
		tv := wire.TableVerdicts{Kind: t.Table.Kind, With: t.Table.With, Line: t.Table.Pos.Line,
			Cells: make([]wire.Verdict, len(t.Cells))}
		for i, c := range t.Cells {
			tv.Cells[i] = verdict(c, st)
		}
		out = append(out, tv)
	}
	return out
}

func verdict(c reach.CellReport, st *labfile.Step) wire.Verdict {
	v := wire.Verdict{Question: c.Cell.Question.String(), Judged: c.Cell.Judged, OK: c.OK, Want: c.Cell.Want.Text,
		Got: c.Result.Got, Detail: cause.Explain(c.Result.Detail, c.Result.Causes), Why: cause.Text(c.Result.Causes),
		Causes: c.Result.Causes,
		RTT:    c.Result.RTT.Microseconds(), Line: c.Cell.Pos.Line, Col: c.Cell.Pos.Col}
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
		tv := wire.TableVerdicts{Kind: t.Kind, With: t.With, Line: t.Pos.Line}
		for _, c := range t.Cells {
			tv.Cells = append(tv.Cells, wire.Verdict{Question: c.Question.String(), Judged: c.Judged, OK: !c.Judged,
				Want: c.Want.Text,
				Got:  reach.Unknown, Detail: "not asked", Line: c.Pos.Line, Col: c.Pos.Col})
		}
		out = append(out, tv)
	}
	return out
}

// inFileOrder sorts tables, which were judged in another order, as a reader of the file meets them.
func inFileOrder(ts []wire.TableVerdicts) []wire.TableVerdicts {
	slices.SortStableFunc(ts, func(a, b wire.TableVerdicts) int { return a.Line - b.Line })
	return ts
}
