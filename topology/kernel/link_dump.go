//go:build linux

package kernel

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// linkState is what a dump says of an interface.
type linkState struct {
	index, master int32
	flags         uint32
	name          string
	lower         bool // it is one end of a pair, or stacked on another
	port          bool // the dump was of bridge ports, and this is one
	state         uint8
	held          treePort // of a bridge port: what it holds of its tree
	veth, bridge  bool
	tree          *treeBridge // of a bridge with a spanning tree
	oper          uint8       // RFC 2863's ifOperStatus as linux/if.h numbers it
	changes       uint32      // how often the carrier came or went
}

const operUp = 6 // IF_OPER_UP

func (l *linkState) carrier() bool { return l.flags&unix.IFF_UP != 0 && l.flags&unix.IFF_LOWER_UP != 0 }

// waits says what the kernel has still to do with an interface, or "".
func (l *linkState) waits() string {
	switch {
	case l.carrier() && (l.lower || l.tree != nil) && l.flags&unix.IFF_RUNNING == 0:
		// The own flag of a bridge without a tree follows up to a second later and means nothing: it has sent since it
		// was opened.
		return l.name + " has a carrier and is not running"
	case l.carrier() && l.veth && l.oper != operUp:
		// An end that was up before the other one has a carrier and, its state being unknown, counts as running, and
		// yet swallows what is sent until the kernel has acted on the carrier: only then it gets a queue
		// (net/core/link_watch.c, dev_activate).
		return fmt.Sprintf("%s has a carrier, and its operational state is %d and not %d", l.name, l.oper, operUp)
	case l.flags&unix.IFF_UP != 0 && !l.carrier() && l.flags&unix.IFF_RUNNING != 0:
		// Switches take the flag for the carrier, as sent messages do (see Seen). And when the kernel acts on it, it
		// throws away the neighbour entries that wait for an answer, with what waits for them (net/ipv4/arp.c,
		// arp_netdev_event).
		return l.name + " has no carrier and is running"
	}
	return ""
}

// dump lists interfaces (AF_UNSPEC) or bridge ports (AF_BRIDGE).
func (c *conn) dump(family byte) ([]linkState, error) {
	req, start := message(nil, unix.RTM_GETLINK, unix.NLM_F_DUMP,
		append([]byte{family}, make([]byte, unix.SizeofIfInfomsg-1)...))
	req = attribute(req, unix.IFLA_EXT_MASK, binary.NativeEndian.AppendUint32(nil, rtextFilterNoStats))
	var out []linkState
	err := c.exchange(finish(req, start), func(typ uint16, b []byte) {
		if typ != unix.RTM_NEWLINK || len(b) < unix.SizeofIfInfomsg {
			return
		}
		l := linkState{index: int32(binary.NativeEndian.Uint32(b[4:])), flags: binary.NativeEndian.Uint32(b[8:])}
		attributes(b[unix.SizeofIfInfomsg:], func(typ uint16, v []byte) {
			switch typ {
			case unix.IFLA_IFNAME:
				l.name = string(bytes.TrimRight(v, "\x00"))
			case unix.IFLA_LINK, unix.IFLA_LINK_NETNSID:
				l.lower = true
			case unix.IFLA_OPERSTATE:
				if len(v) == 1 {
					l.oper = v[0]
				}
			case unix.IFLA_CARRIER_CHANGES:
				if len(v) == 4 {
					l.changes = binary.NativeEndian.Uint32(v)
				}
			case unix.IFLA_LINKINFO:
				kind := ""
				attributes(v, func(typ uint16, v []byte) {
					if typ == unix.IFLA_INFO_KIND {
						kind = string(bytes.TrimRight(v, "\x00"))
						l.veth, l.bridge = kind == "veth", kind == "bridge"
					}
					if typ == unix.IFLA_INFO_DATA && kind == "bridge" {
						l.tree = treeOf(v)
					}
				})
			case unix.IFLA_MASTER:
				l.master = int32(binary.NativeEndian.Uint32(v))
			case unix.IFLA_PROTINFO:
				if family == unix.AF_BRIDGE {
					attributes(v, func(typ uint16, v []byte) {
						if typ == brportState && len(v) == 1 {
							l.port, l.state = true, v[0]
						}
						l.held.hold(typ, v)
					})
				}
			}
		})
		out = append(out, l)
	}, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: list interfaces: %w", c.node, err)
	}
	return out, nil
}

// syncLinks has the kernel act at once on what it would leave for up to a second: carriers that went, those of bridges,
// and those that came where it does not hurry, as to a macvlan whose index is that of its lower in another namespace
// (linkwatch_urgent_event, net/core/link_watch.c). Asked for one interface alone, it does so before it answers, since
// Linux 6.9 (rtnl_getlink, linkwatch_sync_dev); what older ones have not done yet shows in [linkState.waits], unless
// the carrier came and went meanwhile. acted reports whether it may have changed anything that waits.
func (c *conn) syncLinks(links []linkState) (acted bool, err error) {
	for _, l := range links {
		waits := l.waits() != ""
		if l.flags&unix.IFF_UP == 0 || l.carrier() && !waits && (!l.bridge || l.oper == operUp) {
			continue
		}
		info := make([]byte, unix.SizeofIfInfomsg)
		binary.NativeEndian.PutUint32(info[4:], uint32(l.index))
		req, start := message(nil, unix.RTM_GETLINK, 0, info)
		req = attribute(req, unix.IFLA_EXT_MASK, binary.NativeEndian.AppendUint32(nil, rtextFilterNoStats))
		err := c.exchange(finish(req, start), nil, func(e unix.Errno) error { return tolerate(e, unix.ENODEV) })
		if err != nil {
			return acted, fmt.Errorf("%s: ask for %s: %w", c.node, l.name, err)
		}
		acted = acted || !l.carrier() || waits
	}
	return acted, nil
}

// tentative names an IPv6 address that duplicate address detection has not released.
func (c *conn) tentative() (why string, err error) {
	req, start := message(nil, unix.RTM_GETADDR, unix.NLM_F_DUMP,
		append([]byte{unix.AF_INET6}, make([]byte, unix.SizeofIfAddrmsg-1)...))
	err = c.exchange(finish(req, start), func(typ uint16, b []byte) {
		if typ == unix.RTM_NEWADDR && len(b) >= unix.SizeofIfAddrmsg && b[0] == unix.AF_INET6 &&
			b[2]&unix.IFA_F_TENTATIVE != 0 && b[2]&unix.IFA_F_DADFAILED == 0 {
			why = "an IPv6 address is tentative"
		}
	}, nil)
	return why, err
}

// treeBridges are the bridges of a node that take part in a spanning tree. One that is down does not, whatever its
// carrier: while all ports of a bridge listen it has none (net/bridge/br_stp.c, br_port_state_selection).
func (c *conn) treeBridges() ([]*treeBridge, error) {
	links, err := c.dump(unix.AF_UNSPEC)
	if err != nil {
		return nil, err
	}
	by, carrier := map[int32]*treeBridge{}, map[int32]bool{}
	var out []*treeBridge
	for _, l := range links {
		carrier[l.index] = l.carrier()
		if l.tree != nil && l.flags&unix.IFF_UP != 0 {
			l.tree.node, l.tree.name = c.node, l.name
			by[l.index] = l.tree
			out = append(out, l.tree)
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	ports, err := c.dump(unix.AF_BRIDGE)
	if err != nil {
		return nil, err
	}
	for _, p := range ports {
		if b := by[p.master]; b != nil && p.port && carrier[p.index] {
			p.held.name, p.held.state = p.name, p.state
			b.ports = append(b.ports, p.held)
		}
	}
	return out, nil
}
