//go:build linux

package datapath

import (
	"encoding/binary"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
)

// Port is what a port of the switch is attached to: an interface, through a packet socket that was opened in its
// network namespace, or the descriptor of a TAP or macvtap.
type Port struct {
	// FD is a socket(AF_PACKET, SOCK_RAW, 0), or with Tap a descriptor of /dev/net/tun with
	// IFF_TAP|IFF_NO_PI|IFF_VNET_HDR or of /dev/tapN. The loop owns it from the moment Attach is called, also if that
	// fails. The latter does not tell when its interface is deleted (drivers/net/tap.c wakes nobody); an observer has
	// to.
	FD    int
	Index int // of the interface, in the socket's namespace; unused with Tap
	Tap   bool
	// Promiscuous asks the interface for frames to any address, as an uplink on a real adapter must; not with Tap. A
	// veth needs no asking.
	Promiscuous bool
	// Shared is set for an interface that the node behind it goes on using. Not with Tap.
	Shared *Shared
}

// Shared says how a switch shares an interface with the node that has it. The switch then hears what the node sends
// too.
type Shared struct {
	// Out is the interface, in the same namespace, by which frames leave through the shared one: itself, or a way into
	// it.
	Out int
	// Holder is the interface by which frames reach the node as if the shared one had received them: those to its
	// address and, beside Out, those to groups. 0: what is sent by Out reaches the node too.
	Holder int
	// Mark is put on all packets that are sent (SO_MARK of socket(7)), and what comes in by the shared interface with
	// it was the switch's own. No other interface of the namespace may be shared under the same mark, and it is not 0.
	Mark uint32
}

// port is an attached port. It belongs to the owner.
type port struct {
	id       switchcore.PortID
	name     string
	number   uint32
	uplink   bool
	heardOf  bool // the observer has said something of it
	observed bool // the observer has spoken of it: the guest is connected, with this filter
	filter   switchcore.Filter
	up       bool // as the observer said last
	lost     bool // what was behind it is gone

	fd     int
	index  int
	tap    bool
	shared *Shared
	header int // length of the header in front of frames
	batch  int // how many frames to take at once
	addr   unix.RawSockaddrLinklayer
	holder unix.RawSockaddrLinklayer // of a shared interface that is not a bridge
	mac    switchcore.MAC            // the node's, there
	sender *sender                   // nil: tap

	timed          bool  // there is an observer
	empty          int64 // when nothing waited there for the last time, Unix nanoseconds; 0: not timed
	timestampsFrom int64 // frames that came after this have a time from the kernel, Unix nanoseconds; 0: none has

	parked     []parkedFrame
	parkedSize int     // bytes
	budget     float64 // re-reads that may still be asked for
	refilled   time.Duration
	due        time.Duration // when a waiting port is looked at again
	down       time.Duration // how long its interface was waited for; 0: it is not down
	idle       int           // times it was said to be ready and was not
}

// parkedFrame is a copy of a frame that waits for the observer.
type parkedFrame struct {
	received
	frame switchcore.Frame
}

// queueBytes is how much the kernel keeps for a port while the owner is busy: TCP at full speed has some megabytes on
// the way, counted with the memory around it.
const queueBytes = 8 << 20

// openSocket readies a packet socket. Until all is set a filter drops everything, as a socket that was opened for a
// protocol hears all interfaces until it is bound to one (packet(7)).
func (p *port) openSocket(promiscuous bool) error {
	if err := p.filterBy([]unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K}}); err != nil {
		return fmt.Errorf("close the socket's filter: %w", err)
	}
	if err := p.socketOptions(); err != nil {
		return err
	}
	// Only root of the machine may ask for more than net.core.rmem_max.
	for _, o := range [][2]int{{unix.SO_RCVBUFFORCE, unix.SO_RCVBUF}, {unix.SO_SNDBUFFORCE, unix.SO_SNDBUF}} {
		if unix.SetsockoptInt(p.fd, unix.SOL_SOCKET, o[0], queueBytes) != nil {
			_ = unix.SetsockoptInt(p.fd, unix.SOL_SOCKET, o[1], queueBytes)
		}
	}
	all := &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: p.index}
	if err := unix.Bind(p.fd, all); err != nil {
		return fmt.Errorf("bind to interface %d: %w", p.index, err)
	}
	if promiscuous {
		m := unix.PacketMreq{Ifindex: int32(p.index), Type: unix.PACKET_MR_PROMISC}
		if err := unix.SetsockoptPacketMreq(p.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &m); err != nil {
			return fmt.Errorf("ask interface %d for all frames: %w", p.index, err)
		}
	}
	if err := p.discard(); err != nil {
		return fmt.Errorf("empty the socket of interface %d: %w", p.index, err)
	}
	if err := p.openFilter(); err != nil {
		return fmt.Errorf("open the socket's filter: %w", err)
	}
	p.addr = unix.RawSockaddrLinklayer{Family: unix.AF_PACKET, Ifindex: int32(p.index)}
	if p.shared != nil {
		p.addr.Ifindex = int32(p.shared.Out)
		p.holder = unix.RawSockaddrLinklayer{Family: unix.AF_PACKET, Ifindex: int32(p.shared.Holder)}
		p.readAddress()
	}
	return nil
}

// discard throws away what the socket has caught so far. A bound one is told once that its interface is down.
func (p *port) discard() error {
	var b [1]byte
	for {
		switch _, _, err := unix.Recvfrom(p.fd, b[:], unix.MSG_DONTWAIT); err {
		case unix.EAGAIN:
			return nil
		case nil, unix.EINTR, unix.EINVAL, unix.ENETDOWN:
		default:
			return err
		}
	}
}

// socketOptions has headers and tags come with the frames, and what the port sends not come back.
func (p *port) socketOptions() error {
	type option struct {
		level, option, value int
		name                 string
	}
	list := []option{
		{unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1, "PACKET_VNET_HDR"},
		{unix.SOL_PACKET, unix.PACKET_AUXDATA, 1, "PACKET_AUXDATA"},
	}
	if p.shared == nil {
		list = append(list, option{unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1, "PACKET_IGNORE_OUTGOING"})
	} else {
		list = append(list, option{unix.SOL_SOCKET, unix.SO_MARK, int(p.shared.Mark), "SO_MARK"})
	}
	for _, o := range list {
		if err := unix.SetsockoptInt(p.fd, o.level, o.option, o.value); err != nil {
			return fmt.Errorf("set %s: %w", o.name, err)
		}
	}
	return nil
}

// filterBy has the kernel drop what a program of the classic packet filter does not let through.
func (p *port) filterBy(list []unix.SockFilter) error {
	program := &unix.SockFprog{Len: uint16(len(list)), Filter: &list[0]}
	return unix.SetsockoptSockFprog(p.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, program)
}

// openFilter lets everything in, but for what comes in by a shared interface and was sent by this port. What goes out
// with its mark is the node's: it forwards packets with their marks.
func (p *port) openFilter() error {
	if p.shared == nil {
		return unix.SetsockoptInt(p.fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0)
	}
	const (
		load   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equals = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		answer = unix.BPF_RET | unix.BPF_K
	)
	// SKF_AD_OFF and SKF_AD_PKTTYPE, SKF_AD_MARK of linux/filter.h
	const packetType, mark = 0xfffff000 + 4, 0xfffff000 + 20
	return p.filterBy([]unix.SockFilter{
		{Code: load, K: packetType},
		{Code: equals, Jt: 2, K: unix.PACKET_OUTGOING},
		{Code: load, K: mark},
		{Code: equals, Jt: 1, K: p.shared.Mark},
		{Code: answer, K: ^uint32(0)},
		{Code: answer, K: 0},
	})
}

// networkOrder is v such that it lies in memory as the network has it.
func networkOrder(v uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], v)
	return binary.NativeEndian.Uint16(b[:])
}

// openTap readies a TAP. Frames to the guest may be long and have an open checksum only if that was agreed, those from
// the guest come so only if the guest was told that it may.
func (p *port) openTap() error {
	if err := unix.SetNonblock(p.fd, true); err != nil {
		return err
	}
	size, err := unix.IoctlGetUint32(p.fd, unix.TUNGETVNETHDRSZ)
	if err != nil {
		return fmt.Errorf("not a TAP: TUNGETVNETHDRSZ: %w", err)
	}
	if size != vnetLen && size != vnetLen+2 {
		return fmt.Errorf("a TAP header of %d bytes, know 10 and 12", size)
	}
	p.header = int(size)
	const offloads = unix.TUN_F_CSUM | unix.TUN_F_TSO4 | unix.TUN_F_TSO6 | unix.TUN_F_TSO_ECN
	if err := unix.IoctlSetInt(p.fd, unix.TUNSETOFFLOAD, offloads); err != nil {
		return fmt.Errorf("TUNSETOFFLOAD: %w", err)
	}
	return nil
}

// readAddress notes the address that the node has on a shared interface.
func (p *port) readAddress() {
	if p.shared == nil || p.shared.Holder == 0 {
		return
	}
	var r request
	r.value = int32(p.index)
	if p.ioctl(unix.SIOCGIFNAME, &r) == 0 && p.ioctl(unix.SIOCGIFHWADDR, &r) == 0 {
		copy(p.mac[:], (*[8]byte)(unsafe.Pointer(&r.value))[2:]) // behind the family of a struct sockaddr
	}
}

// request is struct ifreq.
type request struct {
	name  [unix.IFNAMSIZ]byte
	value int32
	_     [20]byte
}

// ioctl asks the kernel about an interface, by the port's socket.
func (p *port) ioctl(what uintptr, r *request) unix.Errno {
	_, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(p.fd), what, uintptr(unsafe.Pointer(r)))
	return e
}

// interfaceState tells what became of a packet socket's interface.
func (p *port) interfaceState() (up, exists bool) {
	var r request
	r.value = int32(p.index)
	if e := p.ioctl(unix.SIOCGIFNAME, &r); e != 0 {
		return false, e != unix.ENODEV
	}
	r.value = 0
	if e := p.ioctl(unix.SIOCGIFFLAGS, &r); e != 0 {
		return false, e != unix.ENODEV
	}
	return *(*uint16)(unsafe.Pointer(&r.value))&unix.IFF_UP != 0, true
}
