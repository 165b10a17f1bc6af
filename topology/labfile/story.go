package labfile

import (
	"labctl/topology"
	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

// story is what steps have done so far.
type story struct {
	*site
	base       *labBuild // the file's own nodes
	nodesOnly  bool      // no expectations and no labs of steps are wanted
	bodies     bodies    // of nodes that steps have changed
	lab        *topology.Lab
	nodesValid bool // nothing is wrong with the nodes, so what they lack they lack

	running          map[string]bool // background actions; false: stopped
	spoofs           map[string]bool // those of them that are ARP spoofing
	streams          []string        // all so far
	senders          []string        // these, and what "send" has sent so far
	isStream, isSent map[string]bool

	cells int // that all tables so far are about
	alone int // those that are asked one after the other
	size  int // parts of the file's own lab
}

func newStory(t *site, base *labBuild, nodesOnly bool) *story {
	return &story{site: t, base: base, nodesOnly: nodesOnly, bodies: bodies{}, lab: base.lab,
		nodesValid: !t.doc.Failed(),
		running:    map[string]bool{}, spoofs: map[string]bool{}, isStream: map[string]bool{},
		isSent: map[string]bool{}}
}

// node finds the node that a value names in full; nil if there is none, which is reported.
func (st *story) node(v grammar.Value) *nodeDecl {
	s, why := st.cables.find(v.Word())
	if s == nil {
		v.Errorf("%s", why)
	}
	return s
}

// isNode reports whether a word is the full name of a node.
func (st *story) isNode(word string) bool { return st.cables.named[word] != nil }

// start notes that a background action runs.
func (st *story) start(name string, action grammar.Value) {
	if st.running[name] {
		action.Errorf("%q is running already; give this one another name", name)
	}
	st.running[name] = true
}

// noTarget says that a word is not who an action can be about.
func (st *story) noTarget(v grammar.Value) {
	near := st.doc.Near(v.Word(), func() (known []string) {
		known = st.cables.fullNames()
		for _, e := range st.lab.Names {
			known = append(known, e.Name)
		}
		return known
	})
	v.Errorf("%q is not a node, interface or name%s", problem.Clip(v.Word()), near)
}

// actionKind is one kind of action of a step: all that a file may say of it, and how it is read.
type actionKind struct {
	name  string
	doc   string
	shape func() *grammar.Shape
	read  func(st *story, v grammar.Value) any // what [Action] says
}
