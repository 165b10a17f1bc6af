package grammar

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"labctl/topology/problem"
)

// Parse returns the root of the file's only document; it is not given if there is a problem.
func (d *Document) Parse() Value {
	if !d.fewValues() {
		return Value{}
	}
	loader, err := yaml.NewLoader(bytes.NewReader(d.src))
	if err != nil {
		d.syntax(err)
		return Value{}
	}
	var doc, more yaml.Node
	if err := loader.Load(&doc); err != nil {
		d.syntax(err)
		return Value{}
	}
	if err := loader.Load(&more); err == nil {
		Value{doc: d, node: &more}.Errorf("a second document begins here; a lab file is one document")
		return Value{}
	} else if !errors.Is(err, io.EOF) {
		d.syntax(err)
		return Value{}
	}
	return Value{doc: d, node: doc.Content[0]}
}

// syntax says in plain words what the YAML parser met.
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
	mark, start := e.Mark, e.ContextMark
	p := d.pos(mark.Line, mark.Column)
	if start.Line > 0 && (mark.Line > len(d.lines) || mark.Line < 1) {
		p = d.pos(start.Line, start.Column)
	}
	d.Add(p, 1, "", syntaxText(e.Message, e.ContextMsg, d.Line(p.Line), p, start.Line), false)
}

// syntaxText translates the parser's own words for the usual slips.
func syntaxText(msg, context, line string, p problem.Pos, start int) string {
	rest := ""
	if p.Col >= 1 && p.Col <= len(line) {
		rest = line[p.Col-1:]
	}
	switch {
	case strings.HasPrefix(rest, "\t"):
		return "a tab cannot indent in YAML; use spaces"
	case strings.Contains(msg, "cannot start any token"):
		return "a value cannot begin with this character; put it in quotes"
	case strings.Contains(msg, "mapping values are not allowed"):
		return `": " is not allowed here; put the value in quotes, or begin a new line`
	case strings.Contains(msg, "unknown anchor"):
		return "aliases are not allowed; write the value out"
	case strings.Contains(msg, "escape"):
		return "an unknown escape; inside single quotes a backslash is only a backslash"
	case strings.Contains(context, "flow sequence"):
		return fmt.Sprintf(`the list that begins in line %d has no closing "]", or a "," is missing`, start)
	case strings.Contains(context, "flow mapping"):
		return fmt.Sprintf(`the map that begins in line %d has no closing "}", or a "," is missing`, start)
	case strings.Contains(context, "quoted scalar"):
		return fmt.Sprintf("the quoted text that begins in line %d is not closed", start)
	case strings.Contains(msg, "expected key"):
		return "this does not fit the lines above; check the indentation"
	case strings.Contains(msg, "could not find expected ':'"):
		return `a key needs a ": " and a value`
	case strings.Contains(msg, "max depth"):
		return "lists and maps are nested too deep"
	}
	return "not YAML: " + msg
}

// Plain refuses what YAML can say and a lab file must not, in a value and everywhere inside. It reports whether the
// value can be read further.
func (d *Document) Plain(root Value) bool {
	before := len(d.probs)
	d.plain(root.node, 0)
	return len(d.probs) == before ||
		!slices.ContainsFunc(d.probs, func(p problem.Problem) bool { return p.Message == tooDeep })
}

const tooDeep = "lists and maps are nested too deep"

func (d *Document) plain(n *yaml.Node, depth int) {
	v := Value{doc: d, node: n}
	if depth > maxDepth {
		v.Errorf(tooDeep)
		return
	}
	switch {
	case n.Anchor != "":
		v.Errorf("anchors are not allowed: positions and diffs refer to what is in the file; write the value out")
	case n.Kind == yaml.AliasNode:
		v.Errorf("aliases are not allowed; write the value out")
	case n.Style&yaml.TaggedStyle != 0:
		v.Errorf("tags (%s) are not allowed; a value's kind follows from its place", n.Tag)
	}
	if n.Kind == yaml.MappingNode {
		d.plainKeys(n)
	}
	if i := strings.IndexFunc(n.Value, control); i >= 0 && n.Kind == yaml.ScalarNode {
		c, _ := utf8.DecodeRuneInString(n.Value[i:])
		v.Errorf("the control character %U is not allowed, not as an escape either", c)
	}
	for _, c := range n.Content {
		d.plain(c, depth+1)
	}
}

func (d *Document) plainKeys(n *yaml.Node) {
	first := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := Value{doc: d, node: n.Content[i]}
		switch was := first[k.node.Value]; {
		case k.node.Kind != yaml.ScalarNode:
			if k.node.Kind != yaml.AliasNode {
				k.Errorf("a key is one word, not a list or a map")
			}
		case k.node.Tag == "!!merge":
			k.Errorf("merge keys are not allowed; write the keys out")
		case was != nil:
			k.Errorf("%q appears here twice, first in line %d", k.node.Value, was.Line)
		default:
			first[k.node.Value] = k.node
		}
	}
}
