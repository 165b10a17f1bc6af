package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"labctl/cmd/labctl/terminal"
	"labctl/cmd/labctl/wire"
	"labctl/topology/expect"
	"labctl/topology/labfile"
	"labctl/topology/problem"
)

// verified is one lab's outcome.
type verified struct {
	arg     string
	file    *labFile
	lab     *labfile.File
	name    string // the instance
	result  wire.Verification
	skipped string // the missing kernel feature
	note    string
	took    time.Duration
	err     error
}

// ok reports whether something was judged, all of it is as the file says, and no command in the background has died.
func (r *verified) ok() bool {
	bad, _ := r.count()
	return r.err == nil && bad == 0 && len(r.result.Died) == 0
}

// count counts cells that differ, and judged ones; a step that came to no end is a difference of its own.
func (r *verified) count() (bad, judged int) {
	bad = r.failed()
	for _, s := range r.result.Steps {
		for _, t := range s.Tables {
			for _, c := range t.Cells {
				if c.Judged {
					judged++
					if !c.OK && c.Undecided == "" {
						bad++
					}
				}
			}
		}
	}
	return bad, judged
}

// undecided counts the judged cells that the model cannot decide.
func (r *verified) undecided() (n int) {
	r.each(func(_ string, _ *expect.Cell, v wire.Verdict) {
		if v.Judged && v.Undecided != "" {
			n++
		}
	})
	return n
}

// failed counts the steps that came to no end.
func (r *verified) failed() int {
	n := 0
	for _, s := range r.result.Steps {
		if s.Failed != "" {
			n++
		}
	}
	return n
}

// measured finds the verdict of each cell of the file.
func (r *verified) measured() map[*expect.Cell]wire.Verdict {
	out := map[*expect.Cell]wire.Verdict{}
	r.each(func(_ string, c *expect.Cell, v wire.Verdict) {
		if c != nil {
			out[c] = v
		}
	})
	return out
}

// each calls f with every verdict, in the order of the file, and its cell there; nil if there is none.
func (r *verified) each(f func(step string, c *expect.Cell, v wire.Verdict)) {
	for _, s := range r.result.Steps {
		for _, tv := range s.Tables {
			t := r.table(s.Step, tv)
			for i, v := range tv.Cells {
				if t != nil {
					f(s.Step, t.Cells[i], v)
				} else {
					f(s.Step, nil, v)
				}
			}
		}
	}
}

// table is the table of the file that was judged; nil if there is none.
func (r *verified) table(step string, tv wire.TableVerdicts) *expect.Table {
	e := r.expectation(step)
	if e == nil {
		return nil
	}
	for _, t := range e.Tables {
		if t.Pos.Line == tv.Line && t.Kind == tv.Kind && t.With == tv.With && len(t.Cells) == len(tv.Cells) {
			return t
		}
	}
	return nil
}

// wantedGot says of a cell that differs which it is, what was wanted and why it is not so, as the comment below its
// table does.
func wantedGot(c *expect.Cell, v wire.Verdict) string {
	label := v.Question
	if c != nil {
		label = c.Label()
	}
	text := fmt.Sprintf("%s: wanted %s, got %s", label, v.Want, v.Got)
	if d := detailed(v); d != "" {
		text += ": " + d
	}
	return text
}

// detailed is the detail of a verdict with the causes in it.
func detailed(v wire.Verdict) string {
	if v.Why == "" || strings.Contains(v.Detail, v.Why) {
		return v.Detail
	}
	return strings.TrimPrefix(v.Detail+"; "+v.Why, "; ") // a cause that the answer itself says is in no detail
}

// expectation is a step's, or the lab's own for "".
func (r *verified) expectation(step string) *expect.Expectation {
	if step == "" {
		return r.lab.Expect
	}
	for _, s := range r.lab.Steps {
		if s.Name == step {
			return s.Expect
		}
	}
	return nil
}

// print shows one lab to a person.
func (v *verifyFlags) print(w io.Writer, r *verified) {
	if r.err != nil && len(r.result.Steps) == 0 {
		return // the error is all there is, and is printed at the end
	}
	if v.model {
		fmt.Fprintln(w, byTheModel)
	}
	fmt.Fprintln(w, strings.TrimSuffix(r.lab.Name+": "+r.lab.About, ": "))
	if r.skipped != "" {
		terminal.Paint(w, fmt.Sprintf("skipped: %s\n", r.skipped), causeRule)
		return
	}
	got := r.measured()
	for _, s := range r.result.Steps {
		r.printStep(w, s, got)
	}
	r.printDied(w)
	if v.timing {
		printTiming(w, r.result.Timing)
	}
	v.printSum(w, "\n", r)
}

// printSum ends what is printed of one lab, behind what is given.
func (v *verifyFlags) printSum(w io.Writer, before string, r *verified) {
	bad, judged := r.count()
	say := func(text, took string, rule terminal.Rule) {
		terminal.Paint(w, fmt.Sprintf("%s%s: %s%s\n", before, r.lab.Name, text, took), rule)
	}
	took := fmt.Sprintf(", %.1f s", r.took.Seconds())
	if v.noTiming {
		took = ""
	}
	if n := len(r.result.Died); n > 0 {
		died := "a command in the background died"
		if n > 1 {
			died = problem.Count(n, "command") + " in the background died"
		}
		took = ", and " + died + took
	}
	switch {
	case judged == 0 && bad == 0 && v.update: // what became of the file is said at the end
	case judged == 0 && bad == 0:
		say("the file expects nothing; nothing was judged", "", causeRule)
	case bad == 0 && len(r.result.Died) > 0:
		say(asExpected(judged), took, badRule)
	case bad == 0 && r.undecided() > 0:
		say(undecidedOf(r.undecided(), judged), took, causeRule)
	case bad == 0:
		say(asExpected(judged), took, goodRule)
	default:
		text := differing(bad, judged, r.failed())
		if n := r.undecided(); n > 0 {
			text += fmt.Sprintf(", %d undecided", n)
		}
		say(text, took, badRule)
	}
}

// printDied prints what ended in the background and should not have.
func (r *verified) printDied(w io.Writer) {
	if len(r.result.Died) > 0 {
		fmt.Fprintln(w)
	}
	for _, d := range r.result.Died {
		terminal.Paint(w, fmt.Sprintf("FAILED: %s:%d: a command in the background died:\n", r.lab.Path, d.Line),
			failedRule)
		io.WriteString(w, indent(d.String()+"\n"))
	}
}

// asExpected says that all judged cells are as they should be.
func asExpected(judged int) string {
	if judged == 1 {
		return "the one cell is as expected"
	}
	return fmt.Sprintf("all %d cells are as expected", judged)
}

// undecidedOf says that some of the judged cells are undecided, and all others as they should be.
func undecidedOf(undecided, judged int) string {
	return fmt.Sprintf("%d of %s undecided, the others are as expected", undecided, problem.Count(judged, "cell"))
}

// differing says how many cells are not, and how many steps came to no end; bad counts both.
func differing(bad, judged, failed int) string {
	var parts []string
	switch cells := bad - failed; {
	case cells == 1:
		parts = append(parts, fmt.Sprintf("1 of %s differs", problem.Count(judged, "cell")))
	case cells > 1:
		parts = append(parts, fmt.Sprintf("%d of %s differ", cells, problem.Count(judged, "cell")))
	}
	if failed > 0 {
		parts = append(parts, problem.Count(failed, "step")+" failed")
	}
	return strings.Join(parts, ", ")
}

// printStep prints what a step found, or the first expectation.
func (r *verified) printStep(w io.Writer, s wire.StepVerdicts, got map[*expect.Cell]wire.Verdict) {
	if s.Step != "" {
		fmt.Fprintf(w, "\nstep: %s\n", s.Step)
	}
	if s.Failed != "" {
		terminal.Paint(w, fmt.Sprintf("  FAILED: %s\n", s.Failed), failedRule)
		for _, unmet := range unmet(s) {
			fmt.Fprintf(w, "    %s\n", unmet)
		}
	}
	if e := r.expectation(s.Step); e != nil {
		printTables(w, e, got)
	}
}

// unmet says what a step has waited for in vain.
func unmet(s wire.StepVerdicts) (lines []string) {
	for _, t := range s.Wait {
		for _, c := range t.Cells {
			if !c.OK {
				lines = append(lines, fmt.Sprintf("%s: wanted %s, got %s", c.Question, c.Want, c.Got))
			}
		}
	}
	return lines
}

// printTables prints the measured tables in the file's order, each with its legend.
func printTables(w io.Writer, e *expect.Expectation, got map[*expect.Cell]wire.Verdict) {
	columns := max(0, terminal.On(w).Columns-len(indentation))
	comments := func(text string, rule terminal.Rule) {
		terminal.Paint(w, indent(terminal.Comments(text, columns)), rule)
	}
	for _, t := range slices.SortedFunc(slices.Values(e.Tables),
		func(a, b *expect.Table) int { return a.Pos.Line - b.Pos.Line }) {
		fmt.Fprintf(w, "\n%s\n", t.Title())
		table := expect.RenderWithin(t, func(c *expect.Cell) string {
			m, ok := got[c]
			if !ok || m.Got == "" {
				return ""
			}
			if m.Detail != "" {
				return m.Got + ": " + m.Detail
			}
			return m.Got
		}, columns)
		terminal.Paint(w, indent(terminal.Comments(table, columns)), differsRules...)
		comments(reasons(reasonsIn(t, got)), causeRule)
		comments(undecidedIn(t, got), causeRule)
		words, kinds := map[string][]string{}, []string(nil)
		for _, c := range t.Cells {
			if m := got[c]; m.Got != "" && m.Undecided == "" {
				title := c.Question.Title()
				if words[title] == nil {
					kinds = append(kinds, title)
				}
				words[title] = append(words[title], m.Got)
			}
		}
		for _, k := range kinds {
			l := expect.Legend(k, words[k])
			if l != "" && len(kinds) > 1 {
				comments("# "+k+":\n", asideRule)
			}
			comments(l, asideRule)
		}
	}
}

const indentation = "  "

// indent sets a text off by two blanks.
func indent(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if line != "\n" {
			b.WriteString(indentation)
		}
		b.WriteString(line)
	}
	return b.String()
}
