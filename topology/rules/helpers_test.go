package rules

import (
	"fmt"
	"strings"
	"testing"

	"labctl/topology/problem"
)

// textFile is a file that is nothing but the text of a rule set; it keeps what is said of it.
type textFile struct {
	lines []string
	said  []string
}

func (f *textFile) Add(at problem.Pos, width int, path, text string, warning bool) {
	kind := "mistake"
	if warning {
		kind = "warning"
	}
	f.said = append(f.said, fmt.Sprintf("%d:%d+%d %s: %s: %s", at.Line, at.Col, width, path, kind, text))
}

func (f *textFile) Near(word string, have func() []string) string {
	return problem.Suggest(word, have())
}

func (f *textFile) Line(n int) string {
	if n < 1 || n > len(f.lines) {
		return ""
	}
	return f.lines[n-1]
}

// read is a set "x" of a form, read from a text that begins in line 1.
func read(form, text string) (*Set, *textFile) {
	f := &textFile{lines: strings.Split(text, "\n")}
	set := NewSet("x", true, problem.Pos{Line: 1, Col: 1})
	set.Form = form
	var lines []TextLine
	for i, l := range f.lines {
		lines = append(lines, TextLine{Text: l, Pos: problem.Pos{Line: i + 1, Col: 1}})
	}
	if form == "nft" {
		set.ReadNFT(f, "x", lines)
	} else {
		set.ReadLines(f, "x", lines)
	}
	return set, f
}

// readWell is read of a text with which nothing is wrong.
func readWell(t *testing.T, form, text string) *Set {
	t.Helper()
	set, f := read(form, text)
	if len(f.said) > 0 {
		t.Fatalf("%s: %v", text, f.said)
	}
	return set
}
