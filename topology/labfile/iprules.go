package labfile

import (
	"cmp"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

// ipRulesKey is "ip_rules", in the file or in a step's set.
func ipRulesKey(set bool) grammar.Key {
	prefix := &grammar.Shape{Form: grammar.Text, Want: "an address or a prefix", Test: selectedText,
		RE: regexp.MustCompile(`^(` + grammar.AddressPattern + `)(/[0-9]+)?$`)}
	word := func(doc string) *grammar.Shape {
		s := grammar.InterfaceName()
		return &grammar.Shape{Form: grammar.Text, Want: s.Want, Doc: doc, RE: s.RE}
	}
	tos := grammar.NumberOf("a DS field from 4 to 252 in steps of 4 (ECN's bits are 0), as 0x10", 4, 252)
	tos.Hex, tos.Step = true, 4
	suppress := grammar.NumberOf("a length from 0 to 128", 0, 128)
	keys := []grammar.Key{
		{Name: "not", Shape: grammar.YesNo("the packets that the selectors do not take")},
		{Name: "from", Shape: prefix}, {Name: "to", Shape: prefix},
		{Name: "iif", Shape: word("by which a packet comes in; lo: what the node itself sends")},
		{Name: "oif", Shape: word("to which a socket is bound")},
		{Name: "fwmark", Shape: markShape()}, {Name: "tos", Shape: tos},
		{Name: "ipproto", Shape: protoShape()},
		{Name: "sport", Needs: needs(set, "ipproto"), Shape: portsShape()},
		{Name: "dport", Needs: needs(set, "ipproto"), Shape: portsShape()},
		{Name: "family", Shape: grammar.OneOf("ipv4", "ipv6").With("of a rule without an address; else both")},
		{Name: "table", Shape: tableShape("that is asked for the route")},
		{Name: "suppress_prefixlength", Needs: needs(set, "table"),
			Shape: suppress.With("routes of the table whose prefix is no longer than this do not count")},
		{Name: "action", Shape: grammar.OneOf("blackhole", "unreachable", "prohibit").With("instead of table")},
	}
	return grammar.Key{Name: "ip_rules", Shape: &grammar.Shape{Form: grammar.Dict,
		Want: "a map from priorities to routing rules, as {100: {from: 10.0.0.1, table: 100}}",
		Doc:  "routing policy (ip-rule(8)): which table is asked for the route of a packet", Removed: "routing rule",
		Removes: set, Name: &grammar.Shape{Form: grammar.Text, Want: "a priority", Test: priorityText,
			RE: regexp.MustCompile(`^[1-9][0-9]{0,9}$`)},
		Of: &grammar.Shape{Form: grammar.Object, Want: "a routing rule, as {from: 10.0.0.1, table: 100}", Keys: keys,
			Foreign: foreignAtIPRule()}}}
}

// needs are the keys that must be beside one in the file. In a set they may be in the file already.
func needs(set bool, words ...string) []string {
	if set {
		return nil
	}
	return words
}

// foreignAtIPRule are the hints for words of ip-rule(8) that are written otherwise.
func foreignAtIPRule() map[string]grammar.Hint {
	return foreign(keysOf(grammar.Hint{Say: `write "table: $"`, Means: "table"}, "lookup"),
		keysOf(grammar.Hint{Say: `write "tos: $"`, Means: "tos"}, "dsfield", "dscp"),
		keysOf(grammar.Hint{Say: `write "action: $"`, Means: "action"}, "type"),
		keysOf(grammar.Hint{Say: "the priority is the key in front of the rule; leave this out"}, "priority", "pref",
			"preference", "order"),
		keysOf(grammar.Hint{Say: `write "fwmark: $"`, Means: "fwmark"}, "mark"),
		keysOf(grammar.Hint{Say: `write "iif: $"`, Means: "iif"}, "dev"))
}

// priorityText says why s is not the priority of a routing rule. Those of the kernel's own rules are 0, 32766 and 32767
// (fib_default_rules_init, net/ipv4/fib_rules.c).
func priorityText(s string) string {
	n, err := strconv.ParseUint(s, 10, 32)
	const want = "want a number from 1 to 4294967295"
	switch {
	case s != "0" && (err != nil || strconv.FormatUint(n, 10) != s):
		return problem.Quoted(problem.Clip(s)) + " is not a priority; " + want
	case n == 0 || n == 32766 || n == 32767:
		return s + " is the priority of a rule that the kernel has by itself; take another one"
	}
	return ""
}

// selectedText says why s is neither an address nor a prefix.
func selectedText(s string) string {
	if !strings.Contains(s, "/") {
		return grammar.AddressText(s)
	}
	if p, err := netip.ParsePrefix(s); err != nil || p.Addr().Is4In6() {
		return problem.Quoted(problem.Clip(s)) + " is neither an address nor a prefix as 10.0.0.0/8"
	}
	return ""
}

// selected is the prefix that is meant, of all bits for an address.
func selected(v grammar.Value) netip.Prefix {
	if a, err := netip.ParseAddr(v.Word()); err == nil {
		return netip.PrefixFrom(a, a.BitLen())
	}
	p, _ := netip.ParsePrefix(v.Word())
	return p
}

const markPattern = `(0x[0-9a-fA-F]{1,8}|[0-9]{1,10})`

var markRE = regexp.MustCompile(`^` + markPattern + `(/` + markPattern + `)?$`)

func markShape() *grammar.Shape {
	const want = "a mark, as 1, 0x10 or 0x10/0xff"
	number := grammar.NumberOf(want, 1, 1<<32-1)
	number.Hex = true
	return &grammar.Shape{Form: grammar.Either, Want: want, Doc: "that a rule of the firewall, or a socket, has set",
		Any: []*grammar.Shape{number, {Form: grammar.Text, Want: want, RE: markRE, Test: func(s string) string {
			if _, _, ok := markOf(s); !ok {
				return problem.Quoted(problem.Clip(s)) + " is not a mark; want " + want
			}
			return ""
		}}}}
}

// markOf reads a mark and its mask, as ip-rule(8) has them.
func markOf(s string) (mark, mask uint32, ok bool) {
	text, of, masked := strings.Cut(s, "/")
	m, err := strconv.ParseUint(text, 0, 32)
	k := uint64(1<<32 - 1)
	if masked && err == nil {
		k, err = strconv.ParseUint(of, 0, 32)
	}
	return uint32(m), uint32(k), err == nil && markRE.MatchString(s) && k != 0 && m&^k == 0
}

// protocols are the names of IP protocols that rules of routing policy are about.
func protocols() map[string]uint8 {
	return map[string]uint8{"icmp": 1, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "ah": 51, "ipv6-icmp": 58,
		"sctp": 132}
}

func protoShape() *grammar.Shape {
	const want = "a protocol: icmp, tcp, udp, gre, esp, ah, ipv6-icmp, sctp, or a number from 1 to 255"
	words := []string{"icmp", "tcp", "udp", "gre", "esp", "ah", "ipv6-icmp", "sctp"}
	return &grammar.Shape{Form: grammar.Either, Want: want, Any: []*grammar.Shape{grammar.NumberOf(want, 1, 255),
		{Form: grammar.Text, Want: want, Words: words,
			Spell: map[string]string{"icmpv6": "ipv6-icmp", "icmp6": "ipv6-icmp"}}}}
}

func portsShape() *grammar.Shape {
	const want = "a port from 1 to 65534, as 80, or a range, as 1000-2000"
	return &grammar.Shape{Form: grammar.Either, Want: want, Any: []*grammar.Shape{grammar.NumberOf(want, 1, 65534),
		{Form: grammar.Text, Want: want, RE: regexp.MustCompile(`^[0-9]{1,5}-[0-9]{1,5}$`),
			Test: func(s string) string {
				if _, ok := portsOf(s); !ok {
					return problem.Quoted(problem.Clip(s)) + " is not a range of ports; want " + want
				}
				return ""
			}}}}
}

// portsOf reads a port or a range of ports. The kernel takes none that ends at 65535 (fib_rule_port_range_valid,
// include/net/fib_rules.h).
func portsOf(s string) (topology.PortRange, bool) {
	first, last, ranged := strings.Cut(s, "-")
	if !ranged {
		last = first
	}
	a, err := strconv.ParseUint(first, 10, 16)
	b, err2 := strconv.ParseUint(last, 10, 16)
	return topology.PortRange{First: uint16(a), Last: uint16(b)},
		err == nil && err2 == nil && a > 0 && a <= b && b < 65535
}

// ipRules reads a node's routing rules and refuses what the kernel would, and what would never take a packet.
func (n *networks) ipRules(s *nodeDecl, node *topology.Node) {
	for v := range n.bodyOf(s).Field("ip_rules").Fields() {
		if priorityText(v.Name()) != "" || !v.IsMap() {
			continue
		}
		r := readIPRule(v)
		if !n.ipRuleOK(s, node, r, v) {
			continue
		}
		r.V6 = r.V6 || v.Field("family").Word() == "ipv6"
		node.IPRules = append(node.IPRules, r)
		if !r.V6 && !r.From.IsValid() && !r.To.IsValid() && !v.Has("family") && node.IPv6 {
			r.V6 = true
			node.IPRules = append(node.IPRules, r)
		}
	}
	slices.SortFunc(node.IPRules, func(a, b topology.IPRule) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(familyNumber(a.V6), familyNumber(b.V6)))
	})
}

func familyNumber(v6 bool) int {
	if v6 {
		return 6
	}
	return 4
}

// readIPRule reads a rule of the family of its addresses, or else of IPv4.
func readIPRule(v grammar.Value) topology.IPRule {
	priority, _ := strconv.ParseUint(v.Name(), 10, 32)
	r := topology.IPRule{Priority: uint32(priority), Not: v.Field("not").Bool(false), From: selected(v.Field("from")),
		To: selected(v.Field("to")), IIF: v.Field("iif").Text(""), OIF: v.Field("oif").Text(""), Suppress: -1,
		TOS: uint8(v.Field("tos").Hex()), Action: v.Field("action").Text("table")}
	r.V6 = r.From.Addr().Is6() || r.To.Addr().Is6()
	if mark := v.Field("fwmark"); mark.Given() {
		r.Mark, r.MarkMask, _ = markOf(mark.Word())
	}
	if proto := v.Field("ipproto"); proto.Given() {
		r.Proto = protocols()[proto.Word()]
		if proto.IsNumber() {
			r.Proto = uint8(proto.Int(0))
		}
	}
	r.SPort, _ = portsOf(v.Field("sport").Word())
	r.DPort, _ = portsOf(v.Field("dport").Word())
	if r.Action == "table" {
		r.Table = tableOf(v.Field("table"))
		r.Suppress = v.Field("suppress_prefixlength").Int(-1)
	}
	return r
}

// ipRuleOK checks a rule.
func (n *networks) ipRuleOK(s *nodeDecl, node *topology.Node, r topology.IPRule, v grammar.Value) bool {
	before := n.doc.Found()
	table, action, family := v.Field("table"), v.Field("action"), v.Field("family")
	switch {
	case table.Given() == action.Given():
		v.Errorf("a routing rule has either a table that is asked, or an action (blackhole, unreachable, prohibit)")
	case r.Suppress >= 0 && (action.Given() || r.Table > topology.LocalTable):
		v.Field("suppress_prefixlength").Key().Errorf("belongs beside a table of a number up to 255")
	}
	for _, key := range []string{"from", "to"} {
		p := selected(v.Field(key))
		if p.IsValid() && p.Masked() != p {
			v.Field(key).Errorf("%q has bits behind its length, which no packet is compared with; write %s", p,
				p.Masked())
		}
		if p.IsValid() && family.Given() && p.Addr().Is6() != (family.Word() == "ipv6") {
			family.Errorf("%s is not of that family; leave the family out", p)
		}
	}
	if r.From.IsValid() && r.To.IsValid() && r.From.Addr().Is6() != r.To.Addr().Is6() {
		v.Field("to").Errorf("%s and %s are of different families", r.From, r.To)
	}
	if v6 := r.V6 || family.Word() == "ipv6"; v6 && !node.IPv6 && !n.reachableFrom(s).more {
		v.Key().Errorf(`is about IPv6, and %s has none ("ipv6: true" gives it)`, s.full)
	}
	if v6 := r.V6 || family.Word() == "ipv6"; r.TOS > 0x1c && !v6 { // IPTOS_TOS_MASK; see fib4_rule_configure
		v.Field("tos").Errorf("%#x does not fit a rule of IPv4, for which the kernel takes 0x4 to 0x1c; a rule of "+
			"IPv6 alone says \"family: ipv6\"", r.TOS)
	}
	if ports := (topology.PortRange{}); (r.SPort != ports || r.DPort != ports) &&
		!slices.Contains([]uint8{6, 17, 33, 132, 136}, r.Proto) && v.Has("ipproto") {
		v.Field("ipproto").Errorf("has no ports; want tcp, udp or sctp beside sport and dport")
	}
	for _, key := range []string{"iif", "oif"} {
		dev := v.Field(key)
		if dev.Given() && n.at(s, dev.Word()) == nil && dev.Word() != topology.LoopbackName && !n.mayHaveMore(s) {
			dev.Errorf("%s has no interface %q%s", s.full, dev.Word(), n.doc.Near(dev.Word(), n.namesOf(s)))
		}
	}
	return n.doc.Found() == before
}
