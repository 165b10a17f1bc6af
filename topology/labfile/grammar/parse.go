package grammar

import (
	"bytes"
	"errors"
	"io"
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

// Plain refuses what YAML can say and a lab file must not, in a value and everywhere inside. It reports whether there
// is nothing of that: what else seems wrong with the value follows from it.
func (d *Document) Plain(root Value) bool {
	before := len(d.probs)
	d.plain(root.node, 0)
	return len(d.probs) == before
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
			k.Errorf("%q appears here twice, first in line %d; give one of them another name, or merge the two",
				problem.Clip(k.node.Value), was.Line)
		default:
			first[k.node.Value] = k.node
		}
	}
}
