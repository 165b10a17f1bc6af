package switchcore

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestScripts runs the stories of testdata/scripts, and sees that each drop reason is provoked by one of them.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/scripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	seen := map[Reason]bool{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			w := newStory()
			if err := w.run(string(text)); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			for r := range w.seen {
				seen[r] = true
			}
			if w.s != nil {
				countsAgree(t, w.s)
			}
		})
	}
	for _, r := range Reasons() {
		if !seen[r] && !elsewhere[r] {
			t.Errorf("no script provokes %v", r)
		}
	}
}

// elsewhere are the reasons that a frame script cannot provoke: what the data path reports, and what only a hook
// decides. They have tests of their own in this package.
var elsewhere = map[Reason]bool{TxFail: true, Filtered: true}

// countsAgree: what is counted port by port has been counted once.
func countsAgree(t *testing.T, s *Switch) {
	t.Helper()
	for _, id := range s.Ports() {
		c := s.Status(id).Counters
		if c.TxBytes < 14*c.TxFrames {
			t.Errorf("port %s: %d frames of %d bytes were sent", s.Status(id).Name, c.TxFrames, c.TxBytes)
		}
	}
}

// The documents speak of every reason with the words that the program prints, and of no other.
func TestDropReasonsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/drop-reasons.md")
	if err != nil {
		t.Fatal(err)
	}
	table, _, _ := strings.Cut(string(text), "\n## ")
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|(.*)$").FindAllStringSubmatch(table, -1) {
		documented = append(documented, m[1])
		i := slices.IndexFunc(Reasons(), func(r Reason) bool { return r.String() == m[1] })
		if i < 0 {
			t.Errorf("docs/drop-reasons.md: %s is no reason", m[1])
			continue
		}
		cells := strings.Split(m[2], "|")
		if len(cells) < 6 {
			t.Errorf("docs/drop-reasons.md: %s has %d cells", m[1], len(cells))
			continue
		}
		name, code, function := Reasons()[i].ESXi()
		for j, want := range []string{orDash(name), orDash(number(code)), orDash(function)} {
			if got := strings.Trim(cells[1+j], " `"); got != want {
				t.Errorf("docs/drop-reasons.md: %s has %q for what ESXi() calls %q", m[1], got, want)
			}
		}
	}
	for _, r := range Reasons() {
		if r != None && !slices.Contains(documented, r.String()) {
			t.Errorf("docs/drop-reasons.md does not tell of %v", r)
		}
	}
}

// Every case of the catalogue is shown by a script that speaks of it; some by a lab too.
func TestCasesAreCovered(t *testing.T) {
	text, err := os.ReadFile("../docs/cases.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| (C\d\d) \|.*\|(.*)\|(.*)\|$`).FindAllStringSubmatch(string(text), -1)
	if len(rows) != 35 {
		t.Errorf("docs/cases.md has %d cases, want C01 to C35", len(rows))
	}
	for i, row := range rows {
		if want := fmt.Sprintf("C%02d", i+1); row[1] != want {
			t.Errorf("docs/cases.md: %s where %s should be", row[1], want)
		}
		for _, m := range regexp.MustCompile("`([a-z0-9-]+)`").FindAllStringSubmatch(row[2], -1) {
			if _, err := os.Stat("../labs/" + m[1] + ".yaml"); err != nil {
				t.Errorf("docs/cases.md: %s is shown by the lab %s, which is not there", row[1], m[1])
			}
		}
		scripts := regexp.MustCompile("`([a-z0-9-]+)`").FindAllStringSubmatch(row[3], -1)
		if len(scripts) == 0 {
			t.Errorf("docs/cases.md: no script shows %s", row[1])
		}
		for _, m := range scripts {
			story, err := os.ReadFile("testdata/scripts/" + m[1] + ".txt")
			if err != nil {
				t.Errorf("docs/cases.md: %s is shown by the script %s, which is not there", row[1], m[1])
			} else if !strings.Contains(string(story), row[1]) {
				t.Errorf("docs/cases.md: the script %s does not speak of %s", m[1], row[1])
			}
		}
	}
}
