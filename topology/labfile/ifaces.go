package labfile

import (
	"net/netip"
	"slices"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

// ifaces are the interfaces of one lab while it is made, that of the file or of a step, and what each node says in it.
type ifaces struct {
	*cabling
	names  *nameTable
	mtu    int // of the lab
	bodies bodies

	byEnd map[topology.End]*ifaceBuild
	all   []*ifaceBuild // file order
	of    map[*nodeDecl][]*ifaceBuild
	lo    map[*nodeDecl]*ifaceBuild     // "lo" of those that the file gives addresses there; in none of the above
	moved map[topology.End]topology.End // interfaces that their node's virtual switch has taken: where they are now
}

// bodies are what nodes say that steps have changed; all others say what they say in the file.
type bodies map[*nodeDecl]grammar.Value

func (b bodies) of(s *nodeDecl) grammar.Value {
	if v, changed := b[s]; changed {
		return v
	}
	return s.value
}

// unlaid are the bodies as they are spoken of when what changed them is over: by the nodes' paths in the file.
func (b bodies) unlaid() bodies {
	out := make(bodies, len(b))
	for s, v := range b {
		out[s] = v.Under(s.value.Path())
	}
	return out
}

// setMerger says how what a step sets of a node is laid over what it says.
var setMerger = grammar.Merger{Emptied: emptiedMaps(), Dropped: droppedFrom(), List: "interfaces", Short: "ip",
	Twice: shortKeys(), Apart: topology.LoopbackName}

// lay lays what is set of a node over what it says, and lets it be spoken of by another path.
func (b bodies) lay(s *nodeDecl, set grammar.Value, path string) {
	b[s] = setMerger.Merge(b.of(s), set).Under(path)
}

// emptiedMaps are the maps of a node that an empty map in a set empties.
func emptiedMaps() []string { return append(droppedFrom(), "ports") }

// droppedFrom are those of them from which a set takes a single entry away by null.
func droppedFrom() []string {
	return []string{"routes", "ip_rules", "neigh", "sysctls", "fdb", "rules"}
}

// nothingGone reports what a set takes away of a node that it has not.
func (b bodies) nothingGone(s *nodeDecl, set grammar.Value) bool {
	ok := true
	for v, has := range setMerger.Missing(b.of(s), set) {
		near := ""
		if len(has) > 0 {
			near = "; it has " + problem.AndList(problem.ClipList(has))
		}
		v.Key().Errorf("%s has no such entry of its own, so there is nothing to take away%s", s.full, near)
		ok = false
	}
	return ok
}

// shortKeys are the keys of an interface that may be written at its node, if it has no other.
func shortKeys() []string { return []string{"ip", "mac", "effective_mac", "mtu", "promisc"} }

// ifaceBuild is an interface while it is made.
type ifaceBuild struct {
	*topology.Interface
	end    topology.End
	node   *nodeDecl
	key    grammar.Value // where it is said how it is made
	link   *linkEnd      // Veth between nodes
	ports  grammar.Value // of a bridge in a host
	lower  grammar.Value
	above  *ifaceBuild   // what lower names
	tunnel grammar.Value // of a VXLAN
	addrs  []grammar.Value
	has    map[netip.Prefix]bool // Addrs
	entry  grammar.Value         // of "interfaces"

	ownMTU grammar.Value
	ownMAC grammar.Value

	inner         bool      // both ends of the veth are in this node
	movedToSwitch bool      // an uplink that its node's virtual switch has taken: node is the switch
	uplinkOf      *nodeDecl // that switch, or the one that has it as an uplink where it is
	broken        bool      // something is wrong with its values: what depends on them is not said
}

func newIfaces(c *cabling, names *nameTable, mtu int, after bodies) *ifaces {
	return &ifaces{cabling: c, names: names, mtu: mtu, bodies: after, byEnd: map[topology.End]*ifaceBuild{},
		of: map[*nodeDecl][]*ifaceBuild{}, lo: map[*nodeDecl]*ifaceBuild{}, moved: map[topology.End]topology.End{}}
}

// bodyOf is what a node says in this lab.
func (x *ifaces) bodyOf(s *nodeDecl) grammar.Value { return x.bodies.of(s) }

// at is an interface of a node, or nil.
func (x *ifaces) at(s *nodeDecl, name string) *ifaceBuild {
	return x.byEnd[topology.End{Node: s.full, Interface: name}]
}

// add makes an interface, unless one of that name is there already.
func (x *ifaces) add(s *nodeDecl, name string, t topology.LinkType, key grammar.Value) *ifaceBuild {
	if was := x.at(s, name); was != nil {
		key.Errorf("%s is made twice, first in line %d", name, was.Pos.Line)
		return nil
	}
	return x.enter(s, &ifaceBuild{key: key,
		Interface: &topology.Interface{Name: name, Type: t, Pos: key.Pos(), MTU: x.mtu, Up: true}})
}

// addEnd makes the interface of a link's end.
func (x *ifaces) addEnd(s *nodeDecl, e *linkEnd) *ifaceBuild {
	if was := x.at(s, e.iface); was != nil {
		x.refuse(e, "%s is made already, in line %d; no link can end on it", was.end, was.Pos.Line)
		return nil
	}
	m := &ifaceBuild{key: s.value.Key().Under(e.path), link: e,
		Interface: &topology.Interface{Name: e.iface, Type: topology.Veth, Pos: e.pos, MTU: x.mtu, Up: true}}
	if !e.far.bad {
		m.Peer = topology.End{Node: e.far.node.full, Interface: e.far.iface}
	}
	return x.enter(s, m)
}

func (x *ifaces) enter(s *nodeDecl, m *ifaceBuild) *ifaceBuild {
	m.node, m.end = s, topology.End{Node: s.full, Interface: m.Name}
	x.byEnd[m.end] = m
	x.all = append(x.all, m)
	x.of[s] = append(x.of[s], m)
	return m
}

// move gives an interface to a switch that its node holds.
func (x *ifaces) move(m *ifaceBuild, to *nodeDecl) {
	from := m.end
	x.of[m.node] = slices.DeleteFunc(x.of[m.node], func(o *ifaceBuild) bool { return o == m })
	delete(x.byEnd, from)
	m.node, m.end, m.movedToSwitch = to, topology.End{Node: to.full, Interface: m.Name}, true
	x.moved[from], x.byEnd[m.end] = m.end, m
	x.of[to] = append(x.of[to], m)
}

// namesOf are the names of a node's interfaces, when somebody asks.
func (x *ifaces) namesOf(s *nodeDecl) func() []string {
	return func() (out []string) {
		for _, m := range x.of[s] {
			out = append(out, m.Name)
		}
		return out
	}
}

// portsOf are the names of a bridge's ports, when somebody asks.
func (x *ifaces) portsOf(br *ifaceBuild) func() []string {
	return func() (out []string) {
		for _, m := range x.of[br.node] {
			if m.Master == br.Name {
				out = append(out, m.Name)
			}
		}
		return out
	}
}

// bridgeOf is the bridge that an interface is a port of.
func (m *ifaceBuild) bridgeOf() topology.End {
	return topology.End{Node: m.node.full, Interface: m.Master}
}

// machine is the node that a reader takes the interface to be in: of an uplink, the one that holds the switch.
func (m *ifaceBuild) machine() *nodeDecl {
	if m.movedToSwitch {
		return m.node.holder
	}
	return m.node
}
