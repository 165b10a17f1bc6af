//go:build linux

package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// OwnSockets finds the inodes of this process's sockets, when somebody first asks: one serves for one look at a lab. It
// is safe for concurrent use.
type OwnSockets struct {
	once  sync.Once
	links map[string]bool
}

func (o *OwnSockets) has(inode uint64) bool {
	o.once.Do(func() {
		o.links = map[string]bool{}
		files, _ := os.ReadDir("/proc/self/fd")
		for _, f := range files {
			if to, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil {
				o.links[to] = true
			}
		}
	})
	return o.links[socketLink(inode)]
}

// socketLink is how /proc/PID/fd shows a socket.
func socketLink(inode uint64) string { return fmt.Sprintf("socket:[%d]", inode) }

// socketTables are the files of proc_pid_net(5) with the sockets that can answer what the kernel answers otherwise, and
// what to call one of each. A kernel without the protocol has no such file.
var socketTables = []struct{ file, what string }{
	{"packet", "a packet socket"},
	{"raw", "a raw socket"},
	{"raw6", "a raw socket"},
	{"icmp", "an ICMP socket"},
	{"icmp6", "an ICMP socket"},
}

// LateSenders says what in a node may send, by itself or late, an answer to a ping, an ARP request or a neighbour
// solicitation: each a few words that begin with a noun. They are sockets of programs, interfaces that hold packets
// where nobody can count them, and queues to programs. The sockets of own are left out, and interfaces of which known
// knows that they lead to other nodes of the lab.
func (t Tables) LateSenders(node string, own *OwnSockets, known func(name string) bool) ([]string, error) {
	n, err := t.space.of(node)
	if err != nil {
		return nil, err
	}
	out, err := n.opaqueLinks(known)
	if err != nil {
		return nil, err
	}
	tables := make([][]byte, len(socketTables))
	var queues []byte
	unseen := false // who takes packets from queues
	err = n.enter(func() error {
		for i, s := range socketTables {
			if tables[i], err = os.ReadFile("/proc/thread-self/net/" + s.file); err != nil &&
				!errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
		// A kernel without nfnetlink_queue has no such file, and an ordinary user may not read it.
		queues, err = os.ReadFile("/proc/thread-self/net/netfilter/nfnetlink_queue")
		if errors.Is(err, os.ErrPermission) {
			unseen = true
			queues, err = os.ReadFile("/proc/thread-self/net/netlink")
		}
		if errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: look for programs that may answer: %w", node, err)
	}

	for i, s := range socketTables {
		for _, inode := range socketInodes(tables[i]) {
			if !own.has(inode) {
				out = append(out, s.what+holder(inode))
			}
		}
	}
	for line := range bytes.Lines(queues) {
		words := bytes.Fields(line)
		if len(words) > 0 && !unseen {
			out = append(out, fmt.Sprintf("the queue %s to a program (NFQUEUE)", words[0]))
			continue
		}
		if inode, ok := netfilterSocket(words); ok && !own.has(inode) {
			out = append(out, "a netfilter socket"+holder(inode)+", which may take packets from a queue")
		}
	}
	return out, nil
}

// netfilterSocket reads a line of /proc/net/netlink: the second column is the protocol, the third the port, which the
// kernel's own sockets have as 0, and the last the inode.
func netfilterSocket(words [][]byte) (inode uint64, ok bool) {
	if len(words) < 10 || string(words[1]) != strconv.Itoa(unix.NETLINK_NETFILTER) || string(words[2]) == "0" {
		return 0, false
	}
	inode, err := strconv.ParseUint(string(words[9]), 10, 64)
	return inode, err == nil
}

// socketInodes reads the column inode of a table in /proc/net. That of packet(7) has it last, the others have it tenth,
// and their heading has one column less than their lines.
func socketInodes(table []byte) (out []uint64) {
	for line := range bytes.Lines(table) {
		words := bytes.Fields(line)
		column := 9
		if len(words) == 9 {
			column = 8
		}
		if len(words) <= column {
			continue
		}
		if inode, err := strconv.ParseUint(string(words[column]), 10, 64); err == nil {
			out = append(out, inode)
		}
	}
	return out
}

// holder is " of PROGRAM", if a process can be found that has the socket.
func holder(inode uint64) string {
	link := socketLink(inode)
	files, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, f := range files {
		if to, err := os.Readlink(f); err != nil || to != link {
			continue
		}
		pid := strings.Split(f, "/")[2]
		name, err := os.ReadFile("/proc/" + pid + "/comm")
		if err != nil {
			continue
		}
		return fmt.Sprintf(" of %s (pid %s)", bytes.TrimSpace(name), pid)
	}
	return ""
}

// countedKinds are the kinds of interfaces that hand a packet on before they return, or put it where [Backlogged] or
// [Tables.Queues] count it, or have it wait at a neighbour entry, which may be that of the network below a tunnel.
// Other tunnels are not among them: what they receive waits in a queue of its own that nobody counts (gro_cells).
var countedKinds = map[string]bool{"veth": true, "bridge": true, "dummy": true, "vlan": true, "vrf": true,
	"vxlan": true}

// queuedByOffload are those of them that have a queue and a poll of their own while generic receive offload is on
// (veth_napi_enable, drivers/net/veth.c; gro_cells_receive, net/core/gro_cells.c).
var queuedByOffload = map[string]bool{"veth": true, "vxlan": true}

// forwardingKinds are those whose ports are handled at once, and not by a program that is asked first.
var forwardingKinds = map[string]bool{"": true, "bridge": true, "vrf": true}

// Of linux/if_link.h.
const (
	iflaXDP         = 43
	iflaXDPAttached = 2
)

// opaqueLinks are the interfaces of a node that may hold packets where nobody counts them, or lead to where nobody
// looks: to a namespace that is none of the lab's, as those that known does not know may.
func (n *namespace) opaqueLinks(known func(name string) bool) (out []string, err error) {
	req, start := message(nil, unix.RTM_GETLINK, unix.NLM_F_DUMP, make([]byte, unix.SizeofIfInfomsg))
	req = attribute(req, unix.IFLA_EXT_MASK, binary.NativeEndian.AppendUint32(nil, rtextFilterNoStats))
	var links []linkKind
	kinds := map[uint32]string{0: ""}
	err = n.conn.exchange(finish(req, start), func(typ uint16, b []byte) {
		if typ == unix.RTM_NEWLINK && len(b) >= unix.SizeofIfInfomsg {
			l := linkKindOf(b)
			links = append(links, l)
			kinds[l.index] = l.kind
		}
	}, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: list interfaces: %w", n.node, err)
	}
	for i := range links {
		l := &links[i]
		what := l.opaque()
		switch {
		case l.flags&unix.IFF_UP == 0 || what != "":
		case !forwardingKinds[kinds[l.master]]:
			what = fmt.Sprintf("the interface %s, whose packets a %s gets", l.name, kinds[l.master])
		case l.elsewhere && !known(l.name):
			what = fmt.Sprintf("the interface %s, which leads out of the lab", l.name)
		case queuedByOffload[l.kind] && n.receivesByNAPI(l.name):
			what = fmt.Sprintf("the interface %s, which receives by a queue of its own (ethtool(8), gro)", l.name)
		}
		if what != "" {
			out = append(out, what)
		}
	}
	return out, nil
}

// Of linux/ethtool.h and linux/sockios.h.
const (
	siocEthtool = 0x8946
	ethtoolGGRO = 0x2b
	ethtoolSGRO = 0x2c
)

// receivesByNAPI reports whether generic receive offload is on; see queuedByOffload. What cannot be read is so.
func (n *namespace) receivesByNAPI(name string) bool {
	v := ethtoolValue{command: ethtoolGGRO}
	return n.ethtool(name, &v) != nil || v.data != 0
}

// ethtoolValue is struct ethtool_value.
type ethtoolValue struct{ command, data uint32 }

// ethtool makes one request about an interface.
func (n *namespace) ethtool(name string, v *ethtoolValue) error {
	var r struct { // struct ifreq with ifr_data
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}
	copy(r.name[:unix.IFNAMSIZ-1], name)
	r.data = unsafe.Pointer(v)
	return n.ioctls.ask(siocEthtool, unsafe.Pointer(&r))
}

// linkKind is what matters of an interface here.
type linkKind struct {
	index, flags, master uint32
	name, kind           string
	xdp                  bool
	elsewhere            bool // its other end, or what it is stacked on, is in another namespace
	cutoff               int32
}

func linkKindOf(b []byte) linkKind {
	l := linkKind{index: binary.NativeEndian.Uint32(b[4:]), flags: binary.NativeEndian.Uint32(b[8:]), cutoff: 1}
	attributes(b[unix.SizeofIfInfomsg:], func(typ uint16, v []byte) {
		switch typ {
		case unix.IFLA_IFNAME:
			l.name = word(v)
		case unix.IFLA_MASTER:
			if len(v) == 4 {
				l.master = binary.NativeEndian.Uint32(v)
			}
		case unix.IFLA_LINK_NETNSID:
			l.elsewhere = true
		case iflaXDP:
			attributes(v, func(typ uint16, v []byte) {
				l.xdp = l.xdp || typ == iflaXDPAttached && len(v) > 0 && v[0] != 0
			})
		case unix.IFLA_LINKINFO:
			attributes(v, func(typ uint16, v []byte) {
				switch typ {
				case unix.IFLA_INFO_KIND:
					l.kind = word(v)
				case unix.IFLA_INFO_DATA:
					if l.kind == "macvlan" {
						attributes(v, func(typ uint16, v []byte) {
							if typ == unix.IFLA_MACVLAN_BC_CUTOFF && len(v) == 4 {
								l.cutoff = int32(binary.NativeEndian.Uint32(v))
							}
						})
					}
				}
			})
		}
	})
	return l
}

// opaque says what may hold a packet in an interface that is up, "" being nothing.
func (l *linkKind) opaque() string {
	switch {
	case l.flags&unix.IFF_UP == 0:
		return ""
	case l.xdp:
		return "an XDP program at " + l.name
	case l.kind == "macvlan" && l.cutoff >= 0:
		return fmt.Sprintf("the macvlan %s, whose broadcasts a kernel thread hands on", l.name)
	case l.kind == "macvlan", countedKinds[l.kind], l.kind == "" && l.flags&unix.IFF_LOOPBACK != 0:
		return ""
	case l.kind == "tun" && l.flags&unix.IFF_LOWER_UP == 0: // no program has it open
		return ""
	case l.kind == "":
		return fmt.Sprintf("the interface %s, which is no part of a lab", l.name)
	}
	return fmt.Sprintf("the %s interface %s, which may hold packets", l.kind, l.name)
}
