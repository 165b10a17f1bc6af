package labfile

import (
	"regexp"
	"slices"
	"strings"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

// placed is a problem of what is set by hand, with the line of the assignment that it is in and the place there.
// Without a place it is as it was.
func placed(p problem.Problem, list []Overlay) problem.Problem {
	path := strings.TrimPrefix(p.Path, "set ")
	for _, o := range slices.Backward(list) {
		key := strings.Join(append([]string{o.Node}, o.Path...), ".")
		rest, ok := strings.CutPrefix(path, key)
		if !ok || rest != "" && rest[0] != '.' && rest[0] != '[' {
			continue
		}
		at, width := o.find(path, key, keyIsWrong(p.Message) && rest == "")
		return o.shown(p, at, width)
	}
	return p
}

// keyIsWrong reports whether a message is about the key, not about its value.
func keyIsWrong(message string) bool {
	return strings.HasPrefix(message, "unknown key") || strings.HasPrefix(message, "cannot be changed")
}

// shown is a problem at a place of the assignment, which is counted as its text is typed.
func (o Overlay) shown(p problem.Problem, at problem.Pos, width int) problem.Problem {
	lines := strings.Split(o.String(), "\n")
	if at.Line < 1 || at.Line > len(lines) {
		return p
	}
	p.Line, p.Col, p.Width, p.Source = at.Line, at.Col, max(1, width), lines[at.Line-1]
	return p
}

// find is the place of a path in the assignment, whose own path is key: the entry that is there, or the nearest around
// it.
func (o Overlay) find(path, key string, ofKey bool) (at problem.Pos, width int) {
	before := len(key) + len("=")
	if ofKey {
		return problem.Pos{Line: 1, Col: 1}, len(key)
	}
	at = problem.Pos{Line: 1, Col: 1}
	doc := grammar.New("", []byte(o.Value))
	doc.Read(func() {
		v := doc.Parse()
		if !v.Given() {
			return
		}
		at, width = inner(v.Under(key), path)
	})
	if found := doc.Problems(); len(found) > 0 { // of YAML, and it is what is reported
		at, width = problem.Pos{Line: found[0].Line, Col: found[0].Col}, found[0].Width
	}
	if at.Line == 1 {
		at.Col += before
	}
	return at, width
}

// inner is the place of the innermost entry on the way to a path, from its key to the end of its value if both are in
// one line.
func inner(v grammar.Value, path string) (problem.Pos, int) {
	at := v.Pos()
	if v.IsSingle() {
		return at, len(v.Word())
	}
	for x := range v.Fields() {
		if path != x.Path() && !strings.HasPrefix(path, x.Path()+".") && !strings.HasPrefix(path, x.Path()+"[") {
			continue
		}
		if !x.IsSingle() && path != x.Path() {
			return inner(x, path)
		}
		from, to := x.Key().Pos(), x.Pos()
		if x.IsSingle() && to.Line == from.Line {
			return from, to.Col - from.Col + len(x.Word())
		}
		return from, len(x.Name())
	}
	return at, 1
}

// RuleRefused is what a tool says of a rule, as a mistake in what was set by hand: text is what the tool refused, and
// col the column in it, or 0. !ok: no change of the node's rules has such a text.
func RuleRefused(p problem.Problem, node, text string, col int, list []Overlay) (problem.Problem, bool) {
	for _, o := range slices.Backward(list) {
		if o.Node != node || len(o.Path) > 0 && o.Path[0] != "rules" {
			continue
		}
		if at, width := o.holds(text, col); at.Line > 0 {
			p.File, p.Path = "", "set "+strings.TrimPrefix(p.Path, "nodes.")
			return o.shown(p, at, width), true
		}
	}
	return p, false
}

// holds is where the assignment has a text, at a column of it; or else the word that is there, since a tool gets a rule
// with a name and a counter more than was typed. The zero Pos: it has neither.
func (o Overlay) holds(text string, col int) (at problem.Pos, width int) {
	word := ""
	if col > 0 && col <= len(text) {
		word, _, _ = strings.Cut(text[col-1:], " ")
	}
	if text == "" {
		return problem.Pos{}, 0
	}
	lines := strings.Split(o.String(), "\n")
	for i, line := range lines {
		if at := strings.Index(line, text); at >= 0 {
			return problem.Pos{Line: i + 1, Col: at + max(col, 1)}, 1
		}
	}
	whole := regexp.MustCompile(`(?:^|[^\w-])(` + regexp.QuoteMeta(word) + `)(?:$|[^\w-])`)
	for i, line := range lines {
		if m := whole.FindStringSubmatchIndex(line); m != nil && word != "" {
			return problem.Pos{Line: i + 1, Col: m[2] + 1}, len(word)
		}
	}
	return problem.Pos{}, 0
}

// Wanted says in the words of messages what the file has at a path below a node of a kind, "" if it has nothing there.
func Wanted(kind topology.Kind, path []string) string {
	var shape *grammar.Shape
	for _, k := range nodeKinds() {
		if k.name == kind {
			shape = k.set
		}
	}
	for _, key := range path {
		if shape = shape.Inside(key); shape == nil {
			return ""
		}
	}
	if shape == nil {
		return ""
	}
	return shape.Want
}
