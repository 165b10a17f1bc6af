package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

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
					if !c.OK {
						bad++
					}
				}
			}
		}
	}
	return bad, judged
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
	for _, s := range r.result.Steps {
		e := r.expectation(s.Step)
		if e == nil {
			continue
		}
		for _, tv := range s.Tables {
			for _, t := range e.Tables {
				if t.Pos.Line == tv.Line && t.Kind == tv.Kind && len(t.Cells) == len(tv.Cells) {
					for i, c := range t.Cells {
						out[c] = tv.Cells[i]
					}
				}
			}
		}
	}
	return out
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
	fmt.Fprintln(w, strings.TrimSuffix(r.lab.Name+": "+r.lab.About, ": "))
	if r.skipped != "" {
		fmt.Fprintf(w, "skipped: %s\n", r.skipped)
		return
	}
	got := r.measured()
	for _, s := range r.result.Steps {
		r.printStep(w, s, got)
	}
	bad, judged := r.count()
	r.printDied(w)
	if v.timing {
		printTiming(w, r.result.Timing)
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
		fmt.Fprintf(w, "\n%s: the file expects nothing; nothing was judged\n", r.lab.Name)
	case bad == 0:
		fmt.Fprintf(w, "\n%s: %s%s\n", r.lab.Name, asExpected(judged), took)
	default:
		fmt.Fprintf(w, "\n%s: %s%s\n", r.lab.Name, differing(bad, judged, r.failed()), took)
	}
}

// printDied prints what ended in the background and should not have.
func (r *verified) printDied(w io.Writer) {
	if len(r.result.Died) > 0 {
		fmt.Fprintln(w)
	}
	for _, d := range r.result.Died {
		fmt.Fprintf(w, "FAILED: %s:%d: a command in the background died:\n", r.lab.Path, d.Line)
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
		fmt.Fprintf(w, "  FAILED: %s\n", s.Failed)
		for _, t := range s.Wait {
			for _, c := range t.Cells {
				if !c.OK {
					fmt.Fprintf(w, "    %s: wanted %s, got %s\n", c.Question, c.Want, c.Got)
				}
			}
		}
	}
	if e := r.expectation(s.Step); e != nil {
		printTables(w, e, got)
	}
}

// printTables prints the measured tables in the file's order, each with its legend.
func printTables(w io.Writer, e *expect.Expectation, got map[*expect.Cell]wire.Verdict) {
	for _, t := range slices.SortedFunc(slices.Values(e.Tables),
		func(a, b *expect.Table) int { return a.Pos.Line - b.Pos.Line }) {
		fmt.Fprintf(w, "\n%s\n", t.Kind)
		io.WriteString(w, indent(expect.Render(t, func(c *expect.Cell) string {
			m, ok := got[c]
			if !ok || m.Got == "" {
				return ""
			}
			if m.Detail != "" {
				return m.Got + ": " + m.Detail
			}
			return m.Got
		})))
		io.WriteString(w, indent(reasons(reasonsIn(t, got))))
		words, kinds := map[string][]string{}, []string(nil)
		for _, c := range t.Cells {
			if m := got[c]; m.Got != "" {
				if words[c.Question.Kind] == nil {
					kinds = append(kinds, c.Question.Kind)
				}
				words[c.Question.Kind] = append(words[c.Question.Kind], m.Got)
			}
		}
		for _, k := range kinds {
			l := expect.Legend(k, words[k])
			if l != "" && len(kinds) > 1 {
				fmt.Fprintf(w, "  # %s:\n", k)
			}
			io.WriteString(w, indent(l))
		}
	}
}

// indent sets a text off by two blanks.
func indent(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString("  " + line)
	}
	return b.String()
}
