package grammar

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"labctl/topology/problem"
)

// slip is where a mistake of YAML is, and what is said of it.
type slip struct {
	at    problem.Pos
	width int
	text  string
}

// syntax says in plain words what the YAML parser met. The parser often notices a mistake in the line behind it; the
// place is then that of the mistake.
func (d *Document) syntax(err error) {
	var e *yaml.LoadError
	if !errors.As(err, &e) {
		text := "the file has only comments; a lab begins with \"format: 1\""
		if !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "no documents") {
			text = "not YAML: " + err.Error()
		}
		d.Add(problem.Pos{}, 1, "", text, false)
		return
	}
	s := d.slipOf(e)
	d.Add(s.at, max(1, s.width), "", s.text, false)
}

var python = regexp.MustCompile(`(?m)^(from|import) [a-z_.]+`)

// slipOf translates the parser's own words for the usual slips.
func (d *Document) slipOf(e *yaml.LoadError) slip {
	mark, start := e.Mark, e.ContextMark
	at := d.pos(mark.Line, mark.Column)
	if start.Line > 0 && (mark.Line > len(d.lines) || mark.Line < 1) {
		at = d.pos(start.Line, start.Column)
	}
	line := d.Line(at.Line)
	if tab := strings.IndexByte(line[:indentOf(line)], '\t'); tab >= 0 {
		return slip{problem.Pos{Line: at.Line, Col: tab + 1}, 1, "a tab cannot indent in YAML; use spaces"}
	}
	begin := d.pos(start.Line, start.Column)
	switch msg, context := e.Message, e.ContextMsg; {
	case python.MatchString(d.text):
		return slip{problem.Pos{Line: 1, Col: 1}, 1, `this is a program in Python; a lab is a file of YAML: ` +
			`"labctl init" writes a first one`}
	case strings.Contains(msg, "cannot start any token"):
		return slip{at, 1, "a value cannot begin with this character; put it in quotes"}
	case strings.Contains(msg, "mapping values are not allowed"):
		return d.strayColon(at)
	case strings.Contains(msg, "unknown anchor"):
		return slip{at, 1, "aliases are not allowed; write the value out"}
	case strings.Contains(msg, "escape"):
		return slip{at, 1, "an unknown escape; inside single quotes a backslash is only a backslash"}
	case strings.Contains(context, "flow sequence"):
		return unclosed("list", "[", "]", begin, at)
	case strings.Contains(context, "flow mapping"):
		return unclosed("map", "{", "}", begin, at)
	case strings.Contains(context, "quoted scalar"):
		return slip{begin, 1, "the quoted text that begins here is not closed; write the same quotation mark at its " +
			"end"}
	case strings.Contains(msg, "expected key"), strings.Contains(msg, "expected '-' indicator"):
		return d.misplaced(at)
	case strings.Contains(msg, "could not find expected ':'"):
		return d.noColon(begin)
	case strings.Contains(msg, "max depth"):
		return slip{at, 1, tooDeep}
	}
	return slip{at, 1, "not YAML: " + e.Message}
}

// unclosed is a list or a map in brackets. Met in a later line, it is shown where it begins: its end is missing
// somewhere behind that.
func unclosed(what, opening, closing string, begin, at problem.Pos) slip {
	if begin.Line != at.Line {
		return slip{begin, 1, fmt.Sprintf(`the %s that begins here is not closed: write %q at its end, or "," between `+
			"its entries", what, closing)}
	}
	return slip{at, 1, fmt.Sprintf(`want "," or %q here: a %q before this is not closed`, closing, opening)}
}

// strayColon is a ": " where a value has begun already.
func (d *Document) strayColon(at problem.Pos) slip {
	line := d.Line(at.Line)
	prev, above := d.lineAbove(at.Line)
	indent, was := indentOf(line), indentOf(above)
	if s, ok := tightColon(above); ok && indent >= was {
		return slip{problem.Pos{Line: prev, Col: s.at + 1}, len(s.key) + 1, s.text()}
	}
	before := line[indent:min(max(at.Col-1, indent), len(line))]
	if keyAndValue.MatchString(above) && indent > was && !strings.Contains(before, ": ") {
		return slip{problem.Pos{Line: at.Line, Col: indent + 1}, 1, d.indentation(at.Line)}
	}
	text := `": " is not allowed inside a value; put the value in quotes, or begin a new line`
	if m := keyAndValue.FindStringSubmatch(line); m != nil && !strings.ContainsAny(m[2], `"'{[#`) {
		text = fmt.Sprintf(`": " is not allowed inside a value; put the value in quotes: %s: %q`, m[1], m[2])
	}
	return slip{at, 1, text}
}

// misplaced is a line that begins in another column than the entries of the map or list that it is in.
func (d *Document) misplaced(at problem.Pos) slip {
	text := "this does not fit the lines above; check the indentation"
	if at.Col-1 == indentOf(d.Line(at.Line)) {
		text = d.indentation(at.Line)
	}
	return slip{at, 1, text}
}

// indentation says how many spaces would be right before a line: as many as before one of the lines above that it could
// go on from.
func (d *Document) indentation(n int) string {
	is := indentOf(d.Line(n))
	var choices []string
	last := -1
	for at, above := d.lineAbove(n); at > 0; at, above = d.lineAbove(at) {
		was := indentOf(above)
		if last >= 0 && was >= last || was == is {
			continue
		}
		last = was
		choices = append(choices, fmt.Sprintf("%d as in line %d", was, at))
		if was < is || len(choices) == 3 {
			break
		}
	}
	if len(choices) == 0 {
		return "this does not fit the lines above; check the indentation"
	}
	return fmt.Sprintf("the line has %s before it, which no line above fits; write %s", problem.Count(is, "space"),
		strings.Join(choices, ", or "))
}

// noColon is a line that should be a key and its value.
func (d *Document) noColon(at problem.Pos) slip {
	line := d.Line(at.Line)
	if s, ok := tightColon(line); ok {
		return slip{problem.Pos{Line: at.Line, Col: s.at + 1}, len(s.key) + 1, s.text()}
	}
	_, above := d.lineAbove(at.Line)
	if m := blockKey.FindStringSubmatch(above); m != nil && indentOf(line) <= indentOf(above) {
		return slip{problem.Pos{Line: at.Line, Col: indentOf(line) + 1}, 1, fmt.Sprintf(
			`the lines after %q are indented deeper than it: write %d spaces before each`, strings.TrimSpace(above),
			indentOf(above)+2)}
	}
	return slip{at, len(strings.TrimSpace(line)), `a key needs a ": " and a value`}
}

var (
	keyAndValue = regexp.MustCompile(`^\s*(?:- )?([A-Za-z_][\w.-]*): +(\S.*)$`)
	blockKey    = regexp.MustCompile(`^\s*(?:- )?[A-Za-z_][\w.-]*: +[|>][-+]?\s*$`)
	tightKey    = regexp.MustCompile(`^(\s*(?:- )?\{?)([A-Za-z_][\w.-]*):([^\s:/].*)$`)
)

// tight is a key with its value right behind the colon, which YAML takes for one word.
type tight struct {
	at         int // where the key begins, in bytes from 0
	key, value string
}

// tightColon finds one at the beginning of a line or of a word. A name with its port (s1:eth0) looks the same: the
// caller knows whether there should be a key.
func tightColon(line string) (tight, bool) {
	m := tightKey.FindStringSubmatch(line)
	if m == nil || strings.Contains(m[3], ": ") && !strings.ContainsAny(m[3][:1], `{["'`) {
		return tight{}, false
	}
	return tight{len(m[1]), m[2], m[3]}, true
}

func (t tight) text() string {
	text := "a space is missing after " + strconv.Quote(t.key+":")
	if !strings.ContainsAny(t.value, `{}[]"'`) {
		text += fmt.Sprintf("; write %q", problem.Clip(t.key+": "+t.value))
	}
	return text
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }

// lineAbove is the nearest line above that is neither empty nor a comment, and its number.
func (d *Document) lineAbove(n int) (int, string) {
	for n--; n > 0; n-- {
		if s := strings.TrimSpace(d.Line(n)); s != "" && s[0] != '#' {
			return n, d.Line(n)
		}
	}
	return 0, ""
}
