//go:build linux

package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
)

// linkMessage is what RTM_NEWLINK and RTM_DELLINK say of an interface.
type linkMessage struct {
	family                uint8
	index                 int32
	flags                 uint32 // as everybody is shown them: without what rawFlags adds
	mac                   switchcore.MAC
	promiscuity, allMulti int
	link                  int32 // the lower, or a veth's other end; 0: none
	linkNS                int32 // the number of link's namespace there; negative: the same namespace
	moved                 bool  // deleted only here: it went to another namespace
	stacked               bool  // it is not a veth, and what is under it is in another namespace
	bridgePort            bool
	state                 uint8 // of a bridge port
}

// readLink reads a message's payload, which is not kept.
func readLink(b []byte) linkMessage {
	m := linkMessage{family: b[0], index: int32(binary.NativeEndian.Uint32(b[4:])), flags: binary.NativeEndian.Uint32(b[8:]), linkNS: -1}
	veth := false
	attributes(b[unix.SizeofIfInfomsg:], func(typ uint16, v []byte) {
		switch {
		case typ == unix.IFLA_ADDRESS && len(v) == 6:
			m.mac = switchcore.MAC(v)
		case typ == unix.IFLA_LINKINFO:
			veth = m.readInfo(v)
		case typ == unix.IFLA_NEW_NETNSID || typ == unix.IFLA_NEW_IFINDEX:
			m.moved = true
		case len(v) != 4:
		case typ == unix.IFLA_PROMISCUITY:
			m.promiscuity = int(binary.NativeEndian.Uint32(v))
		case typ == unix.IFLA_ALLMULTI: // since Linux 6.1
			m.allMulti = int(binary.NativeEndian.Uint32(v))
		case typ == unix.IFLA_LINK:
			m.link = int32(binary.NativeEndian.Uint32(v))
		case typ == unix.IFLA_LINK_NETNSID:
			m.linkNS = int32(binary.NativeEndian.Uint32(v))
		}
	})
	m.stacked = m.linkNS >= 0 && !veth
	return m
}

// readInfo reads IFLA_LINKINFO and says whether the interface is a veth.
func (m *linkMessage) readInfo(b []byte) (veth bool) {
	attributes(b, func(typ uint16, v []byte) {
		switch typ {
		case unix.IFLA_INFO_KIND:
			veth = string(bytes.TrimRight(v, "\x00")) == "veth"
		case unix.IFLA_INFO_SLAVE_KIND:
			m.bridgePort = string(bytes.TrimRight(v, "\x00")) == "bridge"
		case unix.IFLA_INFO_SLAVE_DATA: // of a bridge port, if the kind says so; nobody asks otherwise
			attributes(v, func(typ uint16, v []byte) {
				if typ == brportState && len(v) == 1 {
					m.state = v[0]
				}
			})
		}
	})
	return veth
}

// Of linux/if.h: what an interface is shown to be and its own flags do not have.
const shownFlags = unix.IFF_RUNNING | unix.IFF_LOWER_UP | unix.IFF_DORMANT | unix.IFF_PROMISC | unix.IFF_ALLMULTI

// rawFlags are the interface's own flags, as sysfs has them (net/core/dev.c, dev_get_flags and __dev_set_promiscuity).
func (m *linkMessage) rawFlags() uint32 {
	f := m.flags &^ shownFlags
	if m.promiscuity > 0 {
		f |= unix.IFF_PROMISC
	}
	if m.allMulti > 0 {
		f |= unix.IFF_ALLMULTI
	}
	return f
}

// getLink asks for an interface by index, or by name if that is given, in the node, or in the namespace that has this number
// there if it is not negative. It waits for RTNL.
func (s *Space) getLink(n *node, index int32, name string, ns int32) (linkMessage, error) {
	fixed := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(fixed[4:], uint32(index))
	req, start := message(nil, unix.RTM_GETLINK, 0, fixed)
	if name != "" {
		req = attribute(req, unix.IFLA_IFNAME, append([]byte(name), 0))
	}
	if ns >= 0 {
		req = attribute(req, unix.IFLA_TARGET_NETNSID, binary.NativeEndian.AppendUint32(nil, uint32(ns)))
	}
	var m linkMessage
	err := s.exchange(n, finish(req, start), func(typ uint16, b []byte) {
		if typ == unix.RTM_NEWLINK && len(b) >= unix.SizeofIfInfomsg {
			m = readLink(b)
		}
	}, func(e unix.Errno) error { return e })
	return m, err
}

// asks is a node's socket for ioctls (netdevice(7)), which do not wait for RTNL. It is opened on first use and stays.
type asks struct {
	mu  sync.Mutex
	fd  int // 0: not open
	end bool
}

// hold runs f while the node's descriptor cannot be closed.
func (a *asks) hold(f func() error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.end {
		return unix.ENODEV
	}
	return f()
}

func (a *asks) shut() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fd > 0 {
		unix.Close(a.fd)
	}
	a.fd, a.end = 0, true
}

// ioctl makes one request in the node. ENODEV: there is no such interface, or the node is gone.
func (s *Space) ioctl(n *node, what uintptr, r *ifreq) error {
	return n.asks.hold(func() error {
		if n.asks.fd == 0 {
			err := within(s.hub, n.fd, func() (err error) {
				n.asks.fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
				return err
			})
			if err != nil {
				n.asks.fd = 0
				return fmt.Errorf("%s: open socket: %w", n.name, err)
			}
		}
		return ioctl(n.asks.fd, what, unsafe.Pointer(r))
	})
}

func ioctl(fd int, what uintptr, arg unsafe.Pointer) error {
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), what, uintptr(arg)); e != 0 {
		return e
	}
	return nil
}

// ifreq is struct ifreq: a name, and a union of what is asked for.
type ifreq [unix.IFNAMSIZ + 24]byte

func requestByName(name string) (r ifreq) {
	copy(r[:unix.IFNAMSIZ-1], name)
	return r
}

// byIndex is a request about the interface with that index, by the name it has now: nothing else can be asked for.
func (s *Space) byIndex(n *node, index int32) (r ifreq, err error) {
	binary.NativeEndian.PutUint32(r[unix.IFNAMSIZ:], uint32(index))
	err = s.ioctl(n, unix.SIOCGIFNAME, &r)
	return r, err
}

func (r *ifreq) name() string {
	name, _, _ := bytes.Cut(r[:unix.IFNAMSIZ], []byte{0})
	return string(name)
}

func (r *ifreq) int32() int32 { return int32(binary.NativeEndian.Uint32(r[unix.IFNAMSIZ:])) }

func (r *ifreq) uint16() uint16 { return binary.NativeEndian.Uint16(r[unix.IFNAMSIZ:]) }

// mac is behind the address family of a struct sockaddr.
func (r *ifreq) mac() switchcore.MAC {
	return switchcore.MAC(r[unix.IFNAMSIZ+2 : unix.IFNAMSIZ+8])
}

// numbers are those of the nodes' namespaces in the hub (ip-netns(8), "ip netns set").
type numbers struct {
	mu      sync.Mutex
	next    uint32
	watched bool // new namespaces get a number at once
}

// firstNumber is beyond the numbers that the kernel gives out by itself, the lowest that is free.
const firstNumber = 1 << 20

// number is the node's number in the hub, by which a socket there tells where a message comes from. None is given twice: a
// message that is still on its way must not be taken for another node's.
func (s *Space) number(n *node) (int32, error) {
	s.numbers.mu.Lock()
	defer s.numbers.mu.Unlock()
	hub := &node{name: "the hub", fd: s.hub}
	defer hub.wire.close()
	return n.id, s.numberLocked(hub, n)
}

func (s *Space) numberLocked(hub, n *node) error {
	for n.id < 0 {
		s.numbers.next++
		id := firstNumber + s.numbers.next
		err := n.asks.hold(func() error {
			req, start := message(nil, unix.RTM_NEWNSID, unix.NLM_F_ACK, make([]byte, 4)) // struct rtgenmsg, padded
			req = attribute(req, unix.NETNSA_NSID, binary.NativeEndian.AppendUint32(nil, id))
			req = attribute(req, unix.NETNSA_FD, binary.NativeEndian.AppendUint32(nil, uint32(n.fd)))
			return s.exchange(hub, finish(req, start), func(uint16, []byte) {}, func(e unix.Errno) error { return e })
		})
		switch {
		case err == nil:
			n.id = int32(id)
		case errors.Is(err, unix.ENOSPC): // the number is taken: by another space of this hub
		case errors.Is(err, unix.EEXIST): // the namespace has one
			has, err := s.numberIn(hub, n)
			if err != nil {
				return err
			}
			if n.id = has; has < 0 {
				return fmt.Errorf("%s: its namespace has a number in the hub that cannot be found out", n.name)
			}
		default:
			return fmt.Errorf("%s: give its namespace a number: %w", n.name, err)
		}
	}
	return nil
}

// numberIn is the number of a namespace as another one knows it; negative: it knows none.
func (s *Space) numberIn(in, of *node) (id int32, err error) {
	err = of.asks.hold(func() error {
		req, start := message(nil, unix.RTM_GETNSID, 0, make([]byte, 4))
		req = attribute(req, unix.NETNSA_FD, binary.NativeEndian.AppendUint32(nil, uint32(of.fd)))
		id = unix.NETNSA_NSID_NOT_ASSIGNED
		return s.exchange(in, finish(req, start), func(typ uint16, b []byte) {
			if typ == unix.RTM_NEWNSID && len(b) >= 4 {
				attributes(b[4:], func(typ uint16, v []byte) {
					if typ == unix.NETNSA_NSID && len(v) == 4 {
						id = int32(binary.NativeEndian.Uint32(v))
					}
				})
			}
		}, func(e unix.Errno) error { return e })
	})
	return id, err
}

// numberAll gives all nodes a number, and those to come: what is stacked on an adapter may be in any of them.
func (s *Space) numberAll() error {
	s.numbers.mu.Lock()
	s.numbers.watched = true
	s.numbers.mu.Unlock()
	s.mu.RLock()
	var all []*node
	for _, n := range s.nodes {
		all = append(all, n)
	}
	s.mu.RUnlock()
	return s.numberNew(all)
}

// numberNew gives nodes a number if anybody watches.
func (s *Space) numberNew(nodes []*node) error {
	s.numbers.mu.Lock()
	defer s.numbers.mu.Unlock()
	if !s.numbers.watched {
		return nil
	}
	hub := &node{name: "the hub", fd: s.hub}
	defer hub.wire.close()
	for _, n := range nodes {
		if err := s.numberLocked(hub, n); err != nil {
			return err
		}
	}
	return nil
}
