package reach

import (
	"encoding/binary"
	"net/netip"
	"strconv"

	"labctl/topology/expect"
)

// echoHeader is the ICMP header of an echo request (RFC 792, RFC 4443).
const echoHeader = 8

// echoLen is the length of a probe of which no size is asked, ICMP header included: ping's own default.
const echoLen = echoHeader + defaultSize

// defaultSize is the payload of ping(8) without -s, in bytes.
const defaultSize = 56

// ICMP types of interest (RFC 792, RFC 4443, RFC 4861).
const (
	echo4, reply4, unreach4, quench4, redirect4, exceeded4, problem4 = 8, 0, 3, 4, 5, 11, 12
	echo6, reply6, unreach6, tooBig6, exceeded6, problem6, redirect6 = 128, 129, 1, 2, 3, 4, 137
)

// fragNeeded4 is the code of "fragmentation needed and DF set" (RFC 792).
const fragNeeded4 = 4

type eventKind int

const (
	gotReply eventKind = iota
	gotError
	gotRedirect
)

// event is what came back for the echo request with that key (identifier and sequence number).
type event struct {
	kind      eventKind
	key       uint32
	from      netip.Addr
	typ, code byte
	gateway   netip.Addr // gotRedirect: the better way
	mtu       int        // gotError: the next hop's, that it tells of (RFC 1191, RFC 4443); 0: it tells of none
	marked    int        // gotReply: how many bytes of the prober's cookie it has
	ofReply   bool       // gotRedirect: for an echo reply, which is nobody's try
}

// putEcho makes b an echo request, at least the header, with as much of the cookie as has room. For ICMPv6 the kernel
// writes the checksum (RFC 3542, 3.1).
func putEcho(b []byte, v6 bool, key uint32, cookie [8]byte) {
	b[0], b[1] = echo4, 0
	if v6 {
		b[0] = echo6
	}
	b[2], b[3] = 0, 0
	binary.BigEndian.PutUint32(b[4:], key)
	copy(b[8:], cookie[:])
	for i := echoHeader + len(cookie); i < len(b); i++ {
		b[i] = byte(i)
	}
	if !v6 {
		binary.BigEndian.PutUint16(b[2:], checksum(b))
	}
}

// checksum is the internet checksum (RFC 1071).
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	if len(b)%2 == 1 {
		sum += uint32(b[len(b)-1]) << 8
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// marks is how many bytes of the cookie an echo reply begins with: all, unless the probe had no room for them. A reply
// that has others is a stranger's.
func marks(b []byte, cookie [8]byte) (n int, own bool) {
	n = min(len(b)-echoHeader, len(cookie))
	return n, string(b[echoHeader:echoHeader+n]) == string(cookie[:n])
}

// parse4 reads what a raw ICMP socket delivers, IP header first (raw(7)).
func parse4(b []byte, cookie [8]byte) (event, bool) {
	icmp, ok := payload4(b)
	if !ok {
		return event{}, false
	}
	ev := event{from: netip.AddrFrom4([4]byte(b[12:16])), typ: icmp[0], code: icmp[1]}
	switch icmp[0] {
	case reply4:
		ev.key = binary.BigEndian.Uint32(icmp[4:])
		ev.marked, ok = marks(icmp, cookie)
		return ev, ok
	case redirect4:
		ev.kind, ev.gateway = gotRedirect, netip.AddrFrom4([4]byte(icmp[4:8]))
	case unreach4, quench4, exceeded4, problem4:
		ev.kind = gotError
		if ev.typ == unreach4 && ev.code == fragNeeded4 {
			ev.mtu = int(binary.BigEndian.Uint16(icmp[6:]))
		}
	default:
		return event{}, false
	}
	inner, ok := payload4(icmp[8:])
	ev.ofReply = ok && ev.kind == gotRedirect && inner[0] == reply4
	if !ok || inner[0] != echo4 && !ev.ofReply {
		return event{}, false
	}
	ev.key = binary.BigEndian.Uint32(inner[4:])
	return ev, true
}

// payload4 returns the ICMP message, at least 8 bytes, of an IPv4 packet.
func payload4(b []byte) ([]byte, bool) {
	if len(b) < 20 || b[0]>>4 != 4 || b[9] != 1 {
		return nil, false
	}
	const offset = 0x1fff // of a fragment
	n := int(b[0]&15) * 4
	if n < 20 || len(b) < n+8 || binary.BigEndian.Uint16(b[6:])&offset != 0 {
		return nil, false
	}
	return b[n:], true
}

// parse6 reads what a raw ICMPv6 socket delivers: no IP header (RFC 3542, 3).
func parse6(b []byte, from netip.Addr, cookie [8]byte) (event, bool) {
	if len(b) < 8 {
		return event{}, false
	}
	ev := event{from: from, typ: b[0], code: b[1]}
	quoted := b[8:]
	switch b[0] {
	case reply6:
		ev.key = binary.BigEndian.Uint32(b[4:])
		var ok bool
		ev.marked, ok = marks(b, cookie)
		return ev, ok
	case redirect6:
		if len(b) < 40 {
			return event{}, false
		}
		ev.kind, ev.gateway = gotRedirect, netip.AddrFrom16([16]byte(b[8:24]))
		quoted = redirectedHeader(b[40:])
	case unreach6, tooBig6, exceeded6, problem6:
		ev.kind = gotError
		if ev.typ == tooBig6 {
			ev.mtu = int(binary.BigEndian.Uint32(b[4:]))
		}
	default:
		return event{}, false
	}
	icmp, ok := payload6(quoted)
	if !ok || icmp[0] != echo6 {
		return event{}, false
	}
	ev.key = binary.BigEndian.Uint32(icmp[4:])
	return ev, true
}

// payload6 returns the ICMPv6 message, at least 8 bytes, of an IPv6 packet, or of the first of its fragments (RFC 8200,
// 4.5).
func payload6(b []byte) ([]byte, bool) {
	const header, fragment, icmp6, offset = 40, 44, 58, 0xfff8
	if len(b) < header+8 || b[0]>>4 != 6 {
		return nil, false
	}
	next, rest := b[6], b[header:]
	if next == fragment {
		if binary.BigEndian.Uint16(rest[2:])&offset != 0 {
			return nil, false
		}
		next, rest = rest[0], rest[8:]
	}
	return rest, next == icmp6 && len(rest) >= 8
}

// redirectedHeader finds the packet in the "redirected header" option (RFC 4861, 4.6.3), nil without one.
func redirectedHeader(options []byte) []byte {
	for len(options) >= 8 {
		n := int(options[1]) * 8
		if n == 0 || n > len(options) {
			return nil
		}
		if options[0] == 4 {
			return options[8:n]
		}
		options = options[n:]
	}
	return nil
}

// typeName is the word for an ICMP error in an outcome, sentence what ping(8) prints for it.
func typeName(v6 bool, typ, code byte) (word, sentence string) {
	sentences := sentences4
	if v6 {
		sentences = sentences6
	}
	sentence, ok := sentences[[2]byte{typ, code}]
	if !ok {
		sentence = "ICMP type " + strconv.Itoa(int(typ)) + " code " + strconv.Itoa(int(code))
	}
	return expect.ICMPWord(v6, typ, code), sentence
}

var sentences4 = map[[2]byte]string{
	{3, 0}: "Destination Net Unreachable", {3, 1}: "Destination Host Unreachable",
	{3, 2}: "Destination Protocol Unreachable", {3, 3}: "Destination Port Unreachable",
	{3, 4}: "Frag needed and DF set", {3, 5}: "Source Route Failed",
	{3, 6}: "Destination Net Unknown", {3, 7}: "Destination Host Unknown",
	{3, 9}: "Destination Net Prohibited", {3, 10}: "Destination Host Prohibited",
	{3, 13}: "Packet filtered", {4, 0}: "Source Quench",
	{11, 0}: "Time to live exceeded", {11, 1}: "Frag reassembly time exceeded", {12, 0}: "Parameter problem",
}

var sentences6 = map[[2]byte]string{
	{1, 0}: "Destination unreachable: No route", {1, 1}: "Destination unreachable: Administratively prohibited",
	{1, 2}: "Destination unreachable: Beyond scope of source address",
	{1, 3}: "Destination unreachable: Address unreachable", {1, 4}: "Destination unreachable: Port unreachable",
	{1, 5}: "Destination unreachable: Source address failed ingress/egress policy",
	{1, 6}: "Destination unreachable: Reject route to destination",
	{2, 0}: "Packet too big", {3, 0}: "Time exceeded: Hop limit",
	{3, 1}: "Time exceeded: Defragmentation failure", {4, 0}: "Parameter problem: Wrong header field",
}

// unresolved reports whether the error, sent by the asking node itself, says that a neighbour could not be resolved.
func unresolved(v6 bool, ev event) bool {
	if v6 {
		return ev.typ == unreach6 && ev.code == 3
	}
	return ev.typ == unreach4 && ev.code == 1
}
