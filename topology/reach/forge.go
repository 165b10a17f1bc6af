package reach

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
	"labctl/topology"
)

// minFrame is what a NIC pads to: the shortest Ethernet frame, without its check sequence (IEEE 802.3, 3.2.8).
const minFrame = 60

// forge builds the frame of a send, with the addresses that the stations have now.
func (b *bench) forge(own *owners, s *topology.Send, self topology.LinkState) ([]byte, error) {
	src, dst := self.MAC, switchcore.MAC{}
	var err error
	if s.Src != (topology.Station{}) {
		if src, err = b.station(own, s.Src); err != nil {
			return nil, err
		}
	}
	if dst, err = b.station(own, s.Dst); err != nil {
		return nil, err
	}
	typ, payload := s.Type, s.Payload
	switch {
	case s.Echo != nil:
		typ, payload, err = echoPacket(s.Echo)
	case s.ARP != nil:
		typ = unix.ETH_P_ARP
		payload, err = b.arpPacket(own, s.ARP)
	}
	if err != nil {
		return nil, err
	}
	frame := append(append(make([]byte, 0, minFrame), dst[:]...), src[:]...)
	if s.VLAN != 0 {
		frame = binary.BigEndian.AppendUint16(frame, unix.ETH_P_8021Q)
		frame = binary.BigEndian.AppendUint16(frame, uint16(s.VLAN))
	}
	frame = append(binary.BigEndian.AppendUint16(frame, typ), payload...)
	if n := minFrame - len(frame); n > 0 {
		frame = append(frame, make([]byte, n)...)
	}
	return frame, nil
}

// station is the address of who a frame is from or for; the zero Station has none.
func (b *bench) station(own *owners, s topology.Station) (switchcore.MAC, error) {
	if s.Node == "" {
		return s.MAC, nil
	}
	l, err := b.nic(own, s.Node, s.Interface)
	return l.MAC, err
}

// nic is an interface of a node as it is now; without a name it is the node's only one, or the bridge of a bridge node.
func (b *bench) nic(own *owners, node, name string) (topology.LinkState, error) {
	n := b.lab.Node(node)
	if n == nil {
		return topology.LinkState{}, fmt.Errorf("%q is not a node of this lab", node)
	}
	switch {
	case name != "":
	case n.Kind == topology.Bridge:
		name = n.Base()
	case len(n.Interfaces) == 1:
		name = n.Interfaces[0].Name
	default:
		return topology.LinkState{}, fmt.Errorf("%s has %d interfaces: write %s:INTERFACE", node, len(n.Interfaces),
			node)
	}
	l, ok := own.link(node, name)
	if !ok {
		return topology.LinkState{}, fmt.Errorf("%s has no interface %s now", node, name)
	}
	return l, nil
}

// echoPacket is an echo request without data, identifier and sequence number 0, as Scapy's IP()/ICMP() makes it: IP
// identification 1, TTL 64.
func echoPacket(e *topology.Echo) (typ uint16, b []byte, err error) {
	switch {
	case e.From.Is4() && e.To.Is4():
		from, to := e.From.As4(), e.To.As4()
		b = []byte{0x45, 0, 0, 28, 0, 1, 0, 0, 64, 1, 0, 0}
		b = append(append(b, from[:]...), to[:]...)
		binary.BigEndian.PutUint16(b[10:], checksum(b))
		b = append(b, echo4, 0, 0, 0, 0, 0, 0, 0)
		binary.BigEndian.PutUint16(b[22:], checksum(b[20:]))
		return unix.ETH_P_IP, b, nil
	case is6(e.From) && is6(e.To):
		from, to := e.From.As16(), e.To.As16()
		b = []byte{0x60, 0, 0, 0, 0, 8, 58, 64}
		b = append(append(b, from[:]...), to[:]...)
		b = append(b, echo6, 0, 0, 0, 0, 0, 0, 0)
		pseudo := append(append([]byte{}, b[8:40]...), 0, 0, 0, 8, 0, 0, 0, 58)
		binary.BigEndian.PutUint16(b[42:], checksum(append(pseudo, b[40:]...)))
		return unix.ETH_P_IPV6, b, nil
	}
	return 0, nil, fmt.Errorf("an echo request goes from an address to another of the same family, not from %s to %s",
		e.From, e.To)
}

// arpPacket is RFC 826's packet for IPv4 over Ethernet.
func (b *bench) arpPacket(own *owners, a *topology.ARP) ([]byte, error) {
	pkt := []byte{0, 1, 8, 0, 6, 4, byte(a.Op >> 8), byte(a.Op)}
	for _, half := range []struct {
		who topology.Station
		ip  netip.Addr
	}{{a.SenderMAC, a.SenderIP}, {a.TargetMAC, a.TargetIP}} {
		mac, err := b.station(own, half.who)
		if err != nil {
			return nil, err
		}
		ip := [4]byte{}
		if half.ip.IsValid() {
			if !half.ip.Is4() {
				return nil, errors.New("ARP is for IPv4 addresses only")
			}
			ip = half.ip.As4()
		}
		pkt = append(append(pkt, mac[:]...), ip[:]...)
	}
	return pkt, nil
}

// content is a frame less its 802.1Q tags and less what may be padding, and the VLAN ids of those tags, outermost
// first. A switch may add or take tags on the way, and padding with them; the rest is the same frame wherever it is
// met.
func content(frame []byte, tags ...uint16) (rest string, vids []uint16) {
	for _, t := range tags {
		vids = append(vids, t&0xfff)
	}
	if len(frame) < 14 {
		return string(frame), vids
	}
	at := 12
	for len(frame) >= at+4 && binary.BigEndian.Uint16(frame[at:]) == unix.ETH_P_8021Q {
		vids = append(vids, binary.BigEndian.Uint16(frame[at+2:])&0xfff)
		at += 4
	}
	end := len(frame)
	for end > at && frame[end-1] == 0 {
		end--
	}
	return string(frame[:12]) + string(frame[at:end]), vids
}
