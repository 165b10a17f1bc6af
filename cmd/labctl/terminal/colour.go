package terminal

import (
	"io"
	"regexp"
	"strings"

	"labctl/topology/problem"
)

// Style is how a word looks: the parameter of SGR, by which terminals choose a colour (ECMA-48, 8.3.117).
type Style string

// The styles. What they say is said by the words too: a reader may see no colours, or other ones.
const (
	Plain  Style = ""
	Bad    Style = "31" // red: not as it should be
	Good   Style = "32" // green
	Notice Style = "33" // yellow: a cause, or what is neither good nor bad
	Aside  Style = "2"  // faint: an explanation
)

// in is a text in a style.
func (s Style) in(text string) string {
	if s == Plain {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// Rule gives a style to what a pattern matches in a line, or to its first group if it has one.
type Rule struct {
	Pattern *regexp.Regexp
	Style   Style
}

// Paint writes a text, in colours where the writer's screen has them. Of two rules that want the same character the
// first has it. The text itself cannot bring in colours, nor anything else that a terminal would act upon.
func Paint(w io.Writer, text string, rules ...Rule) error {
	v, ok := w.(Writer)
	if !ok || !v.Screen.Colour {
		_, err := io.WriteString(w, text)
		return err
	}
	var b strings.Builder
	for line := range strings.Lines(problem.Visible(text, true)) {
		line, end := strings.TrimSuffix(line, "\n"), strings.HasSuffix(line, "\n")
		b.WriteString(painted(line, rules))
		if end {
			b.WriteByte('\n')
		}
	}
	_, err := io.WriteString(v.W, b.String())
	return err
}

func painted(line string, rules []Rule) string {
	styles := make([]Style, len(line))
	for _, r := range rules {
		for _, m := range r.Pattern.FindAllStringSubmatchIndex(line, -1) {
			from, to := m[0], m[1]
			if len(m) > 2 && m[2] >= 0 {
				from, to = m[2], m[3]
			}
			for i := from; i < to; i++ {
				if styles[i] == Plain {
					styles[i] = r.Style
				}
			}
		}
	}
	var b strings.Builder
	for from := 0; from < len(line); {
		to := from + 1
		for to < len(line) && styles[to] == styles[from] {
			to++
		}
		b.WriteString(styles[from].in(line[from:to]))
		from = to
	}
	return b.String()
}

// Whole is a rule for all lines.
func Whole(s Style) Rule { return Rule{regexp.MustCompile(`^.+$`), s} }

// After is a rule for what follows a text with which a line begins.
func After(begins string, s Style) Rule {
	return Rule{regexp.MustCompile(`^` + regexp.QuoteMeta(begins) + `(.+)$`), s}
}
