//go:build linux

package supervisor

import (
	"encoding/binary"
	"net/netip"

	"labctl/topology/reach"
)

// purpose is what a frame does for a ping.
type purpose int

const (
	asks    purpose = iota // an ARP request or a neighbour solicitation
	answers                // an ARP reply or a neighbour advertisement
	echo                   // an echo request, its reply, or an error that quotes the request
)

// talk are two addresses, of which from asks for to, or answers it.
type talk struct {
	purpose  purpose
	from, to netip.Addr
}

// marker is what an echo request of labctl has that no other one has, see [reach.Sent].
type marker struct {
	cookie [8]byte
	key    uint32
}

// about says what a frame may do for a ping: of an ARP packet (RFC 826) or of an IP packet, behind a tag or not. The
// marker is that of an echo.
func about(frame []byte) (b talk, m marker, ok bool) {
	ethertype, p := etherPayload(frame)
	switch {
	case ethertype == 0x0806 && len(p) >= 28:
		b, ok = aboutARP(p)
	case ethertype == 0x0800:
		b, m, ok = aboutIPv4(p)
	case ethertype == 0x86dd:
		b, m, ok = aboutIPv6(p)
	}
	return b, m, ok
}

func aboutARP(p []byte) (b talk, ok bool) {
	const request, reply = 1, 2
	b = talk{from: netip.AddrFrom4([4]byte(p[14:18])), to: netip.AddrFrom4([4]byte(p[24:28]))}
	switch binary.BigEndian.Uint16(p[6:]) {
	case request:
		b.purpose = asks
	case reply:
		b.purpose = answers
	default:
		return b, false
	}
	return b, true
}

func aboutIPv4(p []byte) (b talk, m marker, ok bool) {
	if len(p) < 20 {
		return b, m, false
	}
	b = talk{purpose: echo, from: netip.AddrFrom4([4]byte(p[12:16])), to: netip.AddrFrom4([4]byte(p[16:20]))}
	icmp := icmpOf(p, false)
	if icmp == nil {
		m, ok = portsOf(p, false)
		return b, m, ok
	}
	const reply, unreachable, request, exceeded, problem = 0, 3, 8, 11, 12
	switch icmp[0] {
	case unreachable, exceeded, problem:
		quoted := icmp[8:]
		if icmp = icmpOf(quoted, false); icmp == nil || icmp[0] != request {
			m, ok = portsOf(quoted, false)
			return b, m, ok
		}
	case request, reply:
	default:
		return b, m, false
	}
	m, ok = markerOf(icmp)
	return b, m, ok
}

// aboutIPv6 takes the address that is asked for out of a neighbour solicitation, which is for a group (RFC 4861, 4.3),
// and the one that is told of out of an advertisement (4.4).
func aboutIPv6(p []byte) (b talk, m marker, ok bool) {
	if len(p) < 40 {
		return b, m, false
	}
	b = talk{purpose: echo, from: netip.AddrFrom16([16]byte(p[8:24])), to: netip.AddrFrom16([16]byte(p[24:40]))}
	icmp := icmpOf(p, true)
	if icmp == nil {
		m, ok = portsOf(p, true)
		return b, m, ok
	}
	const unreachable, problem, request, reply, solicitation, advertisement = 1, 4, 128, 129, 135, 136
	switch typ := icmp[0]; {
	case typ == solicitation && len(icmp) >= 24:
		b.purpose, b.to = asks, netip.AddrFrom16([16]byte(icmp[8:24]))
		return b, m, true
	case typ == advertisement && len(icmp) >= 24:
		b.purpose, b.from = answers, netip.AddrFrom16([16]byte(icmp[8:24]))
		return b, m, true
	case typ >= unreachable && typ <= problem:
		quoted := icmp[8:]
		if icmp = icmpOf(quoted, true); icmp == nil || icmp[0] != request {
			m, ok = portsOf(quoted, true)
			return b, m, ok
		}
	case typ != request && typ != reply:
		return b, m, false
	}
	m, ok = markerOf(icmp)
	return b, m, ok
}

// portMarker is the marker of a connection or a datagram: it is known by the protocol and its client's port, which no
// other question has for two minutes.
func portMarker(udp bool, port uint16) marker {
	m := marker{key: uint32(port)}
	m.cookie[0] = 6
	if udp {
		m.cookie[0] = 17
	}
	return m
}

// portsOf is the marker of a packet of TCP or UDP. Whose ports could both be a client's is not told apart.
func portsOf(p []byte, v6 bool) (m marker, ok bool) {
	const tcp, udp = 6, 17
	head := 40
	switch {
	case len(p) < 20, v6 && len(p) < head:
		return m, false
	case !v6:
		const offset = 0x1fff // of a fragment
		if head = int(p[0]&15) * 4; head < 20 || binary.BigEndian.Uint16(p[6:])&offset != 0 {
			return m, false
		}
	}
	protocol := p[9]
	if v6 {
		protocol = p[6]
	}
	if len(p) < head+4 || protocol != tcp && protocol != udp {
		return m, false
	}
	from, to := binary.BigEndian.Uint16(p[head:]), binary.BigEndian.Uint16(p[head+2:])
	switch a, b := reach.SourcePort(from), reach.SourcePort(to); {
	case a == b:
		return m, false
	case b:
		from = to
	}
	return portMarker(protocol == udp, from), true
}

// icmpOf is the ICMP message of a packet, with at least its first 8 bytes, or nil. What comes behind extension headers
// is not looked for: labctl sends none.
func icmpOf(p []byte, v6 bool) []byte {
	head := 40
	switch {
	case len(p) < 20, v6 && (len(p) < head || p[6] != 58):
		return nil
	case !v6:
		const offset = 0x1fff // of a fragment
		if head = int(p[0]&15) * 4; head < 20 || p[9] != 1 || binary.BigEndian.Uint16(p[6:])&offset != 0 {
			return nil
		}
	}
	if len(p) < head+8 {
		return nil
	}
	return p[head:]
}

func markerOf(icmp []byte) (m marker, ok bool) {
	if len(icmp) < 16 {
		return m, false
	}
	return marker{[8]byte(icmp[8:16]), binary.BigEndian.Uint32(icmp[4:])}, true
}
