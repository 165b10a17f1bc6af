package model_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"labctl/labs"
	"labctl/topology/labfile"
	"labctl/topology/model"
	"labctl/topology/model/sim"
)

var update = flag.Bool("update", false, "write down how many cells are undecided")

// undecidedCells is what of the shipped labs the model cannot decide: a lab a line, with the numbers of its judged
// cells, and of those that are undecided, by reason.
const undecidedCells = "testdata/undecided.txt"

// TestShippedLabs holds the model against every judged cell of every shipped lab, at the top and after each step. The
// files are what the kernel does: the end-to-end suite verifies them there. A cell may be undecided, for a reason that
// is on the list; how many are may only become fewer.
func TestShippedLabs(t *testing.T) {
	var out strings.Builder
	total := tally{}
	for _, name := range labs.Names() {
		src, err := labs.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		sum := judge(t, name, src)
		fmt.Fprintf(&out, "%-24s%s\n", name, sum)
		total.add(sum)
	}
	fmt.Fprintf(&out, "%-24s%s\n", "all", total)
	if *update {
		if err := os.WriteFile(undecidedCells, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(undecidedCells)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != out.String() {
		t.Errorf("what is undecided has changed; if it is less, run this with -update:\n%s\nwas\n%s", out.String(), want)
	}
}

// tally counts cells.
type tally struct {
	judged    int
	undecided map[sim.Reason]int
}

func (n tally) String() string {
	s := fmt.Sprintf("%5d judged", n.judged)
	for _, r := range sim.Reasons() {
		if c := n.undecided[r]; c > 0 {
			s += fmt.Sprintf("  %s %d", r, c)
		}
	}
	return s
}

func (n *tally) add(o tally) {
	n.judged += o.judged
	if n.undecided == nil {
		n.undecided = map[sim.Reason]int{}
	}
	for r, c := range o.undecided {
		n.undecided[r] += c
	}
}

// judge verifies a lab by the model, and reports every cell that is decided otherwise than the file has it.
func judge(t *testing.T, name string, src []byte) tally {
	t.Helper()
	f, problems := labfile.Load(name, src)
	if f == nil {
		t.Fatalf("%s: %v", name, problems)
	}
	steps, err := model.Verify(f, false)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	n := tally{undecided: map[sim.Reason]int{}}
	for _, s := range steps {
		if s.Failed != "" {
			t.Errorf("%s: %s: %s %s", name, s.Step, s.Failed, differing(s.Wait))
		}
		for _, tab := range s.Tables {
			for i := range tab.Cells {
				if tab.Cells[i].Cell.Judged {
					n.judged++
				}
				if d := tab.Cells[i].Doubt; tab.Cells[i].Got == model.Undecided {
					n.undecided[d.Reason]++
					if !slices.Contains(sim.Reasons(), d.Reason) || d.Why == "" {
						t.Errorf("%s: %s: %s is undecided for %q: %q", name, s.Step, tab.Cells[i].Question, d.Reason, d.Why)
					}
				}
			}
		}
		if text := differing(s.Tables); text != "" {
			t.Errorf("%s: %s: %s", name, s.Step, text)
		}
	}
	return n
}

// differing are the cells of tables that are decided, and not as the file has it.
func differing(tables []model.Table) string {
	var out []string
	for _, tab := range tables {
		for _, v := range tab.Cells {
			if !v.OK && v.Got != model.Undecided {
				out = append(out, fmt.Sprintf("%s %s: wanted %s, got %s: %s", v.Question, v.Case, v.Cell.Want.Text, v.Got, v.Detail))
			}
		}
	}
	return strings.Join(out, "\n\t")
}
