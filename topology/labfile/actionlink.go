package labfile

import (
	"regexp"
	"strings"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
)

var linkAction = actionKind{name: "link", doc: "interfaces unplugged or plugged in; nothing is waited for",
	shape: linkShape,
	read:  func(st *story, v grammar.Value) any { return st.link(v) }}

func linkShape() *grammar.Shape {
	end := &grammar.Shape{Form: grammar.Text, Want: "node:interface or switch:port",
		RE: regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*:[A-Za-z][A-Za-z0-9_.-]*$`)}
	return &grammar.Shape{Form: grammar.Dict, Want: "a map from node:interface to up or down", Min: 1, Name: end,
		Of: grammar.OneOf("up", "down")}
}

// link lays the states of interfaces over what nodes say, as a set would, since they stay: a node that is restarted,
// and the next steps, have them.
func (st *story) link(v grammar.Value) *Link {
	l := &Link{Up: map[topology.End]bool{}}
	r := stepReader{st}
	before := st.lab
	after, lab := r.relaid(v, func(after bodies) map[*nodeDecl]bool {
		laid := map[*nodeDecl]bool{}
		for x := range v.Fields() {
			if s := st.plug(x, after); s != nil {
				laid[s] = true
			}
		}
		return laid
	})
	st.bodies, st.lab = after, lab
	for _, n := range lab.Nodes {
		was := before.Node(n.Name)
		for _, i := range n.Interfaces {
			if was == nil {
				continue
			}
			if o := was.Interface(i.Name); o != nil && o.Up != i.Up {
				l.Up[topology.End{Node: n.Name, Interface: i.Name}] = i.Up
			}
		}
	}
	return l
}

// plug lays the state of one interface over what its node says, and returns the node; nil if there is none of that
// name, which is said.
func (st *story) plug(x grammar.Value, after bodies) *nodeDecl {
	node, name, _ := strings.Cut(x.Name(), ":")
	s, why := st.cables.find(node)
	switch {
	case x.Word() != "up" && x.Word() != "down" || name == "": // its shape is wrong, and that is said
		return nil
	case s == nil:
		x.Key().Errorf("%s", why)
		return nil
	case s.skip:
		return nil
	}
	if n := st.lab.Node(s.full); n != nil && !st.nodesOnly {
		if t, ok := st.lab.Target(x.Name()); !ok || t.Interface == "" {
			var have []string
			for _, i := range n.Interfaces {
				have = append(have, i.Name)
			}
			x.Key().Errorf("%s has no interface %q%s", s.full, name,
				st.doc.NearOrList(name, func() []string { return have }))
			return nil
		}
	}
	keys := []string{"interfaces", name, "up"}
	if s.body != hostBody {
		keys[0] = "ports"
	}
	up := map[string]string{"up": "true", "down": "false"}[x.Word()]
	path := x.Path()
	after.lay(s, st.doc.Elsewhere(up, path).Inside(keys, path), path)
	st.doc.LayPart(x)
	return s
}
