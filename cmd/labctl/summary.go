package main

import (
	"fmt"
	"io"
	"strings"

	"labctl/cmd/labctl/terminal"
	"labctl/cmd/labctl/wire"
	"labctl/topology/expect"
	"labctl/topology/labfile"
	"labctl/topology/problem"
)

// load reads and checks FILE.
func (v *verifyFlags) load(arg string) (*labFile, *labfile.File, error) {
	return loadTelling(arg, !v.quiet)
}

// note says on standard error what a person may want to know.
func (v *verifyFlags) note(format string, args ...any) {
	if !v.quiet {
		fmt.Fprintf(terminal.Stderr(), format+"\n", args...)
	}
}

// printDiffering prints what differs in one lab, a line each with its place in the file, and then how much it is.
func (v *verifyFlags) printDiffering(w io.Writer, r *verified) {
	if r.skipped != "" || r.ok() && r.undecided() == 0 || r.lab == nil {
		return
	}
	say := func(line, col int, text string) {
		terminal.Paint(w, fmt.Sprintf("%s:%d:%d: %s\n", r.file.display, max(1, line), max(1, col), text),
			wantedRule, failedRule)
	}
	for _, s := range r.result.Steps {
		if s.Failed != "" {
			why := append([]string{s.Failed}, unmet(s)...)
			say(r.lineOf(s.Step), 1, caseName(s.Step, "", "FAILED")+": "+strings.Join(why, "; "))
		}
	}
	r.each(func(step string, c *expect.Cell, got wire.Verdict) {
		if !got.OK && got.Undecided == "" {
			if step != "" {
				step = "step " + step + ": "
			}
			say(got.Line, got.Col, step+wantedGot(c, got))
		}
	})
	for _, d := range r.result.Died {
		died := strings.ReplaceAll(strings.TrimSpace(d.String()), "\n", "; ")
		say(d.Line, 1, "FAILED: a command in the background died: "+died)
	}
	if r.err == nil {
		v.printSum(w, "", r)
	}
}

// whose says of which of several labs something is said.
func whose(all []*verified, r *verified, text string) string {
	if len(all) == 1 {
		return text
	}
	return r.arg + ": " + text
}

// verdict is what came of one lab, in a few words.
func (v *verifyFlags) verdict(r *verified) (words string, style terminal.Style, sort string) {
	bad, judged := r.count()
	switch {
	case v.require && lacking(r.err):
		return "this machine lacks what it needs", terminal.Bad, "differing"
	case r.err != nil:
		return "could not be judged", terminal.Bad, "not judged"
	case r.skipped != "":
		return "skipped", terminal.Notice, "skipped"
	case bad > 0:
		return differing(bad, judged, r.failed()), terminal.Bad, "differing"
	case len(r.result.Died) > 0:
		return "a command in the background died", terminal.Bad, "differing"
	case r.undecided() > 0:
		return undecidedOf(r.undecided(), judged), terminal.Notice, "undecided"
	case judged == 0:
		return "the file expects nothing", terminal.Notice, "as expected"
	}
	return asExpected(judged), terminal.Good, "as expected"
}

// printAll ends what is printed of several labs: the verdict on each, and a line about all of them. With --quiet it is
// only about labs that are not as expected, if there are any.
func (v *verifyFlags) printAll(w io.Writer, all []*verified) {
	width, counts := 0, map[string]int{}
	for _, r := range all {
		_, _, sort := v.verdict(r)
		counts[sort]++
		width = max(width, terminal.Width(problem.Visible(r.arg, false)))
	}
	if v.quiet && counts["as expected"]+counts["skipped"] == len(all) {
		return
	}
	fmt.Fprintln(w)
	for _, r := range all {
		words, style, sort := v.verdict(r)
		if v.quiet && sort == "as expected" {
			continue
		}
		name := problem.Visible(r.arg, false)
		blanks := strings.Repeat(" ", width-terminal.Width(name)+2)
		terminal.Paint(w, "  "+name+blanks+words+"\n", terminal.After("  "+name+blanks, style))
	}
	var parts []string
	for _, sort := range []string{"as expected", "differing", "undecided", "skipped", "not judged"} {
		if n := counts[sort]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, sort))
		}
	}
	fmt.Fprintf(w, "%s: %s\n", problem.Count(len(all), "lab"), strings.Join(parts, ", "))
}
