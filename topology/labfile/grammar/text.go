package grammar

import (
	"slices"
	"strings"

	"labctl/topology/problem"
)

// TextLine is a line of a text in the file, and where it begins there.
type TextLine struct {
	Text  string
	Pos   problem.Pos
	Vague bool // Pos is where the whole text begins: its words are elsewhere than they are counted
}

// TextLines cuts a text into lines. Those of a literal block are where they are in the file; of any other text only its
// beginning is known, unless it is one line.
func (v Value) TextLines() []TextLine {
	var out []TextLine
	if v.Style() == Literal && v.Line() > 0 {
		text, at := v.Block()
		for i, s := range strings.Split(text, "\n") {
			out = append(out, TextLine{Text: s, Pos: problem.Pos{Line: at.Line + i, Col: at.Col}})
		}
		return out
	}
	at := v.Pos()
	if at.Line > 0 && v.Style() == Quoted {
		at.Col++
	}
	// A plain text may go on in the next line, and one in quotes have escapes.
	value := strings.TrimRight(v.Word(), " \n")
	here := v.doc.Line(at.Line)
	vague := at.Line < 1 || !strings.HasPrefix(here[min(max(0, at.Col-1), len(here)):], value)
	for s := range strings.SplitSeq(value, "\n") {
		if len(out) > 0 || strings.TrimSpace(s) != "" { // lines are counted from the first with words, as in a block
			out = append(out, TextLine{Text: s, Pos: at, Vague: vague})
		}
	}
	if len(out) == 0 {
		out = []TextLine{{Text: "", Pos: at, Vague: true}}
	}
	return out
}

// Block is a literal block as it is in the file, without its indentation, and where its first line with words begins.
func (v Value) Block() (string, problem.Pos) {
	d := v.doc
	value := strings.Split(v.Word(), "\n")
	skip := slices.IndexFunc(value, func(s string) bool { return strings.TrimSpace(s) != "" })
	if skip < 0 {
		return "", problem.Pos{}
	}
	first := v.Line() + 1
	for first <= len(d.lines) && strings.TrimSpace(d.Line(first)) == "" {
		first++
	}
	// Whatever indicator is behind the "|", the value is the line less its indentation.
	indent := max(0, len(d.Line(first))-len(value[skip]))
	var lines []string
	for i := first; i <= len(d.lines) && len(lines) < len(value)-skip; i++ {
		s := d.Line(i)
		if strings.TrimSpace(s) != "" && leading(s) < indent {
			break
		}
		lines = append(lines, s[min(indent, len(s)):])
	}
	return strings.TrimRight(strings.Join(lines, "\n"), " \n"), problem.Pos{Line: first, Col: indent + 1}
}

func leading(s string) int { return len(s) - len(strings.TrimLeft(s, " ")) }
