package labfile

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"labctl/topology"
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

// Overlaid is the lab after so many of the file's steps, with live changes laid over it one after the other, each as a step's "set" would
// be. The lab is nil exactly if there are problems; they have no place in a file, and read "set vSwitch0.promiscuous: …".
func (f *File) Overlaid(steps int, list []Overlay) (*topology.Lab, problem.List) {
	r := newReader(f.Path, bytes.TrimPrefix(f.Source, []byte(bom)))
	root := (*yaml.Node)(nil)
	if f.Source != nil {
		root = r.parse()
	}
	if root == nil {
		return nil, problem.List{{Path: "set", Message: "this lab cannot be changed: it is not a file's"}}
	}
	var lab *topology.Lab
	r.untilStopped(func() { lab = laidOverFile(r, root, steps, list) })
	if r.failed() {
		return nil, r.unplaced()
	}
	lab.StepCommands = f.StepCommands
	return lab, nil
}

// laidOverFile makes the lab of a document, after some of its steps, with the changes.
func laidOverFile(r *reader, root *yaml.Node, steps int, list []Overlay) *topology.Lab {
	ld := &loader{reader: r, root: root, grammar: format1(), bare: true}
	ld.load()
	r.forget()
	body := ld.stages[steps]
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

// SplitSetting takes NODE.key.path apart at the longest name of a node that it begins with. What stands behind "routes",
// "neigh", "fdb" and "sysctls" is one key, dots and all.
func SplitSetting(l *topology.Lab, text string) (node string, path []string, ok bool) {
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
