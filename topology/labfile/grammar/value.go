package grammar

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"labctl/topology/problem"
)

// Value is a part of a document that knows its place: where its text is, and the path of keys that leads to it. The
// zero Value is one that the document does not give; it has no fields and no items, and reads as whatever the reader
// takes for not given.
type Value struct {
	doc  *Document
	key  *yaml.Node // of an entry of a map
	node *yaml.Node // nil: not given
	path string
}

// Given reports whether the document has the value.
func (v Value) Given() bool { return v.node != nil }

// Path is the path of keys to the value, as messages have it.
func (v Value) Path() string { return v.path }

// Under is the value with another path: that of where it is laid over another.
func (v Value) Under(path string) Value {
	v.path = path
	return v
}

// Key is the key of an entry of a map, with the entry's path. Of a value without one it is not given.
func (v Value) Key() Value { return Value{v.doc, nil, v.key, v.path} }

// Pos is where the value begins.
func (v Value) Pos() problem.Pos { return v.doc.pos(v.node.Line, v.node.Column) }

// Line is the line where the value begins, as the parser counts it.
func (v Value) Line() int { return v.node.Line }

// IsMap reports whether the value is a map.
func (v Value) IsMap() bool { return v.node != nil && v.node.Kind == yaml.MappingNode }

// IsList reports whether the value is a list.
func (v Value) IsList() bool { return v.node != nil && v.node.Kind == yaml.SequenceNode }

// IsSingle reports whether the value is neither a map nor a list.
func (v Value) IsSingle() bool { return v.node != nil && v.node.Kind == yaml.ScalarNode }

// IsNull reports whether nothing is written where the value should be.
func (v Value) IsNull() bool { return v.IsSingle() && v.node.Tag == "!!null" }

// IsText reports whether YAML takes the value for a text.
func (v Value) IsText() bool { return v.IsSingle() && v.node.Tag == "!!str" }

// IsNumber reports whether YAML takes the value for a whole number.
func (v Value) IsNumber() bool { return v.IsSingle() && v.node.Tag == "!!int" }

// Style is how a single value is written.
type Style int

// The styles.
const (
	Plain   Style = iota // without any mark
	Quoted               // its text begins a byte behind its place
	Literal              // a block after "|"
	Folded               // a block after ">"
)

// Style is how a single value is written.
func (v Value) Style() Style {
	switch s := v.node.Style; {
	case s&yaml.LiteralStyle != 0:
		return Literal
	case s&yaml.FoldedStyle != 0:
		return Folded
	case s&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		return Quoted
	}
	return Plain
}

// Word is the text of a single value, "" of any other.
func (v Value) Word() string {
	if v.node == nil {
		return ""
	}
	return v.node.Value
}

// Name is the word of the key of an entry of a map.
func (v Value) Name() string {
	if v.key == nil {
		return ""
	}
	return v.key.Value
}

// Field is the entry of a map under a key.
func (v Value) Field(key string) Value {
	if !v.IsMap() {
		return Value{}
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		if k := v.node.Content[i]; k.Value == key && k.Kind == yaml.ScalarNode {
			return Value{v.doc, k, v.node.Content[i+1], problem.PathKey(v.path, key)}
		}
	}
	return Value{}
}

// Has reports whether a map has an entry under a key.
func (v Value) Has(key string) bool {
	if !v.IsMap() {
		return false
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		if k := v.node.Content[i]; k.Value == key && k.Kind == yaml.ScalarNode {
			return true
		}
	}
	return false
}

// Fields goes through a map in the order of the file, leaving out what was refused as a repeated key.
func (v Value) Fields() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		for k, x := range entries(v.node) {
			if !yield(Value{v.doc, k, x, problem.PathKey(v.path, k.Value)}) {
				return
			}
		}
	}
}

// entries goes through the entries of a map.
func entries(n *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(k, v *yaml.Node) bool) {
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		seen := make(map[string]bool, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			if k.Kind != yaml.ScalarNode || k.Tag == "!!merge" || seen[k.Value] {
				continue
			}
			seen[k.Value] = true
			if !yield(k, n.Content[i+1]) {
				return
			}
		}
	}
}

// Names are the keys of a map, without repeated ones.
func (v Value) Names() []string {
	var out []string
	for k := range entries(v.node) {
		out = append(out, k.Value)
	}
	return out
}

// Len is the number of entries of a map, repeated ones too, or of items of a list.
func (v Value) Len() int {
	switch {
	case v.IsMap():
		return len(v.node.Content) / 2
	case v.IsList():
		return len(v.node.Content)
	}
	return 0
}

// Items goes through a list.
func (v Value) Items() iter.Seq2[int, Value] {
	return func(yield func(int, Value) bool) {
		if !v.IsList() {
			return
		}
		for i, x := range v.node.Content {
			if !yield(i, Value{v.doc, nil, x, problem.PathIndex(v.path, i)}) {
				return
			}
		}
	}
}

// Words are the words of a list.
func (v Value) Words() []string {
	if !v.IsList() {
		return nil
	}
	out := make([]string, len(v.node.Content))
	for i, x := range v.node.Content {
		out[i] = x.Value
	}
	return out
}

// OneOrMore are the items of a list, or the value itself if it is a single one, with the path of the whole.
func (v Value) OneOrMore() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.IsSingle() {
			yield(v)
			return
		}
		for _, x := range v.Items() {
			if !yield(x.Under(v.path)) {
				return
			}
		}
	}
}

// Identity names a value of a document, however it was reached.
type Identity struct{ node *yaml.Node }

// Identity is the same for two values exactly if they are one place of one document.
func (v Value) Identity() Identity { return Identity{v.node} }

// Weight is the number of values in a value, itself too, and that of their letters.
func (v Value) Weight() (values, letters int) {
	var count func(n *yaml.Node)
	count = func(n *yaml.Node) {
		values, letters = values+1, letters+len(n.Value)
		for _, c := range n.Content {
			count(c)
		}
	}
	count(v.node)
	return values, letters
}

// The methods below read values whose shapes have been checked. A value that was refused reads as def: it has been
// reported, and what was read will not be used.

// Bool is true or false.
func (v Value) Bool(def bool) bool {
	if v.node == nil || v.node.Value != "true" && v.node.Value != "false" {
		return def
	}
	return v.node.Value == "true"
}

// Int is a whole number.
func (v Value) Int(def int) int {
	if v.node == nil || !problem.Decimal.MatchString(v.node.Value) {
		return def
	}
	n, _ := strconv.Atoi(v.node.Value)
	return n
}

// Hex is a whole number in either notation, 0 if it is not given.
func (v Value) Hex() int {
	if !v.IsSingle() {
		return 0
	}
	n, _ := strconv.ParseInt(v.node.Value, 0, 64)
	return int(n)
}

// Text is the text of a single value.
func (v Value) Text(def string) string {
	if !v.IsSingle() {
		return def
	}
	return v.node.Value
}

// Duration is a time with its unit.
func (v Value) Duration(def time.Duration) time.Duration {
	if !v.IsSingle() || durationText(v.node.Value) != "" {
		return def
	}
	d, _ := time.ParseDuration(v.node.Value)
	return d
}

// width is how much of its line a value's own word takes.
func (v Value) width(p problem.Pos) int {
	s, n := v.doc.Line(p.Line), v.node
	if p.Col < 1 || p.Col > len(s) {
		return 1
	}
	s = s[p.Col-1:]
	switch {
	case n.Kind != yaml.ScalarNode, v.Style() == Literal, v.Style() == Folded:
		return 1
	case v.Style() == Quoted:
		if i := strings.IndexByte(s[1:], s[0]); i >= 0 {
			return i + 2
		}
	case strings.HasPrefix(s, n.Value):
		return max(1, len(n.Value))
	}
	return len(strings.TrimRight(s, " "))
}

// Errorf reports a mistake at the value.
func (v Value) Errorf(format string, args ...any) { v.report(false, format, args...) }

// Warnf reports something at the value that is legal and probably not meant.
func (v Value) Warnf(format string, args ...any) { v.report(true, format, args...) }

func (v Value) report(warning bool, format string, args ...any) {
	p := v.Pos()
	v.doc.Add(p, v.width(p), v.path, fmt.Sprintf(format, args...), warning)
}

// isAlias: an alias has been refused, and what it is for is not looked at.
func isAlias(v Value) bool { return v.node.Kind == yaml.AliasNode }

// NewIdentity is one that no value has.
func NewIdentity() Identity { return Identity{new(yaml.Node)} }
