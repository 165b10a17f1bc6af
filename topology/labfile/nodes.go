package labfile

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

// maxNodeName is the longest full name of a node, in bytes: it keeps the namespace's file name below NAME_MAX.
const maxNodeName = 63

// maxNodes is how many nodes a file may have, nested ones too.
const maxNodes = 10000

// nodeKind is one kind of node: what a file may say of it, and what is in its namespace.
type nodeKind struct {
	name topology.Kind
	body nodeBody
	doc  string
	file *grammar.Shape // in "nodes"
	set  *grammar.Shape // in a step's "set" and in "cases"
}

// nodeBody is what the ends of links on a node become.
type nodeBody int

const (
	hostBody   nodeBody = iota // interfaces, beside those that its own keys make
	bridgeBody                 // ports of the one bridge that the node is
	switchBody                 // ports of labctl's own switch
)

// tree is the nodes of a file: who is in whom, and who is called what. It is the same for the file and for every step.
type tree struct {
	doc   *grammar.Document
	kinds []nodeKind

	top   *nodeDecl   // the lab itself, as the holder of the outermost nodes; it has no name
	all   []*nodeDecl // file order
	named map[string]*nodeDecl
}

// nodeDecl is a node as the file declares it.
type nodeDecl struct {
	full, base string
	value      grammar.Value // its keys in the file
	kind       *nodeKind
	body       nodeBody
	skip       bool // of an unknown kind: nothing is said about what uses it
	holder     *nodeDecl
	children   map[string]*nodeDecl
	inner      []*nodeDecl // file order
	badIP      *bool       // see networks.mayHaveMore
}

// is reports whether the node is of a kind that there is.
func (s *nodeDecl) is(k topology.Kind) bool { return s.kind != nil && s.kind.name == k }

// nodesShape is a map of nodes. Each is checked when its kind is known.
func nodesShape() *grammar.Shape {
	return &grammar.Shape{Form: grammar.Dict, Want: "a map from names to nodes", Def: "nodes", Later: true,
		Name: grammar.Named("a node", grammar.PlainName, topology.MaxInterface, grammar.Reserved())}
}

// newTree reads the nodes of a file.
func newTree(doc *grammar.Document, root grammar.Value, kinds []nodeKind) *tree {
	t := &tree{doc: doc, kinds: kinds, top: &nodeDecl{children: map[string]*nodeDecl{}, value: root},
		named: map[string]*nodeDecl{}}
	t.read(t.top, root.Field("nodes"))
	return t
}

// read makes the nodes of one "nodes" map.
func (t *tree) read(holder *nodeDecl, nodes grammar.Value) {
	if !nodes.Given() {
		return
	}
	if !nodes.IsMap() {
		nodes.Errorf("%s", nodesInstead(nodes))
		return
	}
	if holder == t.top && nodes.Len() == 0 {
		nodes.Errorf("is empty; a lab has at least one node")
	}
	shape, parents := nodesShape(), t.outdented(nodes)
	emptied := slices.Collect(maps.Values(parents))
	for v := range nodes.Fields() {
		if parent := parents[v.Name()]; parent != "" {
			v.Key().Errorf("belongs below %s: indent it", parent)
			continue
		}
		if why := shape.Name.Refuses(v.Name()); why != "" {
			space := grammar.SpaceMissing(v)
			if v.Key().Errorf("%s", cmp.Or(space, why)); space == "" {
				t.misnamed(holder, v)
			}
			continue
		}
		s := &nodeDecl{full: problem.PathKey(holder.full, v.Name()), base: v.Name(), value: v, holder: holder,
			children: map[string]*nodeDecl{}}
		for h := holder; h != t.top; h = h.holder {
			if h.base == s.base {
				v.Key().Errorf("a node that contains it is called %q too; give it another name", s.base)
				break
			}
		}
		if len(s.full) > maxNodeName {
			v.Key().Errorf("%q (%d bytes) is longer than a full name may be (%d)", s.full, len(s.full), maxNodeName)
		}
		holder.children[s.base] = s
		holder.inner = append(holder.inner, s)
		t.named[s.full] = s
		if t.all = append(t.all, s); len(t.all) > maxNodes {
			v.Key().Errorf("the lab has more than %s; leave some out", problem.Count(maxNodes, "node"))
			t.doc.Stop()
		}
		t.kindOf(s)
		switch {
		case s.skip || slices.Contains(emptied, v.Name()):
		case s.kind.name == topology.Host && hostElsewhere(v.Field("kind").Word()): // which has been said
			s.kind.file.Check(v.Without("kind"))
		case t.namesGateway(v):
			s.kind.file.Check(v.Without("routes"))
		default:
			s.kind.file.Check(v)
		}
		t.read(s, v.Field("nodes"))
	}
}

// misnamed puts a node of a refused name into the tree, so that what names it is not wrong as well.
func (t *tree) misnamed(holder *nodeDecl, v grammar.Value) {
	s := &nodeDecl{full: problem.PathKey(holder.full, v.Name()), base: v.Name(), value: v, holder: holder,
		children: map[string]*nodeDecl{}, skip: true}
	holder.children[s.base] = s
	holder.inner = append(holder.inner, s)
	t.named[s.full] = s
	t.all = append(t.all, s)
}

// kindOf reads a node's kind. A node of an unknown kind is in the tree, so that what names it is not wrong as well.
func (t *tree) kindOf(s *nodeDecl) {
	word, v := string(topology.Host), s.value.Field("kind")
	if v.IsSingle() {
		word = v.Word()
	}
	var words []string
	for i := range t.kinds {
		k := &t.kinds[i]
		words = append(words, string(k.name))
		if word == string(k.name) {
			s.kind, s.body = k, k.body
			return
		}
	}
	near := problem.Suggest(word, words)
	if say, elsewhere := kindElsewhere(word); elsewhere {
		near = "; write " + say
	}
	if s.skip = !hostElsewhere(word); !s.skip {
		s.kind, s.body = &t.kinds[0], t.kinds[0].body // a host, so that its other keys are checked as well
		near = `; write "kind: host", or leave it out`
	}
	v.Errorf("%q is not a kind of node; want %s%s", problem.Clip(word), problem.OrList(words), near)
}

// kindElsewhere says how a kind of switch is written that has its own word in other programs, or that is a profile
// here.
func kindElsewhere(word string) (string, bool) {
	word = strings.ToLower(word)
	profile := map[string]string{"dvs": "distributed", "vds": "distributed", "dvswitch": "distributed",
		"vss":  "standard",
		"nvds": "nsx", "n-vds": "nsx"}[word]
	if profile == "" && slices.Contains(topology.ProfileNames(), word) {
		profile = word
	}
	switch {
	case profile != "":
		return "kind: vswitch and profile: " + profile, true
	case slices.Contains([]string{"ovs", "ovs-bridge", "lxbr", "linuxbridge", "linux-bridge", "hub"}, word):
		return "kind: bridge for a Linux bridge, or kind: vswitch and profile: learning for labctl's own switch", true
	case word == "switch", word == "ethernet_switch":
		return "kind: vswitch and a profile (standard, distributed, nsx, learning), or kind: bridge for a Linux bridge",
			true
	}
	return "", false
}

// hostElsewhere reports whether other programs have the word for what is a host here.
func hostElsewhere(word string) bool {
	return slices.Contains([]string{"linux", "container", "docker", "pc", "vpcs", "vm", "qemu", "node", "machine",
		"server", "client", "computer", "namespace", "netns", "guest"}, strings.ToLower(word))
}

// lookup finds a node by a name that is written in the links or interfaces of from, from the inside out. The text says
// what is wrong when there is none.
func (t *tree) lookup(from *nodeDecl, name string) (*nodeDecl, string) {
	first, rest, dotted := strings.Cut(name, ".")
	for h := from; h != nil; h = h.holder {
		if s := h.children[name]; s != nil { // whose name may have a dot and be refused
			return s, ""
		}
		s := h.children[first]
		if s == nil {
			continue
		}
		for dotted {
			first, rest, dotted = strings.Cut(rest, ".")
			next := s.children[first]
			if next == nil {
				near := t.doc.Near(first, func() []string { return baseNames(s.inner) })
				return nil, s.full + " holds no node \"" + first + "\"" + near
			}
			s = next
		}
		return s, ""
	}
	known := func() (out []string) {
		for h := from; h != nil; h = h.holder {
			out = append(out, baseNames(h.inner)...)
		}
		return out
	}
	return nil, "no node \"" + problem.Clip(name) + "\" here or further out" + t.doc.Near(name, known)
}

func baseNames(nodes []*nodeDecl) []string {
	out := make([]string, 0, len(nodes))
	for _, s := range nodes {
		out = append(out, s.base)
	}
	return out
}

// fullNames are the full names of all nodes.
func (t *tree) fullNames() []string {
	out := make([]string, 0, len(t.all))
	for _, s := range t.all {
		out = append(out, s.full)
	}
	return out
}

// find finds a node by its full name, as steps and tables write it.
func (t *tree) find(name string) (*nodeDecl, string) {
	if s := t.named[name]; s != nil {
		return s, ""
	}
	return nil, "no node \"" + problem.Clip(name) + "\"" + t.doc.Near(name, t.fullNames)
}
