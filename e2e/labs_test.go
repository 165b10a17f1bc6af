package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"labctl/labs"
	"labctl/topology/expect"
	"labctl/topology/labfile"
)

// labFile is a lab to be verified: arg is what labctl is given.
type labFile struct {
	arg    string
	source []byte
	err    error
}

// labFiles are the shipped labs, and those of LABCTL_LABS.
func labFiles() []labFile {
	var out []labFile
	for _, name := range labs.Names() {
		src, err := labs.Read(name)
		out = append(out, labFile{name, src, err})
	}
	for _, path := range filepath.SplitList(os.Getenv("LABCTL_LABS")) {
		names := []string{path}
		if st, err := os.Stat(path); err == nil && st.IsDir() {
			names, _ = filepath.Glob(filepath.Join(path, "*.yaml"))
		}
		for _, name := range names {
			abs, err := filepath.Abs(name)
			if err != nil {
				abs = name
			}
			src, err := os.ReadFile(abs)
			out = append(out, labFile{abs, src, err})
		}
	}
	return out
}

// verdict is one cell of "verify -o json".
type verdict struct {
	Question, Case, Want, Got, Detail string
	Judged, OK                        bool
	Line, Col                         int
}

// verification is "verify -o json".
type verification struct {
	Lab     string
	OK      bool
	Judged  int
	Differ  int
	Skipped string
	Error   string
	Steps   []struct {
		Step, Failed string
		Tables       []struct {
			Kind  string
			Line  int
			Cells []verdict
		}
	}
}

// The tree is made of what the files say, before anything runs; each lab is verified once, and each row is a spec.
var _ = func() bool {
	for _, f := range labFiles() {
		describeLab(f)
	}
	return true
}()

func describeLab(f labFile) {
	lab, problems := labfile.Load(f.arg, f.source)
	if lab == nil {
		Describe(f.arg, func() {
			It("loads", func() { Fail(fmt.Sprint(f.err, problems)) })
		})
		return
	}
	Describe("lab "+lab.Name, Ordered, ContinueOnFailure, Label(lab.Name), func() {
		var run result
		var got verification
		BeforeAll(func() { run, got = verified(f.arg) })
		It("is verified", func() {
			skipMissing(got)
			Expect(got.Error).To(BeEmpty())
			Expect(got.Differ).To(BeZero())
			Expect(got.OK).To(BeTrue())
			Expect(got.Judged).To(BeNumerically(">", 0), "the lab expects nothing")
		})
		describeTables("", lab.Expect, &got, &run)
		for _, s := range lab.Steps {
			It("step "+s.Name, Label("step"), func() {
				skipMissing(got)
				for _, g := range got.Steps {
					if g.Step == s.Name {
						Expect(g.Failed).To(BeEmpty())
						return
					}
				}
				Fail("the step was not walked through:\n" + run.String())
			})
			describeTables(s.Name, s.Expect, &got, &run)
		}
	})
}

// describeTables makes a spec of each row in which something is judged.
func describeTables(step string, e *expect.Expectation, got *verification, run *result) {
	if e == nil {
		return
	}
	for _, t := range e.Tables {
		labels := Labels{t.Kind}
		if step != "" {
			labels = append(labels, "step")
		}
		for _, c := range t.Cells {
			if c.Judged && strings.Contains(c.Want.Text, "silent") {
				labels = append(labels, "slow")
				break
			}
		}
		for _, row := range judgedRows(t) {
			name := strings.TrimPrefix(fmt.Sprintf("%s: %s line %d: %s", step, t.Kind, t.Pos.Line, row), ": ")
			It(name, labels, func() {
				skipMissing(*got)
				judgeRow(step, t, row, *got, *run)
			})
		}
	}
}

// judgedRows are the rows of a table with something to judge, in order.
func judgedRows(t *expect.Table) []string {
	var rows []string
	seen := map[string]bool{}
	for _, c := range t.Cells {
		if c.Judged && !seen[c.Row] {
			seen[c.Row] = true
			rows = append(rows, c.Row)
		}
	}
	return rows
}

func judgeRow(step string, t *expect.Table, row string, got verification, run result) {
	GinkgoHelper()
	for _, s := range got.Steps {
		for _, tv := range s.Tables {
			if s.Step != step || tv.Kind != t.Kind || tv.Line != t.Pos.Line || len(tv.Cells) != len(t.Cells) {
				continue
			}
			var shown, wrong []string
			for i, c := range t.Cells {
				v := tv.Cells[i]
				if c.Row != row || !c.Judged {
					continue
				}
				Expect(v.Judged).To(BeTrue(), "%s was not judged", v.Question)
				Expect(v.Question).To(Equal(c.Question.String()))
				shown = append(shown, fmt.Sprintf("%-12s wanted %-12s got %-12s %s", c.Column, v.Want, v.Got, v.Detail))
				// Not only labctl's own word for it: the answer must be what the file wants.
				if !v.OK || !c.Want.Match(v.Got) {
					wrong = append(wrong, fmt.Sprintf("%s: wanted %s, got %s: %s", v.Question, v.Want, v.Got, v.Detail))
				}
			}
			if len(wrong) > 0 {
				AddReportEntry("row "+row, strings.Join(shown, "\n"))
			}
			Expect(wrong).To(BeEmpty())
			return
		}
	}
	Fail("the table was not judged:\n" + run.String())
}
