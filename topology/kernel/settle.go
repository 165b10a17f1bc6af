//go:build linux

package kernel

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"labctl/topology"
)

// settleTimeout is far beyond what the kernel takes for all but spanning trees, whose timers say how long they take.
const settleTimeout = 60 * time.Second

// AwaitSettled waits until the nodes behave as they will from now on: the kernel has acted on every carrier that came or went, every
// port of a bridge that has one is enabled, spanning trees have settled, and no IPv6 address is tentative. The kernel gets there some
// time after the last request was answered (net/core/link_watch.c); until then it sends nothing, and when it does act on a
// carrier that went, it throws away what waits for an answer (neigh_carrier_down). tell, if not nil, hears once a second how
// spanning trees come along.
func (s *Space) AwaitSettled(ctx context.Context, nodes []*topology.Node, tell func(TreeWait)) error {
	trees, err := s.awaitNodes(ctx, nodes)
	if err != nil || len(trees) == 0 {
		return err
	}
	if err := s.awaitTree(ctx, trees, treePeers(nodes), tell); err != nil {
		return err
	}
	// A bridge has a carrier only since a port of it forwards, and what sits on it too.
	_, err = s.awaitNodes(ctx, nodes)
	return err
}

// awaitNodes waits for everything but spanning trees, and returns the nodes that have a part in one.
func (s *Space) awaitNodes(ctx context.Context, nodes []*topology.Node) (trees []*topology.Node, err error) {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	// Bridges last: they are settled when all around them is, and one with a thousand ports is slow to look at.
	for _, bridges := range []bool{false, true} {
		for _, k := range nodes {
			if bridges != (k.Kind == topology.Bridge) {
				continue
			}
			tree, err := s.awaitNode(ctx, k)
			if err != nil {
				return nil, err
			}
			if tree {
				trees = append(trees, k)
			}
		}
	}
	return trees, nil
}

func (s *Space) awaitNode(ctx context.Context, k *topology.Node) (tree bool, err error) {
	n, err := s.node(k.Name)
	if err != nil {
		return false, err
	}
	defer n.wire.close() // a thousand open sockets cost memory
	var tick *time.Ticker
	for {
		why, tree, err := s.unsettled(n, k, tick == nil)
		if err != nil || why == "" {
			return tree, err
		}
		if tick == nil {
			tick = time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false, fmt.Errorf("%s: not ready within %s: %s: %w", k.Name, settleTimeout, why, context.Cause(ctx))
		}
	}
}

// syncLinks has the kernel act at once on what it would leave for up to a second: carriers that went, and those of bridges. Asked for one
// interface alone, it does so before it answers, since Linux 6.9 (rtnl_getlink, linkwatch_sync_dev); what older ones have not done yet
// shows in [linkState.waits], unless the carrier came and went meanwhile. went reports whether there was a carrier that went.
func (s *Space) syncLinks(n *node, links []linkState) (went bool, err error) {
	for _, l := range links {
		if l.flags&unix.IFF_UP == 0 || l.carrier() && (!l.bridge || l.oper == operUp) {
			continue
		}
		info := make([]byte, unix.SizeofIfInfomsg)
		binary.NativeEndian.PutUint32(info[4:], uint32(l.index))
		req, start := message(nil, unix.RTM_GETLINK, 0, info)
		req = attribute(req, unix.IFLA_EXT_MASK, binary.NativeEndian.AppendUint32(nil, rtextFilterNoStats))
		err := s.exchange(n, finish(req, start), func(uint16, []byte) {}, func(e unix.Errno) error { return tolerate(e, unix.ENODEV) })
		if err != nil {
			return went, fmt.Errorf("%s: ask for %s: %w", n.name, l.name, err)
		}
		went = went || !l.carrier()
	}
	return went, nil
}

// States of a bridge port, linux/if_bridge.h.
const (
	portDisabled = iota
	portListening
	portLearning
	portForwarding
)

// unsettled says what a node still waits for, or "", and whether it has a part in a spanning tree, which is waited for elsewhere.
// The first look has the kernel act on carriers that went.
func (s *Space) unsettled(n *node, k *topology.Node, first bool) (why string, tree bool, err error) {
	links, err := s.dump(n, unix.AF_UNSPEC)
	if err == nil && first {
		var went bool
		if went, err = s.syncLinks(n, links); went && err == nil {
			links, err = s.dump(n, unix.AF_UNSPEC)
		}
	}
	if err != nil {
		return "", false, err
	}
	up, direct, ports := map[int32]bool{}, map[int32]bool{}, false
	for _, l := range links {
		up[l.index] = l.carrier()
		on := l.flags&unix.IFF_UP != 0
		direct[l.index] = on && l.tree == nil // its ports forward as soon as they have a carrier
		tree = tree || on && l.tree != nil
		ports = ports || l.master != 0
		if why := l.waits(); why != "" {
			return why, tree, nil
		}
	}
	if ports {
		list, err := s.dump(n, unix.AF_BRIDGE)
		if err != nil {
			return "", tree, err
		}
		for _, p := range list {
			if p.port && up[p.index] && direct[p.master] && p.state < portForwarding {
				return fmt.Sprintf("bridge port %s is %s", p.name, portStates[p.state]), tree, nil
			}
		}
	}
	if k.IPv6 {
		why, err = s.tentative(n)
	}
	return why, tree, err
}

// tentative names an IPv6 address that duplicate address detection has not released.
func (s *Space) tentative(n *node) (why string, err error) {
	req, start := message(nil, unix.RTM_GETADDR, unix.NLM_F_DUMP, append([]byte{unix.AF_INET6}, make([]byte, unix.SizeofIfAddrmsg-1)...))
	err = s.exchange(n, finish(req, start), func(typ uint16, b []byte) {
		if typ == unix.RTM_NEWADDR && len(b) >= unix.SizeofIfAddrmsg && b[0] == unix.AF_INET6 && b[2]&unix.IFA_F_TENTATIVE != 0 && b[2]&unix.IFA_F_DADFAILED == 0 {
			why = "an IPv6 address is tentative"
		}
	}, func(e unix.Errno) error { return e })
	return why, err
}

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
		// The own flag of a bridge without a tree follows up to a second later and means nothing: it has sent since it was opened.
		return l.name + " has a carrier and is not running"
	case l.carrier() && l.veth && l.oper != operUp:
		// An end that was up before the other one has a carrier and, its state being unknown, counts as running, and yet swallows
		// what is sent until the kernel has acted on the carrier: only then it gets a queue (net/core/link_watch.c, dev_activate).
		return fmt.Sprintf("%s has a carrier, and its operational state is %d and not %d", l.name, l.oper, operUp)
	case l.flags&unix.IFF_UP != 0 && !l.carrier() && l.flags&unix.IFF_RUNNING != 0:
		// Switches take the flag for the carrier, as sent messages do (see Seen). And when the kernel acts on it, it throws away the
		// neighbour entries that wait for an answer, with what waits for them (net/ipv4/arp.c, arp_netdev_event).
		return l.name + " has no carrier and is running"
	}
	return ""
}

// Of linux/if_link.h and linux/rtnetlink.h: counters are most of an answer, and nobody wants them here.
const (
	brportState        = 1 // IFLA_BRPORT_STATE
	rtextFilterNoStats = 8 // RTEXT_FILTER_SKIP_STATS
)

// dump lists interfaces (AF_UNSPEC) or bridge ports (AF_BRIDGE).
func (s *Space) dump(n *node, family byte) ([]linkState, error) {
	req, start := message(nil, unix.RTM_GETLINK, unix.NLM_F_DUMP, append([]byte{family}, make([]byte, unix.SizeofIfInfomsg-1)...))
	req = attribute(req, unix.IFLA_EXT_MASK, binary.NativeEndian.AppendUint32(nil, rtextFilterNoStats))
	var out []linkState
	err := s.exchange(n, finish(req, start), func(typ uint16, b []byte) {
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
	}, func(e unix.Errno) error { return e })
	if err != nil {
		return nil, fmt.Errorf("%s: list interfaces: %w", n.name, err)
	}
	return out, nil
}
