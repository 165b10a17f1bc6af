package sim

import (
	"encoding/binary"
	"net/netip"

	"labctl/switchcore"
)

// packetType is what an interface makes of a frame's destination (eth_type_trans, net/ethernet/eth.c; packet(7)).
type packetType uint8

const (
	toHost packetType = iota
	toBroadcast
	toMulticast
	toOther
)

const (
	etherLen  = 14
	typeIP    = 0x0800
	typeARP   = 0x0806
	typeVLAN  = 0x8100
	typeIPv6  = 0x86dd
	protoICMP = 1
	arpLen    = 42 // of a frame that the kernel makes (arp_create, net/ipv4/arp.c)
)

// frame is an Ethernet frame. Its bytes are shared by all copies and never changed; an outermost 802.1Q tag is beside
// them.
type frame struct {
	data   []byte
	tci    uint16
	tagged bool
	kind   packetType
	own    *switchPort // the virtual switch that sent it into an interface that it shares, which must not hear it again
	in     *device     // the bridge port that it came in by
	isOnly bool        // br_nf: it has met the rules of a bridge
}

func (f *frame) dst() switchcore.MAC { return switchcore.MAC(f.data[0:6]) }
func (f *frame) src() switchcore.MAC { return switchcore.MAC(f.data[6:12]) }
func (f *frame) ethertype() uint16   { return binary.BigEndian.Uint16(f.data[12:]) }
func (f *frame) group() bool         { return f.data[0]&1 != 0 }
func (f *frame) broadcast() bool     { return f.dst() == broadcastMAC }

// broadcastMAC never changes.
var broadcastMAC = switchcore.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// untag puts a tag that is in the bytes beside them (skb_vlan_untag, net/core/skbuff.c).
func (f *frame) untag() {
	if f.tagged || len(f.data) < etherLen+4 || f.ethertype() != typeVLAN {
		return
	}
	f.tagged, f.tci = true, binary.BigEndian.Uint16(f.data[14:])
	data := make([]byte, 0, len(f.data)-4)
	f.data = append(append(data, f.data[:12]...), f.data[16:]...)
}

// kindAt is what an interface with that address makes of a frame.
func (f *frame) kindAt(mac switchcore.MAC) packetType {
	switch dst := f.dst(); {
	case dst == broadcastMAC:
		return toBroadcast
	case dst[0]&1 != 0:
		return toMulticast
	case dst == mac:
		return toHost
	}
	return toOther
}

// ethernet makes a frame.
func ethernet(dst, src switchcore.MAC, typ uint16, payload []byte) frame {
	b := make([]byte, etherLen, etherLen+len(payload))
	copy(b, dst[:])
	copy(b[6:], src[:])
	binary.BigEndian.PutUint16(b[12:], typ)
	return frame{data: append(b, payload...)}
}

// arp is an ARP packet for IPv4 over Ethernet (RFC 826).
type arp struct {
	op         uint16 // 1 request, 2 reply
	sha, tha   switchcore.MAC
	sip, tip   uint32
	whole      bool // the frame has all of it
	otherKinds bool // it is not for IPv4 over Ethernet
}

// parseARP reads a frame's ARP packet.
func parseARP(f *frame) arp {
	b := f.data
	if len(b) < arpLen {
		return arp{}
	}
	a := arp{op: binary.BigEndian.Uint16(b[20:]), sip: binary.BigEndian.Uint32(b[28:]),
		tip: binary.BigEndian.Uint32(b[38:]), whole: true}
	a.sha, a.tha = switchcore.MAC(b[22:28]), switchcore.MAC(b[32:38])
	a.otherKinds = binary.BigEndian.Uint32(b[14:]) != 0x00010800 || b[18] != 6 || b[19] != 4
	return a
}

// arpFrame makes the frame of an ARP packet.
func arpFrame(to, from switchcore.MAC, a arp) frame {
	b := make([]byte, arpLen)
	copy(b, to[:])
	copy(b[6:], from[:])
	copy(b[12:], []byte{8, 6, 0, 1, 8, 0, 6, 4})
	binary.BigEndian.PutUint16(b[20:], a.op)
	copy(b[22:], a.sha[:])
	binary.BigEndian.PutUint32(b[28:], a.sip)
	copy(b[32:], a.tha[:])
	binary.BigEndian.PutUint32(b[38:], a.tip)
	return frame{data: b}
}

// packet is an IPv4 packet, header and all.
type packet []byte

const ipLen = 20

func (p packet) src() uint32    { return binary.BigEndian.Uint32(p[12:]) }
func (p packet) dst() uint32    { return binary.BigEndian.Uint32(p[16:]) }
func (p packet) ttl() byte      { return p[8] }
func (p packet) protocol() byte { return p[9] }
func (p packet) body() []byte   { return p[ipLen:] }

// icmpType is the ICMP type, -1 for what is not ICMP.
func (p packet) icmpType() int {
	if p.protocol() != protoICMP || len(p) < ipLen+8 {
		return -1
	}
	return int(p[ipLen])
}

// parseIP reads a frame's IPv4 packet, nil if it is not one that ip_rcv takes (ip_rcv_core, net/ipv4/ip_input.c). With
// options it is not modelled.
func parseIP(f *frame) (p packet, odd bool) {
	b := f.data[etherLen:]
	if len(b) < ipLen || b[0]>>4 != 4 {
		return nil, false
	}
	total := int(binary.BigEndian.Uint16(b[2:]))
	if total > len(b) || total < ipLen {
		return nil, false
	}
	if b[0] != 0x45 {
		return nil, true
	}
	if checksum(b[:ipLen]) != 0 {
		return nil, false
	}
	return packet(b[:total]), binary.BigEndian.Uint16(b[6:])&0x3fff != 0
}

// newPacket makes an IPv4 packet.
func newPacket(src, dst uint32, ttl, proto byte, body []byte) packet {
	p := make(packet, ipLen, ipLen+len(body))
	p[0] = 0x45
	binary.BigEndian.PutUint16(p[2:], uint16(ipLen+len(body)))
	p[8], p[9] = ttl, proto
	binary.BigEndian.PutUint32(p[12:], src)
	binary.BigEndian.PutUint32(p[16:], dst)
	p.sum()
	return append(p, body...)
}

// keepWhole forbids fragments of a packet, and whole reports whether they are forbidden (RFC 791, DF).
func (p packet) keepWhole() {
	p[6] |= 0x40
	p.sum()
}

func (p packet) whole() bool { return p[6]&0x40 != 0 }

// sum writes the header's checksum.
func (p packet) sum() {
	p[10], p[11] = 0, 0
	binary.BigEndian.PutUint16(p[10:], checksum(p[:ipLen]))
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

// number is an IPv4 address as a number, 0 for none.
func number(a netip.Addr) uint32 {
	if !a.Is4() {
		return 0
	}
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

// addr is the address of a number, invalid for 0.
func addr(ip uint32) netip.Addr {
	if ip == 0 {
		return netip.Addr{}
	}
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, ip)))
}

func mask(bits int) uint32 { return uint32(uint64(0xffffffff) << (32 - bits)) }

// multicast reports whether an IPv4 address is a group's (RFC 5771).
func multicast(ip uint32) bool { return ip>>28 == 14 }

func loopback(ip uint32) bool { return ip>>24 == 127 }
