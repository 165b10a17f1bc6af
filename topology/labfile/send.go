package labfile

import (
	"encoding/hex"
	"net/netip"
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/problem"
)

var hexNumber = regexp.MustCompile(`^0x[0-9a-fA-F]{1,4}$`)

// sendShape is the action "send".
func sendShape() *shape {
	who := func(doc string) *shape {
		return &shape{form: formText, want: "a MAC address, a node, node:interface, a name or broadcast", doc: doc,
			re: regexp.MustCompile(`^([0-9a-f]{2}(:[0-9a-f]{2}){5}|[A-Za-z][A-Za-z0-9_.-]*(:[A-Za-z][A-Za-z0-9_.-]*)?)$`)}
	}
	party := func() *shape {
		return &shape{form: formObject, want: "{ip, mac}", keys: []shapeKey{{name: "ip", must: true, shape: address()}, {name: "mac", shape: who("")}}}
	}
	number := numberOf("an EtherType or a length, as 0x88cc", 0, 65535)
	number.hex = true
	payload := &shape{form: formText, want: "hex digits in pairs, in quotes", max: 18000, re: regexp.MustCompile(`^([0-9a-fA-F]{2})*$`)}
	return &shape{form: formObject, want: "{from, dst, src, type, payload, icmp, arp, vlan, count, every, name}", keys: []shapeKey{
		{name: "from", must: true, shape: anyText("a node or node:interface")},
		{name: "dst", must: true, shape: who("")}, {name: "src", shape: who("the interface's own if not given")},
		{name: "type", bars: []string{"icmp", "arp"}, shape: number}, {name: "payload", needs: []string{"type"}, shape: payload},
		{name: "icmp", bars: []string{"arp"}, shape: &shape{form: formObject, want: "{from, to}", doc: "an echo request", keys: []shapeKey{
			{name: "from", must: true, shape: address()}, {name: "to", must: true, shape: address()}}}},
		{name: "arp", shape: &shape{form: formObject, want: "{op, sender, target}", keys: []shapeKey{
			{name: "op", must: true, shape: &shape{form: formText, want: "request or reply", word: []string{"request", "reply"}}},
			{name: "sender", must: true, shape: party()}, {name: "target", must: true, shape: party()}}}},
		{name: "vlan", shape: numberOf("a VLAN from 1 to 4094", 1, 4094)},
		{name: "count", shape: numberOf("a number of frames from 1 to 100000", 1, 100000)},
		{name: "every", shape: duration("between two frames; without count until stopped")},
		{name: "name", shape: wordName("an action")}}}
}

// send reads forged frames.
func (st *story) send(v *yaml.Node, path string) *topology.Send {
	s := &topology.Send{Name: stringOf(field(v, "name"), "send"), VLAN: intOf(field(v, "vlan"), 0), Count: intOf(field(v, "count"), 1),
		Every: durationOf(field(v, "every"), 0)}
	s.Endless = s.Every > 0 && field(v, "count") == nil
	s.From = st.nic(field(v, "from"), problem.PathKey(path, "from"))
	s.Src = topology.Station{Node: s.From.Node, Interface: s.From.Interface}
	if n := field(v, "src"); n != nil {
		s.Src = st.station(n, problem.PathKey(path, "src"))
	}
	s.Dst = st.station(field(v, "dst"), problem.PathKey(path, "dst"))
	icmp, arp := field(v, "icmp"), field(v, "arp")
	switch {
	case icmp != nil:
		s.Echo = &topology.Echo{From: st.ip(field(icmp, "from")), To: st.ip(field(icmp, "to"))}
		if s.Echo.From.Is4() != s.Echo.To.Is4() && s.Echo.From.IsValid() && s.Echo.To.IsValid() {
			st.errorf(icmp, problem.PathKey(path, "icmp"), "%s and %s are not of one family", s.Echo.From, s.Echo.To)
		}
	case arp != nil:
		s.ARP = st.arp(arp, s, problem.PathKey(path, "arp"))
	case field(v, "type") == nil && v.Kind == yaml.MappingNode:
		st.errorf(v, path, `does not say what the frame carries; write "icmp", "arp", or "type" and "payload"`)
	}
	s.Type = uint16(hexOf(field(v, "type")))
	s.Payload, _ = hex.DecodeString(stringOf(field(v, "payload"), ""))
	if e := field(v, "every"); e != nil && s.Every == 0 && field(v, "count") == nil {
		st.errorf(e, problem.PathKey(path, "every"), "0s is not a time between two frames that never end; write \"count\" too")
	}
	if s.Endless {
		st.start(s.Name, v, path)
	}
	if !st.isSent[s.Name] {
		st.isSent[s.Name] = true
		st.senders = append(st.senders, s.Name)
	}
	return s
}

// hexOf reads a number in either notation.
func hexOf(n *yaml.Node) int {
	if n == nil || n.Kind != yaml.ScalarNode {
		return 0
	}
	v, _ := strconv.ParseInt(n.Value, 0, 32)
	return int(v)
}

func (st *story) ip(n *yaml.Node) netip.Addr {
	a, _ := netip.ParseAddr(stringOf(n, ""))
	return a
}

func (st *story) arp(n *yaml.Node, s *topology.Send, path string) *topology.ARP {
	a := &topology.ARP{Op: 1, SenderMAC: s.Src}
	if stringOf(field(n, "op"), "") == "reply" {
		a.Op = 2
	}
	for _, p := range []struct {
		key string
		ip  *netip.Addr
		mac *topology.Station
	}{{"sender", &a.SenderIP, &a.SenderMAC}, {"target", &a.TargetIP, &a.TargetMAC}} {
		v := field(n, p.key)
		*p.ip = st.ip(field(v, "ip"))
		if p.ip.Is6() {
			st.errorf(field(v, "ip"), problem.PathKey(path, p.key+".ip"), "ARP is for IPv4 addresses")
		}
		if m := field(v, "mac"); m != nil {
			*p.mac = st.station(m, problem.PathKey(path, p.key+".mac"))
		}
	}
	return a
}

// nic is the interface that an action sends from: node:interface, a node's only interface, or the only one that a link ends on.
func (st *story) nic(n *yaml.Node, path string) topology.Target {
	if n == nil || n.Kind != yaml.ScalarNode || n.Value == "" {
		return topology.Target{}
	}
	t, ok := st.lab.Target(n.Value)
	switch {
	case !ok:
		st.noTarget(n, path)
		return t
	case t.Node == "":
		st.errorf(n, path, "%q is only a name for an address; name a node that sends", n.Value)
		return t
	case t.Interface != "":
		return t
	}
	node := st.lab.Node(t.Node)
	if node.Kind == topology.VSwitch {
		st.errorf(n, path, "%s is a virtual switch and sends nothing of its own; name a node that is linked to it", t.Node)
		return t
	}
	linked := slices.DeleteFunc(slices.Clone(node.Interfaces), func(i *topology.Interface) bool { return i.Type != topology.Veth || i.Peer.Node == node.Name })
	switch {
	case len(node.Interfaces) == 1:
		t.Interface = node.Interfaces[0].Name
	case len(linked) == 1:
		t.Interface = linked[0].Name
	case st.sound:
		st.errorf(n, path, "%s has %s interfaces; write %s:INTERFACE", t.Node, problem.Amount(len(node.Interfaces)), t.Node)
	}
	return t
}

func (st *story) noTarget(n *yaml.Node, path string) {
	if st.sound || st.named[n.Value] == nil {
		st.errorf(n, path, "%q is not a node, interface or name%s", problem.Clip(n.Value), st.nearTarget(n.Value))
	}
}

// station is who a frame is from or for.
func (st *story) station(n *yaml.Node, path string) topology.Station {
	if n == nil || n.Kind != yaml.ScalarNode || n.Value == "" {
		return topology.Station{}
	}
	if n.Value == "broadcast" {
		return topology.Station{MAC: switchcore.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}
	}
	if m, err := switchcore.ParseMAC(n.Value); err == nil {
		return topology.Station{MAC: m}
	}
	t, ok := st.lab.Target(n.Value)
	if !ok {
		st.noTarget(n, path)
		return topology.Station{}
	}
	if t.Name != "" {
		e := st.names[t.Name]
		if e.MAC.IsZero() {
			st.errorf(n, path, "%q has no \"mac\" under \"names\"", t.Name)
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
	if st.sound {
		st.errorf(n, path, "%s has %s interfaces and no address; write %s:INTERFACE", t.Node, problem.Amount(len(node.Interfaces)), t.Node)
	}
	return s
}

// restart reads the nodes that are torn down and built again.
func (st *story) restart(v *yaml.Node, path string) []string {
	var out []string
	for i, n := range items(v) {
		s, why := st.fullName(n.Value)
		switch {
		case s == nil:
			st.errorf(n, problem.PathIndex(path, i), "%s", why)
		case slices.Contains(out, s.full):
			st.errorf(n, problem.PathIndex(path, i), "%s stands here twice", s.full)
		default:
			out = append(out, s.full)
		}
	}
	return out
}
