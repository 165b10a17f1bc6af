//go:build linux

package kernel

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// bridgePortForwarding is BR_STATE_FORWARDING of linux/if_bridge.h.
const bridgePortForwarding = 3

// settleTimeout is beyond twice the forward delay of 15 s that STP takes (IEEE 802.1D).
const settleTimeout = 60 * time.Second

// AwaitSettled waits until a node behaves as it will from now on: with stp, until each of its bridge ports that has a
// carrier has left the listening and learning states; with ipv6, until no address is tentative.
func (s *Space) AwaitSettled(ctx context.Context, nodeName string, stp, ipv6 bool) error {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		why, err := s.unsettled(nodeName, stp, ipv6)
		if err != nil || why == "" {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%s: not ready within %s: %s: %w", nodeName, settleTimeout, why, context.Cause(ctx))
		}
	}
}

// unsettled says what a node still waits for, or "".
func (s *Space) unsettled(nodeName string, stp, ipv6 bool) (string, error) {
	h, err := s.handle(nodeName)
	if err != nil {
		return "", err
	}
	if stp {
		ports, err := s.portStates(nodeName)
		if err != nil {
			return "", err
		}
		for name, state := range ports {
			if state == 1 || state == 2 {
				return fmt.Sprintf("STP has port %s in state %d, %d is forwarding", name, state, bridgePortForwarding), nil
			}
		}
	}
	if ipv6 {
		addrs, err := h.AddrList(nil, unix.AF_INET6)
		if err != nil {
			return "", err
		}
		for _, a := range addrs {
			if a.Flags&unix.IFA_F_TENTATIVE != 0 && a.Flags&unix.IFA_F_DADFAILED == 0 {
				return fmt.Sprintf("address %s is tentative", a.IP), nil
			}
		}
	}
	return "", nil
}

// portStates reads the STP state of every bridge port: IFLA_BRPORT_STATE of an AF_BRIDGE dump, for which the library has
// no field.
func (s *Space) portStates(nodeName string) (map[string]uint8, error) {
	n, err := s.node(nodeName)
	if err != nil {
		return nil, err
	}
	sock, err := s.requests(n)
	if err != nil {
		return nil, err
	}
	req := nl.NewNetlinkRequest(unix.RTM_GETLINK, unix.NLM_F_DUMP)
	req.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: sock}
	req.AddData(nl.NewIfInfomsg(unix.AF_BRIDGE))
	msgs, err := req.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWLINK)
	if err != nil {
		return nil, fmt.Errorf("%s: list bridge ports: %w", nodeName, err)
	}
	out := map[string]uint8{}
	for _, m := range msgs {
		attrs, err := nl.ParseRouteAttr(m[unix.SizeofIfInfomsg:])
		if err != nil {
			return nil, err
		}
		name, state := "", uint8(0)
		for _, a := range attrs {
			switch a.Attr.Type &^ unix.NLA_F_NESTED {
			case unix.IFLA_IFNAME:
				name = string(bytes.TrimRight(a.Value, "\x00"))
			case unix.IFLA_PROTINFO:
				inner, err := nl.ParseRouteAttr(a.Value)
				if err != nil {
					return nil, err
				}
				for _, i := range inner {
					if i.Attr.Type == brportState && len(i.Value) == 1 {
						state = i.Value[0]
					}
				}
			}
		}
		if name != "" {
			out[name] = state
		}
	}
	return out, nil
}

// brportState is IFLA_BRPORT_STATE of linux/if_link.h.
const brportState = 1
