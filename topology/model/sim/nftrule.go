package sim

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// nftRule reads the words of one rule of nft: its conditions one after the other, and what it does.
type nftRule struct {
	r       *rule
	words   []nftWord
	comment string
	jump    string
	tracks  *bool
}

func (x *nftRule) take() string {
	if len(x.words) == 0 {
		x.r.unread = "a word is missing"
		return ""
	}
	w := x.words[0].text
	x.words = x.words[1:]
	return w
}

// part reads one condition or statement.
func (x *nftRule) part() {
	switch w := x.take(); w {
	case "counter":
		x.r.counts = true
	case "comment":
		x.comment = x.take()
	case "accept":
		x.r.verdict = accepts
	case "drop":
		x.r.verdict = drops
	case "return":
		x.r.verdict = returns
	case "continue":
	case "jump":
		x.jump = x.take()
	case "log":
		options := []string{"group", "prefix", "snaplen", "queue-threshold"}
		for len(x.words) > 1 && slices.Contains(options, x.words[0].text) {
			x.take()
			x.take()
		}
	case "reject":
		x.r.verdict, x.r.code = rejects, 3
		if len(x.words) > 0 && x.words[0].text == "with" {
			x.r.unread = "reject with"
		}
	case "iifname", "iif":
		x.names(func(m *meeting) *device { return m.in })
	case "oifname", "oif":
		x.names(func(m *meeting) *device { return m.out })
	default:
		x.field(w)
	}
}

// not takes "==" or "!=" if one is there.
func (x *nftRule) not() bool {
	if len(x.words) > 0 && slices.Contains([]string{"==", "eq", "!=", "ne"}, x.words[0].text) {
		w := x.take()
		return w == "!=" || w == "ne"
	}
	return false
}

// values takes a value, or those of a set that is written out. Values that follow each other with commas between them
// are several, too, for ct state.
func (x *nftRule) values() []string {
	if len(x.words) == 0 {
		x.r.unread = "a value is missing"
		return nil
	}
	w := x.words[0]
	x.words = x.words[1:]
	if w.text != "{}" {
		return []string{w.text}
	}
	var out []string
	for _, v := range w.list {
		out = append(out, v.text)
	}
	return out
}

// names reads names of interfaces.
func (x *nftRule) names(of func(*meeting) *device) {
	not, list := x.not(), x.values()
	x.r.matches = append(x.r.matches, func(m *meeting) bool {
		d := of(m)
		return d != nil && slices.ContainsFunc(list, func(s string) bool {
			head, open := strings.CutSuffix(s, "*")
			return s == d.name || open && strings.HasPrefix(d.name, head)
		}) != not
	})
}

// reading takes something out of a packet; ok: the packet has it.
type reading struct {
	parse func(string) (low, high uint64, ok bool) // a value, or a range of values
	of    func(*meeting) (uint64, bool)
}

// readings are the fields that rules ask for.
func readings() map[string]reading {
	return map[string]reading{
		"ether saddr": {parseMACs, func(m *meeting) (uint64, bool) { return macAt(m, 6) }},
		"ether daddr": {parseMACs, func(m *meeting) (uint64, bool) { return macAt(m, 0) }},
		"ether type": {parseTypes, func(m *meeting) (uint64, bool) {
			if m.f != nil && m.f.tagged {
				return typeVLAN, true
			}
			return innerType(m)
		}},
		"meta protocol":   {parseTypes, innerType},
		"vlan id":         {parseNumbers, vlanOf},
		"ip saddr":        {parseIPs, func(m *meeting) (uint64, bool) { return ipField(m, packet.src) }},
		"ip daddr":        {parseIPs, func(m *meeting) (uint64, bool) { return ipField(m, packet.dst) }},
		"ip protocol":     {parseProtocols, protocolOf},
		"meta l4proto":    {parseProtocols, protocolOf},
		"icmp type":       {parseICMP, icmpTypeOf},
		"arp saddr ip":    {parseIPs, func(m *meeting) (uint64, bool) { return arpField(m, 28, 4) }},
		"arp daddr ip":    {parseIPs, func(m *meeting) (uint64, bool) { return arpField(m, 38, 4) }},
		"arp saddr ether": {parseMACs, func(m *meeting) (uint64, bool) { return arpField(m, 22, 6) }},
		"arp daddr ether": {parseMACs, func(m *meeting) (uint64, bool) { return arpField(m, 32, 6) }},
		"arp operation":   {parseOps, func(m *meeting) (uint64, bool) { return arpField(m, 20, 2) }},
	}
}

// selector takes the words of a field.
func (x *nftRule) selector(first string) (reading, string, bool) {
	name := first
	for range 3 {
		if f, ok := readings()[name]; ok && f.of != nil {
			return f, name, true
		}
		if len(x.words) == 0 || x.words[0].text == "{}" {
			break
		}
		name += " " + x.take()
	}
	return reading{}, name, false
}

// field reads a condition on fields: FIELD [& MASK] [!=] VALUES, or several fields joined with "." and their values.
func (x *nftRule) field(first string) {
	if first == "ct" && len(x.words) > 0 && x.words[0].text == "state" {
		x.take()
		x.states()
		return
	}
	f, name, ok := x.selector(first)
	if !ok {
		x.r.unread = name
		return
	}
	if name == "ether saddr" && len(x.words) > 1 && x.words[0].text == "set" {
		x.take()
		mac, ok := parseMAC(x.take())
		if x.r.verdict, x.r.mac = rewrites, mac; !ok {
			x.r.unread = name
		}
		return
	}
	fields := []reading{f}
	for len(x.words) > 0 && x.words[0].text == "." {
		x.take()
		g, name, ok := x.selector(x.take())
		if !ok {
			x.r.unread = name
			return
		}
		fields = append(fields, g)
	}
	bits := ^uint64(0)
	if len(x.words) > 1 && x.words[0].text == "&" {
		x.take()
		low, _, ok := f.parse(x.take())
		if bits = low; !ok {
			x.r.unread = name
			return
		}
	}
	not := x.not()
	x.compare(fields, bits, not, x.values())
}

// compare adds a condition: the fields have, or have not, one of the values, which for several fields come one by one
// with "." between them.
func (x *nftRule) compare(fields []reading, bits uint64, not bool, values []string) {
	values = slices.DeleteFunc(values, func(s string) bool { return s == "." })
	if len(values)%len(fields) != 0 || len(values) == 0 {
		x.r.unread = "values that are not as many as fields"
		return
	}
	type span struct{ low, high uint64 }
	var list []span
	for i, v := range values {
		low, high, ok := fields[i%len(fields)].parse(v)
		if !ok {
			x.r.unread = v
			return
		}
		list = append(list, span{low, high})
	}
	x.r.matches = append(x.r.matches, func(m *meeting) bool {
		have := make([]uint64, len(fields))
		for i, f := range fields {
			v, ok := f.of(m)
			if !ok {
				return false
			}
			have[i] = v & bits
		}
		for at := 0; at < len(list); at += len(fields) {
			all := true
			for i := range fields {
				all = all && list[at+i].low <= have[i] && have[i] <= list[at+i].high
			}
			if all {
				return !not
			}
		}
		return not
	})
}

// states reads those of ct state, one or several.
func (x *nftRule) states() {
	*x.tracks, x.r.states = true, true
	not, list := x.not(), x.values()
	for len(x.words) > 0 && slices.Contains([]string{"new", "established", "related", "invalid"}, x.words[0].text) {
		list = append(list, x.take())
	}
	x.r.matches = append(x.r.matches, func(m *meeting) bool {
		return m.state != "" && slices.Contains(list, m.state) != not
	})
}

// vlanOf is the VLAN of a frame with a tag.
func vlanOf(m *meeting) (uint64, bool) {
	if m.f == nil || !m.f.tagged {
		return 0, false
	}
	return uint64(m.f.tci & 0xfff), true
}

func macAt(m *meeting, at int) (uint64, bool) {
	if m.f == nil {
		return 0, false
	}
	return uint64(binary.BigEndian.Uint16(m.f.data[at:]))<<32 | uint64(binary.BigEndian.Uint32(m.f.data[at+2:])), true
}

// innerType is the type of what a frame carries behind its outermost tag.
func innerType(m *meeting) (uint64, bool) {
	if m.f == nil {
		return typeIP, m.p != nil
	}
	return uint64(m.f.ethertype()), true
}

func ipField(m *meeting, of func(packet) uint32) (uint64, bool) {
	if m.p == nil {
		return 0, false
	}
	return uint64(of(m.p)), true
}

func protocolOf(m *meeting) (uint64, bool) {
	if m.p == nil {
		return 0, false
	}
	return uint64(m.p.protocol()), true
}

func icmpTypeOf(m *meeting) (uint64, bool) {
	if m.p == nil || m.p.icmpType() < 0 {
		return 0, false
	}
	return uint64(m.p.icmpType()), true
}

// arpField is some bytes of an ARP packet.
func arpField(m *meeting, at, size int) (uint64, bool) {
	if m.f == nil || m.f.ethertype() != typeARP || len(m.f.data) < arpLen {
		return 0, false
	}
	var v uint64
	for _, b := range m.f.data[at : at+size] {
		v = v<<8 | uint64(b)
	}
	return v, true
}

func parseMACs(s string) (low, high uint64, ok bool) {
	mac, ok := parseMAC(s)
	v := uint64(binary.BigEndian.Uint16(mac[:]))<<32 | uint64(binary.BigEndian.Uint32(mac[2:]))
	return v, v, ok
}

func parseIPs(s string) (low, high uint64, ok bool) {
	if p, err := netip.ParsePrefix(s); err == nil && p.Addr().Is4() {
		base := number(p.Masked().Addr())
		return uint64(base), uint64(base | ^mask(p.Bits())), true
	}
	first, last, ranged := strings.Cut(s, "-")
	a, err := netip.ParseAddr(first)
	if err != nil || !a.Is4() {
		return 0, 0, false
	}
	if !ranged {
		return uint64(number(a)), uint64(number(a)), true
	}
	b, err := netip.ParseAddr(last)
	return uint64(number(a)), uint64(number(b)), err == nil && b.Is4()
}

func parseNumbers(s string) (low, high uint64, ok bool) {
	first, last, ranged := strings.Cut(s, "-")
	low, err := strconv.ParseUint(first, 0, 16)
	if high = low; ranged && err == nil {
		high, err = strconv.ParseUint(last, 0, 16)
	}
	return low, high, err == nil
}

// named makes a parser of numbers that have names.
func named(names map[string]uint64) func(string) (low, high uint64, ok bool) {
	return func(s string) (low, high uint64, ok bool) {
		if v, ok := names[s]; ok {
			return v, v, true
		}
		return parseNumbers(s)
	}
}

func parseTypes(s string) (low, high uint64, ok bool) {
	return named(map[string]uint64{"ip": typeIP, "ip6": typeIPv6, "arp": typeARP, "8021q": typeVLAN, "vlan": typeVLAN,
		"8021ad": 0x88a8})(s)
}

func parseProtocols(s string) (low, high uint64, ok bool) {
	return named(map[string]uint64{"icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "sctp": 132, "icmpv6": 58,
		"ipv6-icmp": 58, "vrrp": 112})(s)
}

func parseICMP(s string) (low, high uint64, ok bool) {
	return named(map[string]uint64{"echo-reply": 0, "destination-unreachable": 3, "redirect": 5, "echo-request": 8,
		"time-exceeded": 11})(s)
}

func parseOps(s string) (low, high uint64, ok bool) {
	return named(map[string]uint64{"request": 1, "reply": 2})(s)
}
