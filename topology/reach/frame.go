package reach

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"labctl/topology"
)

// tap is a packet socket on one interface, non-blocking.
type tap struct {
	fd    int
	index int
}

// openTap opens a packet socket that gets what the filter passes on one interface. It is made for no protocol and bound
// with its filter in place, so that nothing from elsewhere gets in before (packet(7)).
func openTap(m Machine, node string, index int, proto uint16, promiscuous bool, filter []bpf.Instruction) (*tap, error) {
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
	raw, err := bpf.Assemble(filter)
	if err != nil {
		return err
	}
	ops := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		ops[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	prog := unix.SockFprog{Len: uint16(len(ops)), Filter: &ops[0]}
	if err := unix.SetsockoptSockFprog(t.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog); err != nil {
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

func (t *tap) close() { _ = unix.Close(t.fd) }

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
		return buf[:n], ll != nil && ll.Pkttype == unix.PACKET_OUTGOING, true
	}
}

// lost reports whether the socket had to drop frames.
func (t *tap) lost() bool {
	st, err := unix.GetsockoptTpacketStats(t.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	return err != nil || st.Drops > 0
}

// marked passes echo requests with a prober's cookie. VLAN tags are not in the frame by then (packet(7), PACKET_AUXDATA).
func marked(v6 bool, cookie [8]byte) []bpf.Instruction {
	etherType, protoAt, proto, echo, icmpAt := uint32(unix.ETH_P_IP), uint32(23), uint32(1), uint32(echo4), uint32(34)
	if v6 {
		etherType, protoAt, proto, echo, icmpAt = unix.ETH_P_IPV6, 20, 58, echo6, 54
	}
	return []bpf.Instruction{
		bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: etherType, SkipTrue: 7},
		bpf.LoadAbsolute{Off: protoAt, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: proto, SkipTrue: 5},
		bpf.LoadAbsolute{Off: icmpAt, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: echo, SkipTrue: 3},
		bpf.LoadAbsolute{Off: icmpAt + 8, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: binary.BigEndian.Uint32(cookie[:]), SkipTrue: 1},
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
func arpRequest(mac topology.MAC, sender, target netip.Addr) []byte {
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
func arpReply(b []byte) (mac topology.MAC, sender, target netip.Addr, ok bool) {
	if len(b) < 42 || binary.BigEndian.Uint16(b[20:]) != 2 {
		return mac, sender, target, false
	}
	return topology.MAC(b[22:28]), netip.AddrFrom4([4]byte(b[28:32])), netip.AddrFrom4([4]byte(b[38:42])), true
}
