package labfile

import (
	"slices"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

// uplinks are the interfaces that virtual switches use of the nodes that hold them.
type uplinks struct {
	*ifaces
	held map[*nodeDecl][]*holderUplink // by the switch
}

// holderUplink is an uplink that is an interface of the switch's holder, taken away from it or not.
type holderUplink struct {
	*ifaceBuild
	name   string
	shared bool
	said   grammar.Value // in "uplinks"
}

// uplinksShape is "uplinks" of a virtual switch.
func uplinksShape() *grammar.Shape {
	return &grammar.Shape{Form: grammar.List, Want: "a list of ports", Of: grammar.InterfaceName(),
		Doc: "ports that lead out: link ends, or interfaces of the node that holds the switch"}
}

// isUplink reports whether the switch calls the port an uplink. Steps cannot change which ports are.
func isUplink(s *nodeDecl, port string) bool {
	return slices.Contains(s.value.Field("uplinks").Words(), port)
}

// newUplinks gives each virtual switch the interfaces of its holder that it calls uplinks. A veth end is then made in
// the switch's own namespace and is the switch's alone; everything else, and what is shared, stays with the holder.
func newUplinks(x *ifaces) *uplinks {
	u := &uplinks{ifaces: x, held: map[*nodeDecl][]*holderUplink{}}
	for _, s := range x.tree.all {
		if s.skip || s.body != switchBody {
			continue
		}
		seen := map[string]bool{}
		for _, v := range s.value.Field("uplinks").Items() {
			switch {
			case !v.IsSingle() || grammar.InterfaceName().Refuses(v.Word()) != "":
			case seen[v.Word()]:
				v.Errorf("%s appears here twice", v.Word())
			default:
				u.read(s, v)
			}
			seen[v.Word()] = true
		}
		u.portOrder(s)
	}
	for _, m := range x.all {
		if to, moved := x.moved[m.Peer]; moved {
			m.Peer = to
		}
	}
	return u
}

// read finds the interface that one entry of "uplinks" names.
func (u *uplinks) read(s *nodeDecl, v grammar.Value) {
	name := v.Word()
	if u.at(s, name) != nil || u.badEnd(s, name) || u.badEnd(s, "") {
		u.refuseShared(s, name)
		return
	}
	if s.holder == u.top {
		v.Errorf("no link ends on %s:%s, and no node holds %s whose interface it could be", s.full, name, s.full)
		return
	}
	from := topology.End{Node: s.holder.full, Interface: name}
	if to, gone := u.moved[from]; gone {
		v.Errorf("%s is an uplink of %s already", from, to.Node)
		return
	}
	m := u.byEnd[from]
	if m == nil {
		if s.holder.skip || u.badEnd(s.holder, name) {
			return
		}
		v.Errorf("no link ends on %s:%s, and %s has no interface %q%s", s.full, name, s.holder.full, name,
			u.doc.Near(name, u.namesOf(s.holder)))
		return
	}
	if m.uplinkOf != nil {
		v.Errorf("%s is an uplink of %s already", from, m.uplinkOf.full)
		return
	}
	m.uplinkOf = s
	u.hold(s, m, from, v)
}

// hold notes an uplink that is an interface of the holder, and takes it away from it unless both are to use it.
func (u *uplinks) hold(s *nodeDecl, m *ifaceBuild, from topology.End, v grammar.Value) {
	name := v.Word()
	port := u.portOf(s, name)
	shared := port.Field("shared").Bool(false)
	if m.Type == topology.Veth && !shared {
		u.move(m, s)
		m.Up = m.Up && port.Field("up").Bool(true)
		portMTU(m, port)
	} else if mtu := port.Field("mtu"); mtu.Given() {
		mtu.Key().Errorf("%s stays with %s; write its mtu there", name, s.holder.full)
	}
	in := topology.InletOf(from)
	if shared && (u.at(s.holder, in.Outer) != nil || u.at(s.holder, in.Inner) != nil) {
		v.Errorf("%s shares %s by interfaces that are called %s and %s, and %s has one of that name already",
			s.full, name, in.Outer, in.Inner, from.Node)
	}
	u.held[s] = append(u.held[s], &holderUplink{ifaceBuild: m, name: name, shared: shared, said: v})
}

// portOf is what the switch says of a port.
func (u *uplinks) portOf(s *nodeDecl, name string) grammar.Value {
	return u.bodyOf(s).Field("ports").Field(name)
}

// badEnd reports whether a link was to make that end, and something is wrong with it.
func (u *uplinks) badEnd(s *nodeDecl, name string) bool {
	return slices.ContainsFunc(u.ends[s], func(e *linkEnd) bool { return e.bad && e.iface == name })
}

// refuseShared refuses to share an uplink that nobody but the switch has.
func (u *uplinks) refuseShared(s *nodeDecl, name string) {
	if v := u.portOf(s, name).Field("shared"); v.Word() == "true" {
		v.Key().Errorf("%s is the switch's own; only an interface of the node that holds the switch can be shared "+
			"with it",
			name)
	}
}

// portOrder puts the uplinks first, as they are in "uplinks", and leaves the order of the links to the others.
func (u *uplinks) portOrder(s *nodeDecl) {
	rank := map[string]int{}
	words := s.value.Field("uplinks").Words()
	for i, w := range words {
		rank[w] = i - len(words)
	}
	slices.SortStableFunc(u.of[s], func(x, y *ifaceBuild) int { return rank[x.Name] - rank[y.Name] })
}

// check refuses what an uplink that belongs to a switch alone cannot have.
func (u *uplinks) check() {
	for _, s := range u.tree.all {
		for _, h := range u.held[s] {
			if h.shared {
				if h.Master != "" {
					h.said.Errorf("%s is a port of %s; a switch that is to share it takes %s as its uplink", h.Name,
						h.Master,
						h.Master)
				}
				continue
			}
			switch {
			case len(h.addrs) > 0 && h.movedToSwitch:
				h.addrs[0].Errorf("%s is an uplink of %s and belongs to it alone; an address cannot be on it", h.Name,
					s.full)
			case len(h.addrs) > 0:
				h.addrs[0].Errorf("%s is an uplink of %s and belongs to it alone; if %s is to go on using it, "+
					"write \"ports: {%s: {shared: true}}\" at %s", h.Name, s.full, h.node.full, h.Name, s.base)
			}
			if len(h.joins) > 0 {
				h.joins[0].Errorf("%s is an uplink of %s, and what comes there is the switch's; it cannot join a group",
					h.Name, s.full)
			}
			if h.Master != "" {
				h.said.Errorf("%s is a port of %s and cannot be an uplink of %s too", h.Name, h.Master, s.full)
			}
		}
	}
}

// shortForms applies what is written at hosts that have one interface, once it is known which interfaces are left to
// them.
func (u *uplinks) shortForms(r interfaceReader) {
	for _, s := range u.tree.all {
		if !s.skip && s.body == hostBody {
			u.shortForm(s, r)
		}
	}
}

// shortForm applies what is written at the node to its only interface.
func (u *uplinks) shortForm(s *nodeDecl, r interfaceReader) {
	body := u.bodyOf(s)
	list := body.Field("interfaces")
	for _, name := range shortKeys() {
		v := body.Field(name)
		if !v.Given() {
			continue
		}
		have := u.of[s]
		if len(have) == 0 { // its only interface may be its switch's by now
			for _, x := range s.inner {
				for _, h := range u.held[x] {
					have = append(have, h.ifaceBuild)
				}
			}
		}
		if len(have) != 1 {
			u.refuseShort(s, v, have)
			continue
		}
		inner := list.Field(have[0].Name)
		if inner.Has(name) || name == "ip" && inner.Given() && !inner.IsMap() {
			v.Key().Errorf("is also given under interfaces.%s; write it once", have[0].Name)
			continue
		}
		r.values(have[0], body.Only(name))
	}
}

// refuseShort says why a value at a node has no interface that it could be of.
func (u *uplinks) refuseShort(s *nodeDecl, v grammar.Value, have []*ifaceBuild) {
	if len(have) == 0 {
		if len(u.ends[s]) == 0 && !u.lost && (len(u.links) > 0 || !u.doc.Failed()) {
			v.Key().Errorf("%s has no interface; link it to something", s.full)
		}
		return
	}
	var names []string
	for _, m := range have {
		names = append(names, m.Name)
	}
	v.Key().Errorf("%s has %s interfaces, %s: write %q under one of them in \"interfaces\"", s.full,
		problem.Amount(len(have)), problem.AndList(problem.ClipList(names)), v.Name())
}
