package model

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"labctl/topology"
	"labctl/topology/expect"
	"labctl/topology/labfile"
	"labctl/topology/model/sim"
	"labctl/topology/state"
)

// Verdict is a cell and the model's answer to it.
type Verdict struct {
	Cell *expect.Cell
	Case string // of a table of cases
	Answer
	OK bool // the answer is what the file wants, or the cell is not judged
}

// Table is the verdicts of a table, in the order of its cells.
type Table struct {
	Table *expect.Table
	Cells []Verdict
}

// Step is what a step came to, or for "" what the lab's own expectation did.
type Step struct {
	Step   string
	Failed string // why it came to no end
	Wait   []Table
	Tables []Table // in file order
}

// walker walks through one lab.
type walker struct {
	*Model
	file   *labfile.File
	all    bool // ask what is not judged, too
	pace   pace
	timed  bool // something goes by the clock
	over   string
	failed bool // a ping has not got through while rules that refuse are loaded, since the set of the step
}

func verifyAt(f *labfile.File, p pace, all bool, mute map[sim.Mute]bool) (out []Step, timed bool, err error) {
	m, err := New(f.Lab, state.Of(f.Lab))
	if err != nil {
		return nil, false, err
	}
	m.world.Know(mute, p.trusting)
	w := &walker{Model: m, file: f, pace: p, all: all}
	w.clocks(f.Lab)
	w.rest()
	w.Mark()
	if f.Expect != nil {
		out = append(out, Step{Tables: inFileOrder(w.judge(f.Expect, nil))})
	}
	for _, st := range f.Steps {
		s, err := w.step(st)
		if err != nil {
			return nil, false, fmt.Errorf("step %q: %w", st.Name, err)
		}
		s.Tables = inFileOrder(s.Tables)
		out = append(out, s)
	}
	return out, w.timed, nil
}

func inFileOrder(ts []Table) []Table {
	slices.SortStableFunc(ts, func(a, b Table) int { return cmp.Compare(a.Table.Pos.Line, b.Table.Pos.Line) })
	return ts
}

// step goes through one step in the order of the file format: reset and set, do, wait, expect.
func (w *walker) step(st *labfile.Step) (Step, error) {
	s := Step{Step: st.Name}
	if w.over != "" {
		s.Failed, s.Tables = w.over, w.unasked(st.Expect)
		return s, nil
	}
	if err := w.change(st.Lab); err != nil {
		return s, err
	}
	w.overhear(st.Sends(), st.Expect)
	for _, a := range st.Do {
		switch what := a.What.(type) {
		case *labfile.Stream, *topology.ARPSpoof:
			w.timed = true
		case *topology.Send:
			w.timed = w.timed || what.Every > 0
		}
		w.do(a.What)
		w.rest()
	}
	w.settleOverheard()
	if st.Wait != nil {
		if missed := w.wait(st); missed != nil {
			s.Failed, s.Wait = fmt.Sprintf("what it waits for does not come within %s", st.Timeout), missed
			s.Tables = w.unasked(st.Expect)
			w.over = fmt.Sprintf("not reached: step %q failed", st.Name)
			return s, nil
		}
	}
	if st.Expect == nil {
		return s, nil
	}
	var err error
	s.Tables, err = w.expect(st)
	return s, err
}

// change makes the lab that of a step.
func (w *walker) change(to *topology.Lab) error {
	if to != w.lab {
		if err := w.Become(to); err != nil {
			return err
		}
		w.clocks(to)
		w.rest()
	}
	w.Mark()
	w.failed = false
	return nil
}

// expect judges a step's tables; those of cases column by column, each after its own set, which is then taken back.
func (w *walker) expect(st *labfile.Step) ([]Table, error) {
	plain := &expect.Expectation{Kept: st.Expect.Kept}
	var cases []*expect.Table
	for _, t := range st.Expect.Tables {
		if expect.KindOf(t.Kind).OfStep {
			cases = append(cases, t)
		} else {
			plain.Tables = append(plain.Tables, t)
		}
	}
	out := w.judge(plain, nil)
	byCase := map[*expect.Cell]Verdict{}
	for i, cs := range st.Cases {
		column := &expect.Expectation{Kept: st.Expect.Kept}
		for _, t := range cases {
			part := *t
			part.Cells = slices.DeleteFunc(slices.Clone(t.Cells), func(c *expect.Cell) bool { return c.Case != i })
			column.Tables = append(column.Tables, &part)
		}
		if err := w.change(cs.Lab); err != nil {
			return nil, fmt.Errorf("case %s: %w", cs.Name, err)
		}
		for _, t := range w.judge(column, nil) {
			for _, v := range t.Cells {
				v.Case = cs.Name
				byCase[v.Cell] = v
			}
		}
	}
	if len(st.Cases) > 0 {
		if err := w.change(st.Lab); err != nil {
			return nil, err
		}
	}
	for _, t := range cases {
		table := Table{Table: t}
		for _, c := range t.Cells {
			table.Cells = append(table.Cells, byCase[c])
		}
		out = append(out, table)
	}
	return out, nil
}

// phases are what [reach] asks together, in its order: first what is probed, then what is only read.
func phaseOf(kind string, kept bool) int {
	order := map[string]int{"ping": 0, "ping6": 0, "answers": 1, "sees": 2, "streams": 3}
	if kind == "arp" && !kept {
		return 0
	}
	if p, ok := order[kind]; ok {
		return p
	}
	return 4
}

// turn is what is asked at once: a phase, and of sees tables each by itself, as what one listens by would be part of
// the experiment of another.
type turn struct{ phase, table int }

// judge asks an expectation's questions and compares.
func (w *walker) judge(e *expect.Expectation, _ *labfile.Step) []Table {
	out := make([]Table, len(e.Tables))
	cells := map[turn][]*Verdict{}
	for t, table := range e.Tables {
		out[t] = Table{table, make([]Verdict, len(table.Cells))}
		for c, cell := range table.Cells {
			v := &out[t].Cells[c]
			v.Cell, v.OK, v.Question = cell, !cell.Judged, cell.Question
			if !cell.Judged && !w.all {
				continue
			}
			k := turn{phase: phaseOf(cell.Question.Kind, e.Kept)}
			if cell.Question.Kind == "sees" {
				k.table = t
			}
			cells[k] = append(cells[k], v)
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(cells), func(a, b turn) int {
		return cmp.Or(cmp.Compare(a.phase, b.phase), cmp.Compare(a.table, b.table))
	}) {
		w.ask(cells[k], k.phase, e.Kept)
		w.rest()
	}
	return out
}

// ask asks the questions of one turn.
func (w *walker) ask(cells []*Verdict, phase int, kept bool) {
	w.world.Keep(kept && !w.pace.neighbours)
	a := &asking{Model: w.Model, kept: kept, out: make([]Answer, len(cells))}
	if w.pace.pairs {
		a.rest = w.rest
	}
	for i, v := range cells {
		a.out[i].Question = v.Question
		a.counted = append(a.counted, v.Cell.Want.Counts())
	}
	if phase == 0 {
		a.together()
	} else {
		a.run()
	}
	for i, v := range cells {
		v.Answer = a.out[i]
		v.OK = v.matches() || !v.Cell.Judged
		w.asksAgain(v)
	}
}

// asksAgain makes a count of what a rule has met undecided, if the prober asks pings that fail again to find out which
// rule refuses them: how often that one then counts is not modelled.
func (w *walker) asksAgain(v *Verdict) {
	switch kind := v.Question.Kind; {
	case kind == "ping" && v.Got != Undecided && base(v.Got) != "ok":
		w.failed = w.failed || w.world.Tables().Refusing()
	case kind == "hits" && w.failed && v.Got != "0" && v.Got != Undecided && !strings.Contains(v.Cell.Want.Text, ">="):
		v.undecide("pings that fail are asked again, and counted again")
	}
}

// undecide makes a verdict undecided, for something that is not modelled.
func (v *Verdict) undecide(why string) {
	d := sim.Doubt{Reason: sim.NotModelled, Why: why}
	v.Answer = Answer{Question: v.Question, Got: Undecided, Detail: string(d.Reason) + ": " + d.Why, Doubt: d}
	v.OK = !v.Cell.Judged
}

// matches reports whether the answer is wanted. Where the file wants one interface of the node, the answer names the
// one that it is.
func (v *Verdict) matches() bool {
	if v.Got == Undecided {
		return false
	}
	if v.Cell.Want.Match(v.Got) {
		return true
	}
	if i := slices.IndexFunc(v.Exact, v.Cell.Want.Match); i >= 0 {
		v.Got = v.Exact[i]
		return true
	}
	node, _, _ := strings.Cut(v.Got, "+")
	if len(v.Exact) > 0 && strings.Contains(v.Cell.Want.Text, node+":") {
		v.Got = v.Exact[0]
	}
	return false
}

// wait reads until all of it holds, or the step's time is over; it returns what did not hold then. What cannot be
// decided is taken to hold, and makes all that follows undecided.
func (w *walker) wait(st *labfile.Step) []Table {
	const tick = 20 * time.Millisecond
	for end := w.world.Now() + st.Timeout; ; w.world.Pass(tick) {
		var tables []Table
		ok := true
		for _, t := range st.Wait.Tables {
			var cells []*Verdict
			table := Table{t, make([]Verdict, len(t.Cells))}
			for c, cell := range t.Cells {
				v := &table.Cells[c]
				v.Cell, v.OK, v.Question = cell, !cell.Judged, cell.Question
				if cell.Judged {
					cells = append(cells, v)
				}
			}
			w.read(cells)
			for _, v := range cells {
				if v.Got == Undecided {
					w.world.Stain(v.Doubt.Reason, "%s, for which a step waits", v.Doubt.Why)
				} else {
					ok = ok && v.OK
				}
			}
			tables = append(tables, table)
		}
		if ok {
			return nil
		}
		if w.world.Now() >= end {
			return tables
		}
	}
}

// read reads tables once.
func (w *walker) read(cells []*Verdict) {
	a := &asking{Model: w.Model, kept: true, look: true, out: make([]Answer, len(cells))}
	for i, v := range cells {
		a.out[i].Question = v.Question
	}
	a.run()
	for i, v := range cells {
		v.Answer = a.out[i]
		v.OK = v.matches()
	}
}

// unasked are the cells of an expectation that nobody came to ask.
func (w *walker) unasked(e *expect.Expectation) []Table {
	if e == nil {
		return nil
	}
	var out []Table
	for _, t := range e.Tables {
		table := Table{Table: t}
		for _, c := range t.Cells {
			table.Cells = append(table.Cells, Verdict{Cell: c, OK: !c.Judged,
				Answer: Answer{Question: c.Question, Got: Unknown, Detail: "not asked"}})
		}
		out = append(out, table)
	}
	return out
}
