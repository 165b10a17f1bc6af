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

// settleTimeout is beyond twice the forward delay of 15 s that STP takes (IEEE 802.1D).
const settleTimeout = 60 * time.Second

// AwaitSettled waits until the nodes behave as they will from now on: every link end with a carrier is running, and none without
// one on a virtual switch; every bridge port with one has left the disabled, listening and learning states, and no IPv6 address is
// tentative. The kernel gets there some time after the last request was answered (net/core/link_watch.c), and sends nothing
// until then.
func (s *Space) AwaitSettled(ctx context.Context, nodes []*topology.Node) error {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	// Bridges last: they are settled when all around them is, and one with a thousand ports is slow to look at.
	for _, bridges := range []bool{false, true} {
		for _, k := range nodes {
			if bridges == (k.Kind == topology.Bridge) {
				if err := s.awaitNode(ctx, k); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (s *Space) awaitNode(ctx context.Context, k *topology.Node) error {
	n, err := s.node(k.Name)
	if err != nil {
		return err
	}
	defer n.wire.close() // a thousand open sockets cost memory
	var tick *time.Ticker
	for {
		why, err := s.unsettled(n, k)
		if err != nil || why == "" {
			return err
		}
		if tick == nil {
			tick = time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%s: not ready within %s: %s: %w", k.Name, settleTimeout, why, context.Cause(ctx))
		}
	}
}

// States of a bridge port, linux/if_bridge.h.
const (
	portDisabled = iota
	portListening
	portLearning
	portForwarding
)

// unsettled says what a node still waits for, or "".
func (s *Space) unsettled(n *node, k *topology.Node) (string, error) {
	links, err := s.dump(n, unix.AF_UNSPEC)
	if err != nil {
		return "", err
	}
	up, bridges := map[int32]bool{}, false
	for _, l := range links {
		up[l.index] = l.carrier()
		bridges = bridges || l.master != 0
		if why := l.waits(k.Kind == topology.VSwitch); why != "" {
			return why, nil
		}
	}
	if bridges {
		ports, err := s.dump(n, unix.AF_BRIDGE)
		if err != nil {
			return "", err
		}
		for _, p := range ports {
			if p.port && up[p.index] && up[p.master] && p.state < portForwarding {
				return fmt.Sprintf("bridge port %s is in state %d, and %d is forwarding", p.name, p.state, portForwarding), nil
			}
		}
	}
	if k.IPv6 {
		return s.tentative(n)
	}
	return "", nil
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
	veth          bool
	oper          uint8 // RFC 2863's ifOperStatus as linux/if.h numbers it
}

const operUp = 6 // IF_OPER_UP

func (l *linkState) carrier() bool { return l.flags&unix.IFF_UP != 0 && l.flags&unix.IFF_LOWER_UP != 0 }

// waits says what the kernel has still to do with an interface, or "".
func (l *linkState) waits(onSwitch bool) string {
	switch {
	case l.carrier() && l.lower && l.flags&unix.IFF_RUNNING == 0:
		// A bridge's own flag follows up to a second later and means nothing: it has sent since it was opened.
		return l.name + " has a carrier and is not running"
	case l.carrier() && l.veth && l.oper != operUp:
		// An end that was up before the other one has a carrier and, its state being unknown, counts as running, and yet swallows
		// what is sent until the kernel has acted on the carrier: only then it gets a queue (net/core/link_watch.c, dev_activate).
		return fmt.Sprintf("%s has a carrier, and its operational state is %d and not %d", l.name, l.oper, operUp)
	case onSwitch && !l.carrier() && l.lower && running(l.flags):
		// Switches take the flag for the carrier, as sent messages do (see Seen).
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
			case unix.IFLA_LINKINFO:
				attributes(v, func(typ uint16, v []byte) {
					if typ == unix.IFLA_INFO_KIND {
						l.veth = string(bytes.TrimRight(v, "\x00")) == "veth"
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
