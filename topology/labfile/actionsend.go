package labfile

import (
	"encoding/hex"
	"net/netip"
	"regexp"
	"slices"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

var sendAction = actionKind{name: "send", doc: "forged frames", shape: sendShape,
	read: func(st *story, v grammar.Value, a *Action) { a.Send = st.send(v) }}

func sendShape() *grammar.Shape {
	who := func(doc string) *grammar.Shape {
		return &grammar.Shape{Form: grammar.Text, Want: "a MAC address, a node, node:interface, a name or broadcast", Doc: doc,
			RE: regexp.MustCompile(`^([0-9a-f]{2}(:[0-9a-f]{2}){5}|[A-Za-z][A-Za-z0-9_.-]*(:[A-Za-z][A-Za-z0-9_.-]*)?)$`)}
	}
	party := func() *grammar.Shape {
		return &grammar.Shape{Form: grammar.Object, Want: "{ip, mac}", Keys: []grammar.Key{
			{Name: "ip", Must: true, Shape: grammar.Address()}, {Name: "mac", Shape: who("")}}}
	}
	number := grammar.NumberOf("an EtherType or a length, as 0x88cc", 0, 65535)
	number.Hex = true
	payload := &grammar.Shape{Form: grammar.Text, Want: "hex digits in pairs, in quotes", Max: 18000, RE: regexp.MustCompile(`^([0-9a-fA-F]{2})*$`)}
	return &grammar.Shape{Form: grammar.Object, Want: "{from, dst, src, type, payload, icmp, arp, vlan, count, every, name}", Keys: []grammar.Key{
		{Name: "from", Must: true, Shape: grammar.AnyText("a node or node:interface")},
		{Name: "dst", Must: true, Shape: who("")}, {Name: "src", Shape: who("the interface's own if not given")},
		{Name: "type", Bars: []string{"icmp", "arp"}, Shape: number}, {Name: "payload", Needs: []string{"type"}, Shape: payload},
		{Name: "icmp", Bars: []string{"arp"}, Shape: &grammar.Shape{Form: grammar.Object, Want: "{from, to}", Doc: "an echo request", Keys: []grammar.Key{
			{Name: "from", Must: true, Shape: grammar.Address()}, {Name: "to", Must: true, Shape: grammar.Address()}}}},
		{Name: "arp", Shape: &grammar.Shape{Form: grammar.Object, Want: "{op, sender, target}", Keys: []grammar.Key{
			{Name: "op", Must: true, Shape: grammar.OneOf("request", "reply")},
			{Name: "sender", Must: true, Shape: party()}, {Name: "target", Must: true, Shape: party()}}}},
		{Name: "vlan", Shape: grammar.VLANID()},
		{Name: "count", Shape: grammar.NumberOf("a number of frames from 1 to 100000", 1, 100000)},
		{Name: "every", Shape: grammar.Duration("between two frames; without count until stopped")},
		{Name: "name", Shape: actionName()}}}
}

// send reads forged frames.
func (st *story) send(v grammar.Value) *topology.Send {
	every := v.Field("every")
	s := &topology.Send{Name: v.Field("name").Text("send"), VLAN: v.Field("vlan").Int(0), Count: v.Field("count").Int(1),
		Every: every.Duration(0)}
	s.Endless = s.Every > 0 && !v.Has("count")
	s.From = st.nic(v.Field("from"))
	s.Src = topology.Station{Node: s.From.Node, Interface: s.From.Interface}
	if src := v.Field("src"); src.Given() {
		s.Src = st.station(src)
	}
	s.Dst = st.station(v.Field("dst"))
	icmp, arp := v.Field("icmp"), v.Field("arp")
	switch {
	case icmp.Given():
		s.Echo = &topology.Echo{From: readAddr(icmp.Field("from")), To: readAddr(icmp.Field("to"))}
		if s.Echo.From.Is4() != s.Echo.To.Is4() && s.Echo.From.IsValid() && s.Echo.To.IsValid() {
			icmp.Errorf("%s and %s are not of one family", s.Echo.From, s.Echo.To)
		}
	case arp.Given():
		s.ARP = st.arp(arp, s)
	case !v.Has("type") && v.IsMap():
		v.Errorf(`does not say what the frame carries; write "icmp", "arp", or "type" and "payload"`)
	}
	s.Type = uint16(v.Field("type").Hex())
	s.Payload, _ = hex.DecodeString(v.Field("payload").Text(""))
	if every.Given() && s.Every == 0 && !v.Has("count") {
		every.Errorf("0s is not a time between two frames that never end; write \"count\" too")
	}
	if s.Endless {
		st.start(s.Name, v)
	}
	if !st.isSent[s.Name] {
		st.isSent[s.Name] = true
		st.senders = append(st.senders, s.Name)
	}
	return s
}

func readAddr(v grammar.Value) netip.Addr {
	a, _ := netip.ParseAddr(v.Text(""))
	return a
}

func (st *story) arp(v grammar.Value, s *topology.Send) *topology.ARP {
	a := &topology.ARP{Op: 1, SenderMAC: s.Src}
	if v.Field("op").Text("") == "reply" {
		a.Op = 2
	}
	for _, p := range []struct {
		key string
		ip  *netip.Addr
		mac *topology.Station
	}{{"sender", &a.SenderIP, &a.SenderMAC}, {"target", &a.TargetIP, &a.TargetMAC}} {
		ip, mac := v.Field(p.key).Field("ip"), v.Field(p.key).Field("mac")
		*p.ip = readAddr(ip)
		if p.ip.Is6() {
			ip.Errorf("ARP is for IPv4 addresses")
		}
		if mac.Given() {
			*p.mac = st.station(mac)
		}
	}
	return a
}

// nic is the interface that an action sends from: node:interface, a node's only interface, or the only one that a link ends on.
func (st *story) nic(v grammar.Value) topology.Target {
	if v.Text("") == "" {
		return topology.Target{}
	}
	t, ok := st.lab.Target(v.Word())
	switch {
	case !ok:
		st.noStation(v)
		return t
	case t.Node == "":
		v.Errorf("%q is only a name for an address; name a node that sends", v.Word())
		return t
	case t.Interface != "":
		return t
	}
	node := st.lab.Node(t.Node)
	if node.Switch != nil {
		v.Errorf("%s is a virtual switch and sends nothing of its own; name a node that is linked to it", t.Node)
		return t
	}
	linked := slices.DeleteFunc(slices.Clone(node.Interfaces), func(i *topology.Interface) bool {
		return i.Type != topology.Veth || i.Peer.Node == node.Name
	})
	switch {
	case len(node.Interfaces) == 1:
		t.Interface = node.Interfaces[0].Name
	case len(linked) == 1:
		t.Interface = linked[0].Name
	case st.nodesValid:
		v.Errorf("%s has %s interfaces; write %s:INTERFACE", t.Node, problem.Amount(len(node.Interfaces)), t.Node)
	}
	return t
}

// noStation says that a word is not who a frame is from or for, unless it is a node with which something else is wrong.
func (st *story) noStation(v grammar.Value) {
	if st.nodesValid || !st.isNode(v.Word()) {
		st.noTarget(v)
	}
}

// station is who a frame is from or for.
func (st *story) station(v grammar.Value) topology.Station {
	if v.Text("") == "" {
		return topology.Station{}
	}
	if v.Word() == "broadcast" {
		return topology.Station{MAC: switchcore.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}
	}
	if m, err := switchcore.ParseMAC(v.Word()); err == nil {
		return topology.Station{MAC: m}
	}
	t, ok := st.lab.Target(v.Word())
	if !ok {
		st.noStation(v)
		return topology.Station{}
	}
	if t.Name != "" {
		e := st.names.by[t.Name]
		if e.MAC.IsZero() {
			v.Errorf("%q has no \"mac\" under \"names\"", t.Name)
		}
		return topology.Station{MAC: e.MAC}
	}
	s := topology.Station{Node: t.Node, Interface: t.Interface}
	node := st.lab.Node(t.Node)
	if s.Interface != "" || len(node.Interfaces) == 1 {
		return s
	}
	for _, i := range node.Interfaces { // whose address the node is reached at
		if slices.ContainsFunc(i.Addrs, func(p netip.Prefix) bool { return p.Addr() == t.IP || !t.IP.IsValid() && p.Addr() == t.IP6 }) {
			s.Interface = i.Name
			return s
		}
	}
	if st.nodesValid {
		v.Errorf("%s has %s interfaces and no address; write %s:INTERFACE", t.Node, problem.Amount(len(node.Interfaces)), t.Node)
	}
	return s
}
