package grammar

import (
	"iter"
	"slices"

	"go.yaml.in/yaml/v4"

	"labctl/topology/problem"
)

// Merger says how one map is laid over another: maps are merged key by key, all else replaces what was there.
type Merger struct {
	Emptied []string // maps that an empty map empties; elsewhere it says nothing
	Dropped []string // maps from which an entry without a value takes that of its key away
	List    string   // a map of entries that may be nothing but one of their values
	Short   string   // that value's key
	Twice   []string // keys that may be written beside List or, if it has one entry, in it
	Apart   string   // an entry of List that does not count for that
}

// Merge lays set over was. Neither changes; the result has was's path.
func (m Merger) Merge(was, set Value) Value {
	out := m.merge(was.node, set.node, "")
	if list := field(out, m.List); list != nil {
		out = m.oncePerKey(out, list, set.node)
	}
	was.node = out
	return was
}

func (m Merger) merge(was, set *yaml.Node, name string) *yaml.Node {
	if was == nil || set.Kind != yaml.MappingNode || was.Kind != yaml.MappingNode ||
		len(set.Content) == 0 && slices.Contains(m.Emptied, name) {
		return set
	}
	out := *was
	out.Content = slices.Clone(was.Content)
	index, gone := make(map[string]int, len(out.Content)/2), map[string]bool{}
	for i := 0; i+1 < len(out.Content); i += 2 {
		index[out.Content[i].Value] = i
	}
	for k, v := range entries(set) {
		at, there := index[k.Value]
		if there && isNull(v) && slices.Contains(m.Dropped, name) {
			gone[k.Value] = true
			continue
		}
		if !there {
			out.Content = append(out.Content, k, v)
			continue
		}
		old := out.Content[at+1]
		if name == m.List {
			old, v = m.writtenOut(old), m.writtenOut(v)
		}
		out.Content[at+1] = m.merge(old, v, k.Value)
	}
	if len(gone) > 0 {
		out.Content = withoutKeys(out.Content, gone)
	}
	return &out
}

// withoutKeys are the entries of a map but those of some keys.
func withoutKeys(content []*yaml.Node, keys map[string]bool) []*yaml.Node {
	var out []*yaml.Node
	for i := 0; i+1 < len(content); i += 2 {
		if !keys[content[i].Value] {
			out = append(out, content[i], content[i+1])
		}
	}
	return out
}

func isNull(n *yaml.Node) bool { return Value{node: n}.IsNull() }

// Missing are the entries of a set that take something away that is not there, each with what is there instead.
func (m Merger) Missing(was, set Value) iter.Seq2[Value, []string] {
	return func(yield func(Value, []string) bool) { m.missing(was, set, yield) }
}

func (m Merger) missing(was, set Value, yield func(Value, []string) bool) bool {
	for v := range set.Fields() {
		switch {
		case v.IsMap():
			if !m.missing(was.Field(v.Name()), v, yield) {
				return false
			}
		case v.IsNull() && slices.Contains(m.Dropped, set.Name()) && !was.Has(v.Name()):
			if !yield(v, was.Names()) {
				return false
			}
		}
	}
	return true
}

// writtenOut is an entry of the list as a map.
func (m Merger) writtenOut(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.MappingNode {
		return n
	}
	k := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: m.Short, Line: n.Line, Column: n.Column}
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{k, n}, Line: n.Line, Column: n.Column}
}

// oncePerKey drops what the set replaced in the other place where it may be written.
func (m Merger) oncePerKey(n, list, set *yaml.Node) *yaml.Node {
	only := withoutKeys(list.Content, map[string]bool{m.Apart: true})
	if len(only) != 2 || list.Kind != yaml.MappingNode {
		return n
	}
	inner := m.writtenOut(only[1])
	setInner := field(field(set, m.List), only[0].Value)
	if setInner != nil {
		setInner = m.writtenOut(setInner)
	}
	for _, key := range m.Twice {
		switch {
		case field(set, key) != nil:
			inner = without(inner, key)
		case field(setInner, key) != nil:
			n = without(n, key)
		}
	}
	newList := *list
	newList.Content = slices.Clone(list.Content)
	newList.Content[slices.Index(list.Content, only[0])+1] = inner
	out := *n
	out.Content = slices.Clone(n.Content)
	for i := 0; i+1 < len(out.Content); i += 2 {
		if out.Content[i].Value == m.List {
			out.Content[i+1] = &newList
		}
	}
	return &out
}

// field is the value of a key of a map, or nil.
func field(n *yaml.Node, key string) *yaml.Node { return Value{node: n}.Field(key).node }

func without(n *yaml.Node, key string) *yaml.Node {
	out := *n
	out.Content = withoutKeys(n.Content, map[string]bool{key: true})
	return &out
}

// Only is a map with one of its entries.
func (v Value) Only(key string) Value {
	x := v.Field(key)
	v.node = &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{x.key, x.node}}
	return v
}

// Without is a map without one of its entries.
func (v Value) Without(key string) Value {
	v.node = without(v.node, key)
	return v
}

// Inside is the value as it would be in the innermost of maps with these keys, at a path.
func (v Value) Inside(keys []string, path string) Value {
	for _, key := range slices.Backward(keys) {
		k := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}
		v.node = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{k, v.node}}
	}
	v.path = path
	return v
}

// Elsewhere parses a text that is not in the file and makes it a value of the document, without a place. What is wrong
// with it is reported at the path. It is not given then.
func (d *Document) Elsewhere(text, path string) Value {
	from := New("", []byte(text))
	var v Value
	from.Read(func() {
		if v = from.Parse(); v.Given() {
			from.Plain(v)
		}
	})
	if v.Given() && len(from.probs) == 0 {
		unplace(v.node)
		return Value{doc: d, node: v.node, path: path}
	}
	for _, p := range from.probs {
		d.Add(problem.Pos{}, 1, path, p.Message, false)
	}
	return Value{}
}

// unplace takes a value out of the text it was read from, whose lines are not the document's.
func unplace(n *yaml.Node) {
	n.Line, n.Column = 0, 0
	for _, c := range n.Content {
		unplace(c)
	}
}
