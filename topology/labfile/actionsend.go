package labfile

import (
	"encoding/hex"
	"errors"
	"net/netip"
	"regexp"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
)

var sendAction = actionKind{name: "send", doc: "forged frames", shape: sendShape,
	read: func(st *story, v grammar.Value) any { return st.send(v) }}

func sendShape() *grammar.Shape {
	who := func(doc string) *grammar.Shape {
		return &grammar.Shape{Form: grammar.Text, Want: "a MAC address, a node, node:interface, a name or broadcast",
			Doc: doc,
			RE: regexp.MustCompile(
				`^([0-9a-f]{2}(:[0-9a-f]{2}){5}|[A-Za-z][A-Za-z0-9_.-]*(:[A-Za-z][A-Za-z0-9_.-]*)?)$`)}
	}
	party := func() *grammar.Shape {
		return &grammar.Shape{Form: grammar.Object, Want: "{ip, mac}", Keys: []grammar.Key{
			{Name: "ip", Must: true, Shape: grammar.Address()}, {Name: "mac", Shape: who("")}}}
	}
	number := grammar.NumberOf("an EtherType or a length, as 0x88cc", 0, 65535)
	number.Hex = true
	payload := &grammar.Shape{Form: grammar.Text, Want: "hex digits in pairs, in quotes", Max: 18000,
		RE: regexp.MustCompile(`^([0-9a-fA-F]{2})*$`)}
	return &grammar.Shape{Form: grammar.Object,
		Want: "{from, dst, src, type, payload, icmp, arp, vlan, count, every, name}", Keys: []grammar.Key{
			{Name: "from", Must: true, Shape: grammar.AnyText("a node or node:interface")},
			{Name: "dst", Must: true, Shape: who("")}, {Name: "src", Shape: who("the interface's own if not given")},
			{Name: "type", Bars: []string{"icmp", "arp"}, Shape: number},
			{Name: "payload", Needs: []string{"type"}, Shape: payload},
			{Name: "icmp", Bars: []string{"arp"}, Shape: &grammar.Shape{Form: grammar.Object, Want: "{from, to}",
				Doc: "an echo request", Keys: []grammar.Key{
					{Name: "from", Must: true, Shape: grammar.Address()},
					{Name: "to", Must: true, Shape: grammar.Address()}}}},
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
	s := &topology.Send{Name: v.Field("name").Text("send"), VLAN: v.Field("vlan").Int(0),
		Count: v.Field("count").Int(1),
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

// nic is the interface that an action sends from.
func (st *story) nic(v grammar.Value) topology.Target {
	if v.Text("") == "" {
		return topology.Target{}
	}
	t, err := st.lab.Sender(v.Word())
	st.unresolved(v, err)
	return t
}

// station is who a frame is from or for.
func (st *story) station(v grammar.Value) topology.Station {
	if v.Text("") == "" {
		return topology.Station{}
	}
	s, err := st.lab.Station(v.Word())
	st.unresolved(v, err)
	return s
}

// unresolved says why a word is not who a frame is from or for, unless that may follow from what else is wrong with
// nodes.
func (st *story) unresolved(v grammar.Value, err error) {
	var u *topology.Unresolved
	switch {
	case !errors.As(err, &u):
	case u.Nobody:
		st.noStation(v)
	case st.nodesValid || !u.Unclear:
		v.Errorf("%s", u)
	}
}

// noStation says that a word is not who a frame is from or for, unless it is a node with which something else is wrong.
func (st *story) noStation(v grammar.Value) {
	if st.nodesValid || !st.isNode(v.Word()) {
		st.noTarget(v)
	}
}
