//go:build linux

package kernel

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
)

// TableChange is one change of a kernel table in a node, as the kernel told of it.
type TableChange struct {
	Kind string // neigh fdb link, or lost: changes came faster than they were read, and some are not told
	Node string
	Dev  string // the interface; of fdb, the port that the address is on
	Gone bool   // the entry or interface is not there any more

	IP    netip.Addr     // neigh
	MAC   switchcore.MAC // neigh (zero: not known) and fdb
	State string         // neigh: a word of ip-neighbour(8) in capitals; fdb: static, or ""

	Bridge string // fdb: the bridge
	VLAN   int    // fdb: 0 when the bridge keeps none apart

	// link: what changed, state (up, no-carrier, down) port (a bridge port's state) master mac or promiscuous (yes, no)
	Key, Old, New string
}

// monitor follows all nodes of a Space.
type monitor struct {
	space *Space
	nodes map[int32]*namespace // by their number in the hub, also those that are gone
	links map[interfaceKey]linkView
}

// linkView is what is reported of an interface when it changes.
type linkView struct {
	name, state, port string
	mac               switchcore.MAC
	promiscuous       bool
	master            int32
}

// Monitor tells of every change of neighbour tables, of Linux bridges' forwarding tables and of interfaces, in all
// nodes and in those to come, in the order in which the kernel tells of them, until ctx is done, which is not an error,
// or each returns one. Permanent neighbours, those without resolution (NOARP), and a bridge's own addresses are not
// reported. Ready is called when no further change can be missed. It changes nothing.
func (s *Space) Monitor(ctx context.Context, ready func(), each func(TableChange) error) error {
	if err := s.nsids.all(s.all()); err != nil {
		return err
	}
	fd, err := openListener(s.hub, unix.RTNLGRP_LINK, unix.RTNLGRP_NEIGH)
	if err != nil {
		return fmt.Errorf("listen for changes: %w", err)
	}
	file := os.NewFile(uintptr(fd), "rtnetlink")
	defer file.Close()
	m := &monitor{space: s, nodes: map[int32]*namespace{}, links: map[interfaceKey]linkView{}}
	if err := m.begin(); err != nil {
		return err
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = file.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	ready()
	err = m.listen(raw, each)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (m *monitor) listen(raw syscall.RawConn, each func(TableChange) error) error {
	buf, oob := make([]byte, 64<<10), make([]byte, 64)
	for {
		var n, o int
		var got error
		err := raw.Read(func(fd uintptr) bool {
			n, o, _, _, got = unix.Recvmsg(int(fd), buf, oob, unix.MSG_DONTWAIT)
			return !errors.Is(got, unix.EAGAIN)
		})
		switch {
		case err != nil:
			return err
		case errors.Is(got, unix.EINTR):
			continue
		case errors.Is(got, unix.ENOBUFS):
			if err := each(TableChange{Kind: "lost"}); err != nil {
				return err
			}
			continue
		case got != nil:
			return fmt.Errorf("listen for changes: %w", got)
		}
		from := m.from(originOf(oob[:o]))
		if from == nil {
			continue
		}
		for b := buf[:n]; len(b) >= unix.NLMSG_HDRLEN; {
			size := int(binary.NativeEndian.Uint32(b))
			if size < unix.NLMSG_HDRLEN || size > len(b) {
				break
			}
			typ, body := binary.NativeEndian.Uint16(b[4:]), b[unix.NLMSG_HDRLEN:size]
			b = b[min(len(b), (size+3)&^3):]
			for _, k := range m.message(from, typ, body) {
				if err := each(k); err != nil {
					return err
				}
			}
		}
	}
}

// from is the namespace with a number; nil for what is not of this Space's.
func (m *monitor) from(nsid int32) *namespace {
	if n := m.nodes[nsid]; n != nil || nsid < 0 {
		return n
	}
	maps.Copy(m.nodes, m.space.nsids.known(m.space.all()))
	return m.nodes[nsid]
}

// begin reads what the interfaces are like, or the first message of each would have to be reported as a change.
func (m *monitor) begin() error {
	for _, n := range m.space.all() {
		nsid, err := m.space.nsids.of(n)
		if n.wentAway(err) {
			continue
		}
		if err != nil {
			return err
		}
		m.nodes[nsid] = n
		for _, family := range []byte{unix.AF_UNSPEC, unix.AF_BRIDGE} {
			req, start := message(nil, unix.RTM_GETLINK, unix.NLM_F_DUMP,
				append([]byte{family}, make([]byte, unix.SizeofIfInfomsg-1)...))
			req = attribute(req, unix.IFLA_EXT_MASK, binary.NativeEndian.AppendUint32(nil, rtextFilterNoStats))
			err := n.conn.exchange(finish(req, start), func(typ uint16, b []byte) { m.message(n, typ, b) }, nil)
			if n.wentAway(err) {
				break
			}
			if err != nil {
				return fmt.Errorf("%s: list interfaces: %w", n.node, err)
			}
		}
	}
	return nil
}

// message is the changes that one message tells of.
func (m *monitor) message(n *namespace, typ uint16, b []byte) []TableChange {
	switch {
	case (typ == unix.RTM_NEWLINK || typ == unix.RTM_DELLINK) && len(b) >= unix.SizeofIfInfomsg:
		return m.link(n, typ == unix.RTM_DELLINK, b)
	case (typ == unix.RTM_NEWNEIGH || typ == unix.RTM_DELNEIGH) && len(b) >= unix.SizeofNdMsg:
		return m.neighbour(n, typ == unix.RTM_DELNEIGH, b)
	}
	return nil
}

func (m *monitor) neighbour(n *namespace, gone bool, b []byte) []TableChange {
	state, index := int(binary.NativeEndian.Uint16(b[8:])), int32(binary.NativeEndian.Uint32(b[4:]))
	static := b[0] == unix.AF_BRIDGE && state&unix.NUD_NOARP != 0
	if state&(unix.NUD_NOARP|unix.NUD_PERMANENT) != 0 && !static {
		return nil
	}
	k := TableChange{Kind: "neigh", Node: n.node, Gone: gone, State: neighbourStates[state]}
	master := int32(0)
	attributes(b[unix.SizeofNdMsg:], func(typ uint16, v []byte) {
		switch {
		case typ == unix.NDA_DST:
			k.IP, _ = netip.AddrFromSlice(v)
		case typ == unix.NDA_LLADDR:
			copy(k.MAC[:], v)
		case typ == unix.NDA_MASTER && len(v) == 4:
			master = int32(binary.NativeEndian.Uint32(v))
		case typ == unix.NDA_VLAN && len(v) == 2:
			k.VLAN = int(binary.NativeEndian.Uint16(v))
		}
	})
	switch {
	case b[0] == unix.AF_BRIDGE && master != 0:
		k.Kind, k.State, k.Bridge = "fdb", "", m.name(n, master)
		if static {
			k.State = "static"
		}
	case !k.IP.IsValid() || b[0] == unix.AF_BRIDGE:
		return nil
	}
	k.Dev = m.name(n, index)
	return []TableChange{k}
}

func (m *monitor) link(n *namespace, gone bool, b []byte) []TableChange {
	k := readLink(b)
	at := interfaceKey{n.nsid, k.index}
	was, known := m.links[at]
	if k.family != unix.AF_UNSPEC && !known {
		return nil
	}
	now := was
	k.update(b[unix.SizeofIfInfomsg:], &now)
	change := TableChange{Kind: "link", Node: n.node, Dev: now.name}
	if gone && k.family == unix.AF_UNSPEC {
		delete(m.links, at)
		change.Gone = true
		return []TableChange{change}
	}
	if k.family == unix.AF_BRIDGE && gone {
		now.port = ""
	}
	m.links[at] = now
	if !known {
		change.Key, change.New = "state", now.state
		return []TableChange{change}
	}
	yes := map[bool]string{true: "yes", false: "no"}
	var out []TableChange
	for _, c := range []struct{ key, old, new string }{
		{"name", was.name, now.name}, {"state", was.state, now.state},
		{"master", m.name(n, was.master), m.name(n, now.master)}, {"port", was.port, now.port},
		{"mac", was.mac.String(), now.mac.String()}, {"promiscuous", yes[was.promiscuous], yes[now.promiscuous]}} {
		if c.old != c.new {
			change.Key, change.Old, change.New = c.key, c.old, c.new
			out = append(out, change)
		}
	}
	return out
}

// update takes over what a message says: of a bridge port only that it is one, in a state.
func (k *linkMessage) update(attrs []byte, now *linkView) {
	master := int32(0)
	attributes(attrs, func(typ uint16, v []byte) {
		switch typ {
		case unix.IFLA_IFNAME:
			now.name = string(v[:max(slices.Index(v, 0), 0)])
		case unix.IFLA_MASTER:
			master = int32(binary.NativeEndian.Uint32(v))
		case unix.IFLA_PROTINFO:
			if k.family == unix.AF_BRIDGE {
				attributes(v, func(typ uint16, v []byte) {
					if typ == brportState && len(v) == 1 {
						now.port = portState(v[0])
					}
				})
			}
		}
	})
	if k.family != unix.AF_UNSPEC {
		return
	}
	now.mac, now.promiscuous, now.master = k.mac, k.promiscuity > 0, master
	switch {
	case k.flags&unix.IFF_UP == 0:
		now.state = "down"
	case k.flags&unix.IFF_LOWER_UP == 0:
		now.state = "no-carrier"
	default:
		now.state = "up"
	}
}

// name is an interface's name; "" for none and for one that is gone.
func (m *monitor) name(n *namespace, index int32) string {
	if index == 0 {
		return ""
	}
	if k, ok := m.links[interfaceKey{n.nsid, index}]; ok {
		return k.name
	}
	r, err := n.ioctls.byIndex(index)
	if err != nil {
		return ""
	}
	return r.name()
}
