package reach

import (
	"encoding/binary"
	"fmt"
	"iter"
	"net/netip"

	"golang.org/x/net/bpf"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"labctl/switchcore"
)

// tap is a packet socket on one interface, non-blocking.
type tap struct {
	fd    int
	index int
	// what was read last was for another MAC than the interface's
	forOthers bool
}

// openTap opens a packet socket that gets what the filter passes on one interface. It is made for no protocol and bound
// with its filter in place, so that nothing from elsewhere gets in before (packet(7)).
func openTap(m Machine, node string, index int, proto uint16, promiscuous bool,
	filter []bpf.Instruction) (*tap, error) {
	fd, err := m.Socket(node, unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		return nil, fmt.Errorf("open a packet socket in %s: %w", node, err)
	}
	t := &tap{fd: fd, index: index}
	if err := t.set(proto, promiscuous, filter); err != nil {
		t.close()
		return nil, fmt.Errorf("set up a packet socket in %s: %w", node, err)
	}
	return t, nil
}

func (t *tap) set(proto uint16, promiscuous bool, filter []bpf.Instruction) error {
	if err := unix.SetNonblock(t.fd, true); err != nil {
		return err
	}
	if err := t.attach(filter); err != nil {
		return err
	}
	if err := unix.Bind(t.fd, &unix.SockaddrLinklayer{Protocol: swap16(proto), Ifindex: t.index}); err != nil {
		return err
	}
	if !promiscuous {
		return nil
	}
	req := unix.PacketMreq{Ifindex: int32(t.index), Type: unix.PACKET_MR_PROMISC}
	return unix.SetsockoptPacketMreq(t.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &req)
}

// attach puts a filter in the place of the one that is there.
func (t *tap) attach(filter []bpf.Instruction) error {
	raw, err := bpf.Assemble(filter)
	if err != nil {
		return err
	}
	ops := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		ops[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	prog := unix.SockFprog{Len: uint16(len(ops)), Filter: &ops[0]}
	return unix.SetsockoptSockFprog(t.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog)
}

func (t *tap) close() { _ = unix.Close(t.fd) }

// closing is how many taps are closed at the same time; each takes a thread meanwhile.
const closing = 32

// closeTaps closes taps. Each close waits until no processor hands the socket a packet any more (synchronize_net in
// packet_release, net/packet/af_packet.c), which takes 10 ms and more: so they wait together.
func closeTaps(taps iter.Seq[*tap]) {
	var all errgroup.Group
	all.SetLimit(closing)
	for t := range taps {
		all.Go(func() error { t.close(); return nil })
	}
	_ = all.Wait() // none of them has an error
}

// swap16 is htons on the little-endian machines that Go runs on; on a big-endian one it is the identity.
func swap16(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}

// next reads one frame; the flag says whether the node itself sent it.
func (t *tap) next(buf []byte) (frame []byte, outgoing, ok bool) {
	for {
		n, from, err := unix.Recvfrom(t.fd, buf, 0)
		if err == unix.EINTR || err == unix.ENETDOWN {
			continue // ENETDOWN is told once, when the interface goes down
		}
		if err != nil {
			return nil, false, false
		}
		ll, _ := from.(*unix.SockaddrLinklayer)
		t.forOthers = ll != nil && ll.Pkttype == unix.PACKET_OTHERHOST
		return buf[:n], ll != nil && ll.Pkttype == unix.PACKET_OUTGOING, true
	}
}

// lost reports whether the socket had to drop frames.
func (t *tap) lost() bool {
	st, err := unix.GetsockoptTpacketStats(t.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	return err != nil || st.Drops > 0
}

// gone reports whether the interface was removed since the socket was bound to it, even if there is one of its name or
// index again: the kernel then takes the socket from it for good (packet_notifier, net/packet/af_packet.c).
func (t *tap) gone() bool {
	sa, err := unix.Getsockname(t.fd)
	ll, ok := sa.(*unix.SockaddrLinklayer)
	return err != nil || !ok || ll.Ifindex != t.index
}

// marked passes echo requests, of either family, with a prober's cookie. VLAN tags are not in the frame by then
// (packet(7), PACKET_AUXDATA).
func marked(cookie [8]byte) []bpf.Instruction {
	key := binary.BigEndian.Uint32(cookie[:])
	return []bpf.Instruction{
		bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.ETH_P_IP, SkipTrue: 6},
		bpf.LoadAbsolute{Off: 23, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 1, SkipTrue: 13},
		bpf.LoadAbsolute{Off: 34, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: echo4, SkipTrue: 11},
		bpf.LoadAbsolute{Off: 42, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: key, SkipTrue: 8, SkipFalse: 9},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.ETH_P_IPV6, SkipTrue: 8},
		bpf.LoadAbsolute{Off: 20, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 58, SkipTrue: 6},
		bpf.LoadAbsolute{Off: 54, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: echo6, SkipTrue: 4},
		bpf.LoadAbsolute{Off: 62, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: key, SkipTrue: 1},
		bpf.Jump{Skip: 1},
		bpf.RetConstant{Val: 256},
		bpf.RetConstant{Val: 0},
	}
}

// markOf returns the key of a frame that [marked] passed.
func markOf(frame []byte, cookie [8]byte) (uint32, bool) {
	at := 34
	if len(frame) > 12 && frame[12] == 0x86 {
		at = 54
	}
	if len(frame) < at+16 || [8]byte(frame[at+8:at+16]) != cookie {
		return 0, false
	}
	return binary.BigEndian.Uint32(frame[at+4:]), true
}

// arpReplies passes ARP replies.
var arpReplies = []bpf.Instruction{
	bpf.LoadAbsolute{Off: 12, Size: 2},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.ETH_P_ARP, SkipTrue: 3},
	bpf.LoadAbsolute{Off: 20, Size: 2},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 2, SkipTrue: 1},
	bpf.RetConstant{Val: 256},
	bpf.RetConstant{Val: 0},
}

// arpRequest is a broadcast request, padded to 60 bytes as a NIC does (RFC 826).
func arpRequest(mac switchcore.MAC, sender, target netip.Addr) []byte {
	b := make([]byte, 60)
	copy(b, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	copy(b[6:], mac[:])
	copy(b[12:], []byte{8, 6, 0, 1, 8, 0, 6, 4, 0, 1})
	copy(b[22:], mac[:])
	s, t := sender.As4(), target.As4()
	copy(b[28:], s[:])
	copy(b[38:], t[:])
	return b
}

// arpReply reads who says to hold which address.
func arpReply(b []byte) (mac switchcore.MAC, sender, target netip.Addr, ok bool) {
	if len(b) < 42 || binary.BigEndian.Uint16(b[20:]) != 2 {
		return mac, sender, target, false
	}
	return switchcore.MAC(b[22:28]), netip.AddrFrom4([4]byte(b[28:32])), netip.AddrFrom4([4]byte(b[38:42])), true
}

// advertisements passes IPv6 neighbour advertisements.
var advertisements = []bpf.Instruction{
	bpf.LoadAbsolute{Off: 12, Size: 2},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.ETH_P_IPV6, SkipTrue: 5},
	bpf.LoadAbsolute{Off: 20, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 58, SkipTrue: 3},
	bpf.LoadAbsolute{Off: 54, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 136, SkipTrue: 1},
	bpf.RetConstant{Val: 256},
	bpf.RetConstant{Val: 0},
}

// solicitation is a neighbour solicitation to the target's solicited-node group (RFC 4861, 4.3 and 7.2.2).
func solicitation(mac switchcore.MAC, sender, target netip.Addr) []byte {
	s, t := sender.As16(), target.As16()
	b := make([]byte, 86)
	copy(b, []byte{0x33, 0x33, 0xff, t[13], t[14], t[15]})
	copy(b[6:], mac[:])
	copy(b[12:], []byte{0x86, 0xdd, 0x60, 0, 0, 0, 0, 32, 58, 255})
	copy(b[22:], s[:])
	copy(b[38:], []byte{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, t[13], t[14], t[15]})
	b[54] = 135
	copy(b[62:], t[:])
	copy(b[78:], []byte{1, 1})
	copy(b[80:], mac[:])
	pseudo := append(append([]byte{}, b[22:54]...), 0, 0, 0, 32, 0, 0, 0, 58)
	binary.BigEndian.PutUint16(b[56:], checksum(append(pseudo, b[54:]...)))
	return b
}

// heldBy reads who says, in an ARP reply or a neighbour advertisement, to hold which address.
func heldBy(b []byte) (mac switchcore.MAC, sender, target netip.Addr, ok bool) {
	if len(b) < 14 || b[12] != 0x86 {
		return arpReply(b)
	}
	if len(b) < 78 || b[54] != 136 {
		return mac, sender, target, false
	}
	mac = switchcore.MAC(b[6:12])
	if len(b) >= 86 && b[78] == 2 { // target link-layer address
		mac = switchcore.MAC(b[80:86])
	}
	return mac, netip.AddrFrom16([16]byte(b[62:78])), netip.AddrFrom16([16]byte(b[38:54])), true
}
