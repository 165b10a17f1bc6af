package main

import (
	"encoding/xml"
	"fmt"
	"os"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"labctl/cmd/labctl/wire"
	"labctl/topology/expect"
	"labctl/topology/labfile"
)

// verifyDoc is what "verify -o json" prints for one lab; several are a list.
type verifyDoc struct {
	Format int    `json:"format"`
	Lab    string `json:"lab"`
	File   string `json:"file"`
	OK     bool   `json:"ok"`
	By     string `json:"by,omitempty"` // "model": no kernel was asked
	Judged int    `json:"judged"`
	Differ int    `json:"differ"`
	// Undecided are the judged cells that the model cannot decide. With any, OK is false.
	Undecided int                 `json:"undecided,omitempty"`
	Skipped   string              `json:"skipped,omitempty"`
	Error     string              `json:"error,omitempty"`
	Seconds   float64             `json:"seconds,omitempty"`
	Steps     []wire.StepVerdicts `json:"steps"`
	Died      []wire.Died         `json:"died,omitempty"` // commands in the background
	Timing    []wire.Span         `json:"timing,omitempty"`
}

func (v *verifyFlags) document(all []*verified) any {
	docs := make([]verifyDoc, len(all))
	for i, r := range all {
		d := verifyDoc{Format: 1, Lab: r.arg, OK: r.ok() && r.skipped == "", Skipped: r.skipped, Steps: r.result.Steps,
			Died: r.result.Died}
		if r.lab != nil {
			d.Lab, d.File = r.lab.Name, r.file.display
		}
		if v.timing {
			d.Timing = r.result.Timing
		}
		d.Differ, d.Judged = r.count()
		if v.model {
			d.By, d.Undecided = "model", r.undecided()
			d.OK = d.OK && d.Undecided == 0
		}
		if r.err != nil {
			d.Error = r.err.Error()
		}
		if d.Steps == nil {
			d.Steps = []wire.StepVerdicts{}
		}
		if v.noTiming {
			withoutTimes(d.Steps)
		} else {
			d.Seconds = float64(r.took.Milliseconds()) / 1000
		}
		docs[i] = d
	}
	if len(docs) == 1 {
		return docs[0]
	}
	return docs
}

func withoutTimes(steps []wire.StepVerdicts) {
	for _, s := range steps {
		for _, t := range s.Tables {
			for i := range t.Cells {
				t.Cells[i].RTT = 0
			}
		}
	}
}

// The library's test case has no place for file and line, which most readers of JUnit know; the rest is its own.
type (
	junitCase struct {
		junit.Testcase
		File string `xml:"file,attr,omitempty"`
		Line int    `xml:"line,attr,omitempty"`
	}
	junitSuite struct {
		junit.Testsuite
		Testcases []junitCase `xml:"testcase"`
	}
	junitReport struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Errors   int          `xml:"errors,attr"`
		Failures int          `xml:"failures,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
)

// writeJUnit writes one report of all labs: a suite per lab, a test case per judged cell, named by its question.
func writeJUnit(path string, all []*verified, v *verifyFlags) error {
	rep := junitReport{Name: "labctl verify"}
	if v.model {
		rep.Name += " --model"
	}
	for _, r := range all {
		s := suiteOf(r)
		if v.timing {
			s.Properties = timingProperties(r.result.Timing)
		}
		if v.model {
			s.Properties = &[]junit.Property{{Name: "by", Value: "model"}}
		}
		if v.noTiming {
			s.Time = "0.000"
		}
		rep.Tests += s.Tests
		rep.Errors += s.Errors
		rep.Failures += s.Failures
		rep.Skipped += s.Testsuite.Skipped
		rep.Suites = append(rep.Suites, s)
	}
	out, err := xml.MarshalIndent(rep, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, append([]byte(xml.Header), append(out, '\n')...), 0o644); err != nil {
		return fmt.Errorf("write JUnit report: %w", err)
	}
	return nil
}

func suiteOf(r *verified) junitSuite {
	s := junitSuite{Testsuite: junit.Testsuite{Name: r.arg, Time: fmt.Sprintf("%.3f", r.took.Seconds())}}
	if r.lab != nil {
		s.Name, s.File = r.lab.Name, r.file.display
	}
	add := func(c junitCase) {
		s.Tests++
		switch {
		case c.Error != nil:
			s.Errors++
		case c.Failure != nil:
			s.Failures++
		case c.Skipped != nil:
			s.Testsuite.Skipped++
		}
		c.Classname, c.File = s.Name, s.File
		s.Testcases = append(s.Testcases, c)
	}
	if r.err != nil {
		add(junitCase{Testcase: junit.Testcase{Name: "lab",
			Error: &junit.Result{Message: firstLine(r.err.Error()), Data: r.err.Error()}}})
	}
	if r.skipped != "" && r.lab != nil {
		for _, c := range cellsOf(r.lab) {
			add(junitCase{Testcase: junit.Testcase{Name: c.Question.String(),
				Skipped: &junit.Result{Message: r.skipped}}, Line: c.Pos.Line})
		}
		return s
	}
	for _, d := range r.result.Died {
		add(junitCase{Testcase: junit.Testcase{Name: "run:" + d.Node + ": " + d.What,
			Failure: &junit.Result{Message: d.How, Data: d.String()}}, Line: d.Line})
	}
	for _, st := range r.result.Steps {
		if st.Failed != "" {
			add(junitCase{Testcase: junit.Testcase{Name: caseName(st.Step, "", "step"),
				Failure: &junit.Result{Message: st.Failed, Data: strings.Join(append([]string{st.Failed},
					unmet(st)...), "\n")}}, Line: r.lineOf(st.Step)})
		}
	}
	r.each(func(step string, _ *expect.Cell, v wire.Verdict) {
		if !v.Judged {
			return
		}
		c := junitCase{Testcase: junit.Testcase{Name: caseName(step, v.Case, v.Question)}, Line: v.Line}
		if v.Undecided != "" {
			c.Skipped = &junit.Result{Message: "undecided: " + v.Detail}
		} else if !v.OK {
			message := fmt.Sprintf("wanted %s, got %s", v.Want, v.Got)
			if v.Why != "" { // many readers of reports show the message alone
				message += ": " + v.Why
			}
			c.Failure = &junit.Result{Message: message,
				Data: fmt.Sprintf("%s:%d:%d: %s", s.File, v.Line, v.Col, detailed(v))}
		}
		add(c)
	})
	return s
}

// lineOf is where a step is in the file.
func (r *verified) lineOf(step string) int {
	for _, s := range r.lab.Steps {
		if s.Name == step {
			return s.Pos.Line
		}
	}
	return 0
}

// caseName is the question; one that is asked in a step or a case says so, since steps ask the same question again.
func caseName(step, cas, question string) string {
	name := question
	if cas != "" {
		name += " [" + cas + "]"
	}
	if step != "" {
		name += " (" + step + ")"
	}
	return name
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// cellsOf lists every judged cell of a file.
func cellsOf(lab *labfile.File) []*expect.Cell {
	var out []*expect.Cell
	es := []*expect.Expectation{lab.Expect}
	for _, s := range lab.Steps {
		es = append(es, s.Expect)
	}
	for _, e := range es {
		if e == nil {
			continue
		}
		for _, t := range e.Tables {
			for _, c := range t.Cells {
				if c.Judged {
					out = append(out, c)
				}
			}
		}
	}
	return out
}

func annotate(r *verified) {
	if !annotating() || r.lab == nil {
		return
	}
	for _, d := range r.result.Died {
		annotation("error", r.file.display, d.Line, 1, d.String())
	}
	for _, st := range r.result.Steps {
		if st.Failed != "" {
			annotation("error", r.file.display, r.lineOf(st.Step), 1, strings.Join(append([]string{caseName(st.Step, "",
				"step") + ": " + st.Failed}, unmet(st)...), "\n"))
		}
	}
	r.each(func(step string, _ *expect.Cell, v wire.Verdict) {
		if !v.OK && v.Undecided == "" {
			annotation("error", r.file.display, v.Line, v.Col,
				fmt.Sprintf("%s: wanted %s, got %s: %s", caseName(step, v.Case, v.Question), v.Want, v.Got,
					detailed(v)))
		}
	})
}
