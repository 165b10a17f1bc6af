package labfile

import (
	"fmt"
	"net/netip"

	"go.yaml.in/yaml/v4"

	"labctl/topology"
	"labctl/topology/problem"
)

// build makes nodes from their bodies: those of the file, or those of a step.
type build struct {
	*loader
	body map[*site]*yaml.Node // instead of the file's
	path func(*site) string   // where a node's keys stand
	lab  *topology.Lab
	made map[topology.End]*made
	all  []*made // file order
	of   map[*site][]*made
	node map[*site]*topology.Node

	askedOfAll []asked // of the top; see askedOf

	nets    map[*site]*reach
	badEnds map[topology.End]bool

	alias    map[topology.End]topology.End // interfaces that their node's virtual switch has taken: where they are now
	borrowed map[*site][]*borrowed

	givenAt map[string]problem.Pos // see File.GivenAt
}

// made is an interface while it is being made.
type made struct {
	*topology.Interface
	end      topology.End
	site     *site
	key      *yaml.Node // where it is said how it is made
	path     string
	link     *end // Veth between nodes
	ports    []*yaml.Node
	lower    *yaml.Node
	above    *made // what Lower names
	addrs    []*yaml.Node
	has      map[netip.Prefix]bool // Addrs
	body     *yaml.Node            // of an entry of "interfaces"
	ownMTU   *yaml.Node
	mtuPath  string // where ownMTU stands
	ownMAC   *yaml.Node
	inner    bool  // both ends of the veth are in this node
	taken    bool  // an uplink that its node's virtual switch has taken: site is the switch
	uplinkOf *site // that switch, or the one that has it as an uplink where it is
	broken   bool  // something is wrong with its values: what depends on them is not said
}

// newBuild makes all nodes. Everything that is wrong is reported.
func (l *loader) newBuild(body map[*site]*yaml.Node, path func(*site) string) *build {
	b := &build{loader: l, body: body, path: path, made: map[topology.End]*made{}, of: map[*site][]*made{}, node: map[*site]*topology.Node{},
		alias: map[topology.End]topology.End{}, borrowed: map[*site][]*borrowed{},
		lab: &topology.Lab{Name: stringOf(field(l.root, "lab"), ""),
			KernelTimers: field(l.root, "timers") != nil, Names: l.ended}}
	for _, n := range items(field(l.root, "needs")) {
		b.lab.Needs = append(b.lab.Needs, n.Value)
	}
	for _, s := range l.sites {
		if s.skip {
			continue
		}
		n := &topology.Node{Name: s.full, Kind: s.kind, Pos: l.at(s.key)}
		b.node[s] = n
		b.lab.Nodes = append(b.lab.Nodes, n)
		b.interfaces(s)
	}
	b.uplinks()
	b.shortForms()
	b.stack()
	b.masters()
	b.onlySwitches()
	b.loops()
	b.sizes()
	for _, s := range l.sites {
		if n := b.node[s]; n != nil {
			b.order(s, n)
			b.ipv6(s, n)
			b.routes(s, n)
			b.neighbours(s, n)
			b.sysctls(s, n)
			b.run(s, n)
		}
	}
	b.addresses()
	b.staticEntries()
	for _, s := range l.sites {
		if n := b.node[s]; n != nil && s.kind == topology.VSwitch {
			b.virtualSwitch(s, n)
		}
	}
	for _, s := range l.sites {
		if n := b.node[s]; n != nil {
			b.rules(s, n)
		}
	}
	b.lab.Index(l.names, b.alias)
	return b
}

// interfaces makes what a node's own body, and the links that end on it, make.
func (b *build) interfaces(s *site) {
	switch s.kind {
	case topology.Bridge:
		b.bridgeNode(s)
	case topology.VSwitch:
		b.switchNode(s)
	default:
		b.host(s)
	}
}

func (b *build) bodyOf(s *site) *yaml.Node {
	if n := b.body[s]; n != nil {
		return n
	}
	return s.body
}

func (b *build) key(s *site, key string) *yaml.Node { return field(b.bodyOf(s), key) }

// iface makes an interface, unless one of that name is there already.
func (b *build) iface(s *site, name string, t topology.LinkType, key *yaml.Node, path string) *made {
	e := topology.End{Node: s.full, Interface: name}
	if was := b.made[e]; was != nil {
		b.errorf(key, path, "%s is made twice, first in line %d", name, was.Pos.Line)
		return nil
	}
	m := &made{end: e, site: s, key: key, path: path, Interface: &topology.Interface{Name: name, Type: t, Pos: b.at(key), MTU: b.labMTU, Up: true}}
	b.made[e] = m
	b.all = append(b.all, m)
	b.of[s] = append(b.of[s], m)
	return m
}

// linkEnd makes the interface of a link's end.
func (b *build) linkEnd(s *site, e *end) *made {
	en := topology.End{Node: s.full, Interface: e.iface}
	if was := b.made[en]; was != nil {
		b.Add(e.pos, e.width, e.path, fmt.Sprintf("%s is made already, in line %d; no link can end on it", en, was.Pos.Line), false)
		return nil
	}
	m := &made{end: en, site: s, path: e.path, link: e, Interface: &topology.Interface{Name: e.iface, Type: topology.Veth, Pos: e.pos, MTU: b.labMTU, Up: true}}
	if !e.far.bad {
		m.Peer = topology.End{Node: e.far.site.full, Interface: e.far.iface}
	}
	m.key = s.key
	b.made[en] = m
	b.all = append(b.all, m)
	b.of[s] = append(b.of[s], m)
	return m
}

// bridgeNode makes the bridge of a bridge node and its ports.
func (b *build) bridgeNode(s *site) {
	body := b.bodyOf(s)
	br := b.iface(s, s.base, topology.BridgeLink, s.key, b.path(s))
	br.Bridge = b.bridgeSettings(body)
	b.values(br, body, b.path(s))
	for _, e := range b.ends[s] {
		if e.bad {
			continue
		}
		if m := b.linkEnd(s, e); m != nil {
			m.Master = br.Name
			m.Port = newPort()
		}
	}
	b.portSettings(s, br, body, b.path(s))
}

// host makes a host's interfaces: first the entries of "interfaces", then what links make besides.
func (b *build) host(s *site) {
	ends := make(map[string]*end, len(b.ends[s]))
	for _, e := range b.ends[s] {
		if !e.bad {
			ends[e.iface] = e
		}
	}
	list := field(b.bodyOf(s), "interfaces")
	at := problem.PathKey(b.path(s), "interfaces")
	// A typed entry makes its interface wherever it stands; what links and veth pairs make is known before plain entries.
	others := map[string]*yaml.Node{}
	for k, v := range entries(list) {
		if other := field(v, "veth"); other != nil && other.Kind == yaml.ScalarNode {
			others[other.Value] = k
		}
	}
	for k, v := range entries(list) {
		b.entry(s, k, v, problem.PathKey(at, k.Value), ends, others)
	}
	for k, v := range entries(list) {
		if other := field(v, "veth"); other != nil && b.made[topology.End{Node: s.full, Interface: k.Value}] != nil {
			b.vethOther(s, k, other, problem.PathKey(at, k.Value))
		}
	}
	for _, e := range b.ends[s] {
		if e.bad || b.made[topology.End{Node: s.full, Interface: e.iface}] != nil && b.made[topology.End{Node: s.full, Interface: e.iface}].link == e {
			continue
		}
		b.linkEnd(s, e)
	}
}

// entry makes or describes one entry of "interfaces".
func (b *build) entry(s *site, k, v *yaml.Node, path string, ends map[string]*end, others map[string]*yaml.Node) {
	if interfaceName().textOK(k.Value) != "" {
		return
	}
	how, by := madeBy(v)
	var m *made
	switch {
	case by != nil:
		if m = b.iface(s, k.Value, how, k, path); m == nil {
			return
		}
		m.body = v
		b.typed(m, v, by, path)
	case ends[k.Value] != nil:
		if m = b.linkEnd(s, ends[k.Value]); m == nil {
			return
		}
		m.Pos, m.key, m.path = b.at(k), k, path
	case others[k.Value] != nil:
		if m = b.iface(s, k.Value, topology.Veth, k, path); m == nil {
			return
		}
	default:
		b.errorf(k, path, "nothing makes %s: no link ends on it, and it has none of bridge, veth, macvlan, macvtap, vlan", k.Value)
		return
	}
	b.values(m, v, path)
}

// typed reads the keys of an interface that is made in the node.
func (b *build) typed(m *made, v, by *yaml.Node, path string) {
	switch m.Type {
	case topology.BridgeLink:
		m.Bridge = b.bridgeSettings(v)
		m.ports = items(by)
	case topology.Macvlan, topology.Macvtap:
		m.lower = by
		m.Mode = stringOf(field(v, "mode"), "bridge")
		for i, n := range items(field(v, "sources")) {
			if a := b.mac(n, problem.PathIndex(problem.PathKey(path, "sources"), i)); !a.IsZero() {
				m.Sources = append(m.Sources, a)
			}
		}
		if k, n := entry(v, "sources"); n != nil && m.Mode != "source" && field(v, "mode") != nil {
			b.errorf(k, problem.PathKey(path, "sources"), "belongs beside mode: source")
		}
	case topology.VLAN:
		m.lower = by
		m.VLANID = intOf(field(v, "id"), 0)
	case topology.Veth:
		m.inner = true
	}
}

// vethOther makes the other end of a veth pair inside the node, if it has no entry of its own.
func (b *build) vethOther(s *site, k, other *yaml.Node, path string) {
	m := b.made[topology.End{Node: s.full, Interface: k.Value}]
	at := problem.PathKey(path, "veth")
	if other.Kind != yaml.ScalarNode || m.Type != topology.Veth || interfaceName().textOK(other.Value) != "" {
		return
	}
	o := b.made[topology.End{Node: s.full, Interface: other.Value}]
	switch {
	case other.Value == k.Value:
		b.errorf(other, at, "a veth pair has two ends; name the other one")
		return
	case o == nil:
		if o = b.iface(s, other.Value, topology.Veth, other, at); o == nil {
			return
		}
	case o.inner && o.Peer.Node != "" || o.Peer.Node != "" && o.link == nil:
		b.errorf(other, at, "%s is the other end of %s already; a veth pair is written on one of its ends", o.Name, o.Peer.Interface)
		return
	case o.link != nil || o.Type != topology.Veth || o.inner:
		b.errorf(other, at, "%s is made already, in line %d; the other end of a veth pair is made by the pair alone", o.Name, o.Pos.Line)
		return
	}
	o.inner = true
	m.Peer, o.Peer = o.end, m.end
}
