package labfile

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

// interfaceReader makes the interfaces that a node's own keys, and the links that end on it, make.
type interfaceReader struct{ *ifaces }

// valueKeys are the keys that every interface has: at a node that has only one, or in an entry of "interfaces".
func valueKeys(mac string) []grammar.Key {
	return []grammar.Key{
		{Name: "ip", Shape: grammar.Prefixes()},
		{Name: "mac", Shape: grammar.MACOrName(mac)},
		{Name: "effective_mac", Shape: grammar.MACOrName("what the guest's own root has set instead")},
		{Name: "mtu", Shape: mtuShape()},
	}
}

func mtuShape() *grammar.Shape {
	return grammar.NumberOf("an MTU from 68 to 65535", 68, 65535).With("the longest packet, in bytes")
}

func promiscShape() *grammar.Shape { return grammar.YesNo("a sniffer left running") }

// lowerShape is the name of an interface that another one sits on.
func lowerShape(doc string) *grammar.Shape {
	return &grammar.Shape{Form: grammar.Text, Want: "an interface, as eth0 or node:eth0", Doc: doc,
		RE: regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_.-]*:)?[A-Za-z][A-Za-z0-9_.-]*$`)}
}

// interfaceShape is an entry of "interfaces".
func interfaceShape(set bool) *grammar.Shape {
	made := waysOfMaking()
	beside := func(words ...string) []string {
		if set { // it may be in the file already
			return nil
		}
		return words
	}
	bars := func(i int) []string { return made[:i] }
	modes := grammar.OneOf(modeWords()...)
	flags := grammar.OneOf(ipvlanFlags()...).With("which ipvlans of an interface may reach each other")
	keys := []grammar.Key{
		{Name: "bridge", Shape: &grammar.Shape{Form: grammar.List, Want: "a list of ports", Of: grammar.InterfaceName(),
			Max: maxPorts,
			Doc: "a Linux bridge with these ports"}},
		{Name: "veth", Bars: bars(1),
			Shape: grammar.InterfaceName().With("both ends of a veth pair in this node: the " +
				"other one")},
		{Name: "macvlan", Bars: bars(2), Shape: lowerShape("a macvlan on this interface")},
		{Name: "macvtap", Bars: bars(3), Shape: lowerShape("a macvtap on this interface")},
		{Name: "vlan", Bars: bars(4), Needs: beside("id"), Shape: lowerShape("a VLAN interface on this interface")},
		{Name: "ipvlan", Bars: bars(5), Shape: lowerShape("an ipvlan on this interface")},
		{Name: "vxlan", Bars: bars(6), Shape: vxlanShape(set)},
		{Name: "mode", Needs: beside("macvlan", "macvtap", "ipvlan"), Shape: modes},
		{Name: "flags", Needs: beside("ipvlan"), Shape: flags},
		{Name: "sources", Needs: beside("mode"),
			Shape: &grammar.Shape{Form: grammar.List, Want: "a list of MAC addresses",
				Of: grammar.MACOrName("")}},
		{Name: "id", Needs: beside("vlan"), Shape: grammar.VLANID()},
	}
	keys = append(keys, valueKeys("derived when not given")...)
	keys = append(keys, grammar.Key{Name: "up", Shape: grammar.YesNo("administratively up")},
		grammar.Key{Name: "promisc", Shape: promiscShape()})
	keys = append(keys, bridgeKeys(beside("bridge"), set)...)
	return &grammar.Shape{Form: grammar.Either, Want: "addresses or an interface's keys", Any: []*grammar.Shape{
		grammar.Prefix(), {Form: grammar.List, Want: "a list of prefixes", Of: grammar.Prefix()},
		{Form: grammar.Object, Want: "an interface", Keys: keys, Hints: notYetHints(),
			Foreign: foreignAtInterface()}}}
}

// modeWords are the modes of macvlans, and then those of ipvlans.
func modeWords() []string {
	return []string{"bridge", "private", "vepa", "passthru", "source", "l2", "l3", "l3s"}
}

// ipvlanFlags are those of ip-link(8), type ipvlan, of which one is in force.
func ipvlanFlags() []string { return []string{"bridge", "private", "vepa"} }

// waysOfMaking are the keys that say how an interface is made, in the order in which they are looked for.
func waysOfMaking() []string {
	var out []string
	for _, t := range []topology.LinkType{topology.BridgeLink, topology.Veth, topology.Macvlan, topology.Macvtap,
		topology.VLAN, topology.IPVLAN, topology.VXLANLink} {
		out = append(out, string(t))
	}
	return out
}

// read makes the interfaces of a node.
func (r interfaceReader) read(s *nodeDecl) {
	switch s.body {
	case bridgeBody:
		r.bridgeNode(s)
	case switchBody:
		r.switchNode(s)
	default:
		r.host(s)
	}
}

// bridgeNode makes the bridge of a bridge node and its ports.
func (r interfaceReader) bridgeNode(s *nodeDecl) {
	body := r.bodyOf(s)
	br := r.add(s, s.base, topology.BridgeLink, body.Key())
	br.Bridge = bridgeSettings(body)
	r.values(br, body)
	for _, e := range r.ends[s] {
		if e.bad {
			continue
		}
		if m := r.addEnd(s, e); m != nil {
			m.Master = br.Name
			m.Port = newPort()
		}
	}
	r.portSettings(br, body)
}

// switchNode makes the ports of a virtual switch that links end on.
func (r interfaceReader) switchNode(s *nodeDecl) {
	body := r.bodyOf(s)
	for _, e := range r.ends[s] {
		if e.bad {
			continue
		}
		m := r.addEnd(s, e)
		if m == nil {
			continue
		}
		if v := body.Field("mtu"); v.Given() {
			m.MTU, m.ownMTU = v.Int(m.MTU), v
		}
		port := body.Field("ports").Field(m.Name)
		m.Up = port.Field("up").Bool(true)
		portMTU(m, port)
	}
}

// host makes a host's interfaces: first the entries of "interfaces", then what links make besides.
func (r interfaceReader) host(s *nodeDecl) {
	ends := make(map[string]*linkEnd, len(r.ends[s]))
	for _, e := range r.ends[s] {
		if !e.bad {
			ends[e.iface] = e
		}
	}
	list := r.bodyOf(s).Field("interfaces")
	// A typed entry makes its interface wherever it is written; what links and veth pairs make is known before plain
	// entries.
	others := map[string]bool{}
	for v := range list.Fields() {
		if other := v.Field("veth"); other.IsSingle() {
			others[other.Word()] = true
		}
	}
	for v := range list.Fields() {
		r.entry(s, v, ends, others)
	}
	for v := range list.Fields() {
		if other := v.Field("veth"); other.Given() && r.at(s, v.Name()) != nil {
			r.vethOther(s, v, other)
		}
	}
	for _, e := range r.ends[s] {
		if m := r.at(s, e.iface); e.bad || m != nil && m.link == e {
			continue
		}
		r.addEnd(s, e)
	}
}

// entry makes or describes one entry of "interfaces".
func (r interfaceReader) entry(s *nodeDecl, v grammar.Value, ends map[string]*linkEnd, others map[string]bool) {
	name := v.Name()
	if name == topology.LoopbackName {
		r.loopback(s, v)
		return
	}
	if grammar.InterfaceName().Refuses(name) != "" {
		return
	}
	how, by := madeBy(v)
	var m *ifaceBuild
	switch {
	case by.Given():
		if m = r.add(s, name, how, v.Key()); m == nil {
			return
		}
		m.entry = v
		r.typed(m, v, by)
	case ends[name] != nil:
		if m = r.addEnd(s, ends[name]); m == nil {
			return
		}
		m.Pos, m.key = v.Key().Pos(), v.Key()
	case others[name]:
		if m = r.add(s, name, topology.Veth, v.Key()); m == nil {
			return
		}
	default:
		if !saidOtherwise(v) {
			v.Key().Errorf("nothing makes %s: no link ends on it, and it has none of %s", name,
				strings.Join(waysOfMaking(), ", "))
		}
		return
	}
	r.values(m, v)
	for _, key := range []string{"mac", "effective_mac"} {
		if m.Type == topology.IPVLAN && v.Has(key) {
			v.Field(key).Key().Errorf("an ipvlan has the address of what it sits on; leave it out")
		}
	}
}

// typed reads the keys of an interface that is made in the node.
func (r interfaceReader) typed(m *ifaceBuild, v, by grammar.Value) {
	switch m.Type {
	case topology.BridgeLink:
		m.Bridge = bridgeSettings(v)
		m.ports = by
	case topology.Macvlan, topology.Macvtap:
		m.lower = by
		m.Mode = modeOf(v, "bridge", "bridge", "private", "vepa", "passthru", "source")
		sources := v.Field("sources")
		for _, a := range sources.Items() {
			if mac := r.names.mac(a); !mac.IsZero() {
				m.Sources = append(m.Sources, mac)
			}
		}
		if sources.Given() && m.Mode != "source" && v.Has("mode") {
			sources.Key().Errorf("belongs beside mode: source")
		}
	case topology.VLAN:
		m.lower = by
		m.VLANID = v.Field("id").Int(0)
	case topology.IPVLAN:
		m.lower = by
		m.Mode, m.Flags = modeOf(v, "l2", "l2", "l3", "l3s"), v.Field("flags").Text("bridge")
	case topology.VXLANLink:
		m.lower = by.Field("dev")
		m.VXLAN, m.tunnel = readVXLAN(by), by
	case topology.Veth:
		m.inner = true
	}
}

// modeOf reads "mode", of which each type of interface has its own.
func modeOf(v grammar.Value, usual string, words ...string) string {
	mode := v.Field("mode")
	if m := mode.Text(usual); slices.Contains(words, m) {
		return m
	} else if grammar.OneOf(modeWords()...).Refuses(m) == "" {
		how, _ := madeBy(v)
		mode.Errorf("%s has no mode %q; want %s", how, m, problem.OrList(words))
	}
	return usual
}

// vethOther makes the other end of a veth pair inside the node, if it has no entry of its own.
func (r interfaceReader) vethOther(s *nodeDecl, v, other grammar.Value) {
	m := r.at(s, v.Name())
	if !other.IsSingle() || m.Type != topology.Veth || grammar.InterfaceName().Refuses(other.Word()) != "" {
		return
	}
	o := r.at(s, other.Word())
	switch {
	case other.Word() == v.Name():
		other.Errorf("a veth pair has two ends; name the other one")
		return
	case o == nil:
		if o = r.add(s, other.Word(), topology.Veth, other); o == nil {
			return
		}
	case o.inner && o.Peer.Node != "" || o.Peer.Node != "" && o.link == nil:
		other.Errorf("%s is the other end of %s already; a veth pair is written on one of its ends", o.Name,
			o.Peer.Interface)
		return
	case o.link != nil || o.Type != topology.Veth || o.inner:
		other.Errorf("%s is made already, in line %d; the other end of a veth pair is made by the pair alone", o.Name,
			o.Pos.Line)
		return
	}
	o.inner = true
	m.Peer, o.Peer = o.end, m.end
}

// values reads the keys that every interface has. An entry may be nothing but its addresses.
func (r interfaceReader) values(m *ifaceBuild, v grammar.Value) {
	if !v.IsMap() {
		readIP(m, v, problem.PathKey(v.Path(), "ip"))
		return
	}
	if ip := v.Field("ip"); ip.Given() {
		readIP(m, ip, ip.Path())
	}
	if mac := v.Field("mac"); mac.Given() {
		m.MAC, m.ownMAC = r.names.mac(mac), mac
	}
	if mac := v.Field("effective_mac"); mac.Given() {
		m.EffectiveMAC = r.names.mac(mac)
	}
	if mtu := v.Field("mtu"); mtu.Given() {
		m.MTU, m.ownMTU = mtu.Int(m.MTU), mtu
	}
	if up := v.Field("up"); up.Given() {
		m.Up = up.Bool(true)
	}
	if promisc := v.Field("promisc"); promisc.Given() {
		m.Promisc = promisc.Bool(false)
	}
}

// readIP adds addresses, which are then spoken of by a path.
func readIP(m *ifaceBuild, v grammar.Value, path string) {
	for a := range v.OneOrMore() {
		p, err := netip.ParsePrefix(a.Word())
		if err != nil || grammar.PrefixText(a.Word()) != "" {
			m.broken = true
			continue
		}
		if m.has[p] {
			a.Errorf("%s appears here twice", p)
		}
		if m.has == nil {
			m.has = map[netip.Prefix]bool{}
		}
		m.has[p] = true
		m.Addrs = append(m.Addrs, p)
		m.addrs = append(m.addrs, a.Under(path))
	}
}
