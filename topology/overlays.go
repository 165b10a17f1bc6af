package topology

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"labctl/topology/problem"
)

// Overlay is one live change: what a step's "set" would say of one key of one node. It can be kept as JSON and laid over the
// same lab, or over a later version of its file, again.
type Overlay struct {
	Node  string   `json:"node"`  // full name
	Path  []string `json:"path"`  // keys from the node inwards; may be empty when Value is a map
	Value string   `json:"value"` // YAML, as it would stand behind the key
}

// String is the change as it is typed: vSwitch0.groups.Lab.promiscuous=accept.
func (o Overlay) String() string {
	return strings.Join(append([]string{o.Node}, o.Path...), ".") + "=" + o.Value
}

// Overlays are the live changes that this lab has over what its file, or its step, says, in the order in which they were made.
// The result is the caller's.
func (l *Lab) Overlays() []Overlay { return slices.Clone(l.over) }

// Overlaid is the lab as its file, or the step that it is of, says, with these live changes instead of those it has; laid one
// after the other, each as a step's "set" would be. Source, Expect and Steps are those of l. The lab is nil exactly if there
// are problems; they have no place in a file, and read "set vSwitch0.promiscuous: …". It is not for the lab of a [Case].
func (l *Lab) Overlaid(list []Overlay) (*Lab, problem.List) {
	r := newReader(l.File, bytes.TrimPrefix(l.origin, []byte(bom)))
	root := (*yaml.Node)(nil)
	if l.origin != nil {
		root = r.parse()
	}
	if root == nil {
		return nil, problem.List{{Path: "set", Message: "this lab cannot be changed: it is not a file's or a step's"}}
	}
	var lab *Lab
	r.untilStopped(func() { lab = l.laidOver(r, root, list) })
	if r.failed() {
		return nil, r.unplaced()
	}
	lab.Source, lab.Expect, lab.Steps = l.Source, l.Expect, l.Steps
	lab.origin, lab.stage, lab.over = l.origin, l.stage, slices.Clone(list)
	return lab, nil
}

// laidOver makes the lab of a document with the changes.
func (l *Lab) laidOver(r *reader, root *yaml.Node, list []Overlay) *Lab {
	ld := &loader{reader: r, root: root, grammar: format1(), bare: true}
	ld.load()
	r.forget()
	body := ld.stages[l.stage]
	touched := map[*site]bool{}
	for _, o := range list {
		ld.layOver(o, body, touched)
	}
	at := func(s *site) string {
		if touched[s] {
			return "set " + s.full
		}
		return s.path
	}
	for _, s := range ld.sites {
		if touched[s] && !r.failed() {
			r.check(body[s], ld.grammar.kind[s.kind].file, at(s))
		}
	}
	if r.failed() {
		return nil
	}
	return ld.newBuild(body, at).lab
}

// forget lets what comes be reported as if nothing had been read before.
func (r *reader) forget() {
	r.probs, r.seen = nil, map[problem.Problem]bool{}
	r.mistakes, r.warned, r.sysctlsGiven = 0, 0, 0
}

// layOver lays one change over the bodies.
func (l *loader) layOver(o Overlay, body map[*site]*yaml.Node, touched map[*site]bool) {
	path := "set " + strings.Join(append([]string{o.Node}, o.Path...), ".")
	s, why := l.fullName(o.Node)
	if s == nil {
		l.Add(problem.Pos{}, 1, path, why, false)
		return
	}
	v := l.value(o.Value, path)
	if v == nil {
		return
	}
	for _, key := range slices.Backward(o.Path) {
		k := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}
		v = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{k, v}}
	}
	if !l.check(v, l.grammar.kind[s.kind].set, "set "+s.full) || !l.groupsThere(s, v, "set "+s.full) {
		return
	}
	was := body[s]
	if was == nil {
		was = s.body
	}
	body[s], touched[s] = laidOver(was, v), true
}

// value reads the text of a change.
func (l *loader) value(text, path string) *yaml.Node {
	r := newReader("", []byte(text))
	if strings.TrimSpace(text) == "" {
		l.Add(problem.Pos{}, 1, path, "needs a value", false)
		return nil
	}
	var n *yaml.Node
	r.untilStopped(func() {
		if n = r.parse(); n != nil {
			r.treeOK(n)
		}
	})
	if n != nil && len(r.probs) == 0 {
		nowhere(n)
		return n
	}
	for _, p := range r.probs {
		l.Add(problem.Pos{}, 1, path, p.Message, false)
	}
	return nil
}

// nowhere takes a value out of the text it was read from, whose lines are not the file's.
func nowhere(n *yaml.Node) {
	n.Line, n.Column = 0, 0
	for _, c := range n.Content {
		nowhere(c)
	}
}

// unplaced are the problems without places in the file, and without warnings: what they are about stands in no file.
func (r *reader) unplaced() problem.List {
	var out problem.List
	for _, p := range r.done() {
		if p.Warning {
			continue
		}
		q := problem.Problem{Path: p.Path, Message: p.Message}
		if !strings.HasPrefix(p.Path, "set ") {
			q.Path, q.Message = "set", p.Path+": "+p.Message
		}
		if !slices.Contains(out, q) {
			out = append(out, q)
		}
	}
	return out
}

// Set is the lab with one more live change; see [Lab.Overlaid]. A change of the same key to another single value replaces the
// earlier one.
func (l *Lab) Set(node string, path []string, value string) (*Lab, problem.List) {
	list := l.Overlays()
	if !strings.HasPrefix(strings.TrimSpace(value), "{") && !strings.Contains(value, ": ") {
		list = slices.DeleteFunc(list, func(o Overlay) bool { return o.Node == node && slices.Equal(o.Path, path) })
	}
	return l.Overlaid(append(list, Overlay{node, slices.Clone(path), value}))
}

// Reset is the lab without the live changes of the nodes.
func (l *Lab) Reset(nodes ...string) (*Lab, problem.List) {
	for _, n := range nodes {
		if l.find(n) == nil {
			known := newVocabulary(l).names()
			return nil, problem.List{{Path: "reset " + n, Message: "no node " + problem.Quoted(n) + problem.Suggest(n, known)}}
		}
	}
	return l.Overlaid(slices.DeleteFunc(l.Overlays(), func(o Overlay) bool { return slices.Contains(nodes, o.Node) }))
}

// SplitSetting takes NODE.key.path apart at the longest name of a node that it begins with. What stands behind "routes",
// "neigh", "fdb" and "sysctls" is one key, dots and all.
func (l *Lab) SplitSetting(text string) (node string, path []string, ok bool) {
	for _, n := range l.Nodes {
		if (text == n.Name || strings.HasPrefix(text, n.Name+".")) && len(n.Name) > len(node) {
			node = n.Name
		}
	}
	rest := strings.TrimPrefix(strings.TrimPrefix(text, node), ".")
	for node != "" && rest != "" {
		var key string
		key, rest, _ = strings.Cut(rest, ".")
		path = append(path, key)
		if slices.Contains([]string{"routes", "neigh", "fdb", "sysctls"}, key) && rest != "" {
			return node, append(path, rest), true
		}
	}
	return node, path, node != ""
}

// remember notes how the nodes stand after the steps so far, 0 being the file's own.
func (st *story) remember() { st.stages = append(st.stages, maps.Clone(st.body)) }

// settle lets the labs of the file and of its steps know where they come from.
func (l *Lab) settle(src []byte) {
	l.origin = src
	last := l
	for i, s := range l.Steps {
		if s.Lab != last {
			s.Lab.origin, s.Lab.stage, last = src, i+1, s.Lab
		}
	}
}
