package labfile

import (
	"slices"
	"strings"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

// Overlay is one live change: what a step's "set" would say of one key of one node. It can be kept as JSON and laid
// over the same lab, or over a later version of its file, again.
type Overlay struct {
	Node  string   `json:"node"`  // full name
	Path  []string `json:"path"`  // keys from the node inwards; may be empty when Value is a map
	Value string   `json:"value"` // YAML, as it would follow the key
}

// String is the change as it is typed: vSwitch0.groups.Lab.promiscuous=accept.
func (o Overlay) String() string {
	return strings.Join(append([]string{o.Node}, o.Path...), ".") + "=" + o.Value
}

// After is a list of live changes with this one behind them. A map adds to what is there; a single value, an address
// with its colons too, takes an earlier one's place; null, which takes an entry away, is added to what is there.
func (o Overlay) After(list []Overlay) []Overlay {
	list = slices.Clone(list)
	if strings.TrimSpace(o.Value) == "null" { // it may be what an earlier change has added that is taken away
		return append(list, o)
	}
	if !strings.ContainsAny(o.Value, "{\n") && !strings.Contains(o.Value, ": ") {
		list = slices.DeleteFunc(list, func(x Overlay) bool { return x.Node == o.Node && slices.Equal(x.Path, o.Path) })
	}
	return append(list, o)
}

// Overlaid is the lab after so many of the file's steps, with live changes laid over it one after the other, each as a
// step's "set" would be. The lab is nil exactly if there are problems; they have no place in a file but in the change
// as it is typed, and read "set vSwitch0.promiscuous: …".
func (f *File) Overlaid(steps int, list []Overlay) (*topology.Lab, problem.List) {
	return f.overlaid(list, func(l *loader) bodies { return l.after[steps] })
}

// Begun is the same in the middle of the last of the steps: its reset and set are done, and nothing else of it.
func (f *File) Begun(steps int, list []Overlay) (*topology.Lab, problem.List) {
	return f.overlaid(list, func(l *loader) bodies { return l.begun[steps] })
}

func (f *File) overlaid(list []Overlay, at func(*loader) bodies) (*topology.Lab, problem.List) {
	doc := grammar.New(f.Path, f.Source)
	var root grammar.Value
	if f.Source != nil {
		root = doc.Parse()
	}
	if !root.Given() {
		return nil, problem.List{{Path: "set", Message: "this lab cannot be changed: it is not a file's"}}
	}
	var lab *topology.Lab
	doc.Read(func() { lab = laidOverFile(doc, root, at, list) })
	if doc.Failed() {
		return nil, unplaced(doc.Problems(), list)
	}
	lab.StepCommands = f.StepCommands
	return lab, nil
}

// laidOverFile makes the lab of a document, where at finds it in the story, with the changes.
func laidOverFile(doc *grammar.Document, root grammar.Value, at func(*loader) bodies, list []Overlay) *topology.Lab {
	l := &loader{doc: doc, root: root, nodesOnly: true}
	l.load("")
	doc.Forget()
	l.site.sysctls.given = 0
	after := at(l)
	laid := map[*nodeDecl]bool{}
	for _, o := range list {
		if s := l.site.layOver(o, after); s != nil {
			laid[s] = true
		}
	}
	for _, s := range l.site.cables.all {
		if laid[s] && !doc.Failed() {
			s.kind.file.Check(after[s])
		}
	}
	if doc.Failed() {
		return nil
	}
	return l.site.build(after).lab
}

// layOver lays one change over what nodes say, and returns the node; nil if something is wrong with it.
func (t *site) layOver(o Overlay, after bodies) *nodeDecl {
	path := "set " + strings.Join(append([]string{o.Node}, o.Path...), ".")
	refuse := func(why string) { t.doc.Add(problem.Pos{}, 1, path, why, false) }
	s, why := t.cables.find(o.Node)
	if s == nil {
		refuse(why)
		return nil
	}
	if strings.TrimSpace(o.Value) == "" {
		refuse("needs a value")
		return nil
	}
	v := t.doc.Elsewhere(o.Value, path)
	if !v.Given() {
		return nil
	}
	v = v.Inside(o.Path, "set "+s.full)
	if !s.kind.set.Check(v) || !t.cables.groupsThere(s, v) || !after.nothingGone(s, v) {
		return nil
	}
	after.lay(s, v, "set "+s.full)
	return s
}

// unplaced are problems without places in the file, and without warnings: what they are about is in no file. Their
// places are those in the changes.
func unplaced(list problem.List, changes []Overlay) problem.List {
	var out problem.List
	for _, p := range list {
		if p.Warning {
			continue
		}
		q := problem.Problem{Path: p.Path, Message: p.Message}
		if !strings.HasPrefix(p.Path, "set ") {
			q.Path, q.Message = "set", p.Path+": "+p.Message
		} else {
			q = placed(q, changes)
		}
		if !slices.Contains(out, q) {
			out = append(out, q)
		}
	}
	return out
}

// SplitSetting takes NODE.key.path apart at the longest name of a node that it begins with. What follows
// "routes", "neigh", "fdb" and "sysctls" is one key, dots and all.
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
