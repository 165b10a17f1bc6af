//go:build linux

package kernel

import (
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"labctl/topology"
)

// route adds or removes a route, whichever do does.
func (n *namespace) route(r topology.Route, do func(*netlink.Handle, *netlink.Route) error) error {
	h, err := n.rtnl()
	if err != nil {
		return err
	}
	nr := &netlink.Route{Dst: ipNet(r.Dst), Priority: r.Metric, Type: routeTypes[r.Type], Protocol: unix.RTPROT_BOOT,
		Scope: netlink.SCOPE_UNIVERSE, Table: int(r.Table)}
	if r.Via.IsValid() {
		nr.Gw = r.Via.AsSlice()
	} else if r.Type == "unicast" && r.Dst.Addr().Is4() && r.Dev != "" {
		nr.Scope = netlink.SCOPE_LINK
	}
	if r.Dev != "" {
		if nr.LinkIndex, err = n.ifindex(r.Dev); err != nil {
			return err
		}
	}
	if r.Src.IsValid() {
		nr.Src = r.Src.AsSlice()
	}
	if r.OnLink {
		nr.Flags = int(netlink.FLAG_ONLINK)
	}
	for _, hop := range r.NextHops {
		nh := &netlink.NexthopInfo{Hops: hop.Weight - 1}
		if hop.Via.IsValid() {
			nh.Gw = hop.Via.AsSlice()
		}
		if hop.Dev != "" {
			if nh.LinkIndex, err = n.ifindex(hop.Dev); err != nil {
				return err
			}
		}
		if hop.OnLink {
			nh.Flags = int(netlink.FLAG_ONLINK)
		}
		nr.MultiPath = append(nr.MultiPath, nh)
	}
	return do(h, nr)
}

// ipNet is a prefix as package netlink takes it; nil if it is not valid.
func ipNet(p netip.Prefix) *net.IPNet {
	if !p.IsValid() {
		return nil
	}
	return &net.IPNet{IP: p.Masked().Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// ipRule adds or removes a rule of routing policy, whichever do does.
func (n *namespace) ipRule(r topology.IPRule, do func(*netlink.Handle, *netlink.Rule) error) error {
	h, err := n.rtnl()
	if err != nil {
		return err
	}
	nr := netlink.NewRule()
	nr.Family, nr.Priority, nr.Invert = unix.AF_INET, int(r.Priority), r.Not
	if r.V6 {
		nr.Family = unix.AF_INET6
	}
	nr.Src, nr.Dst, nr.IifName, nr.OifName = ipNet(r.From), ipNet(r.To), r.IIF, r.OIF
	if r.MarkMask != 0 {
		nr.Mark, nr.Mask = r.Mark, &r.MarkMask
	}
	nr.Tos, nr.IPProto = uint(r.TOS), int(r.Proto)
	if r.SPort != (topology.PortRange{}) {
		nr.Sport = netlink.NewRulePortRange(r.SPort.First, r.SPort.Last)
	}
	if r.DPort != (topology.PortRange{}) {
		nr.Dport = netlink.NewRulePortRange(r.DPort.First, r.DPort.Last)
	}
	if r.Action != "table" { // enum of linux/fib_rules.h, whose numbers are those of the types of routes
		nr.Type = uint8(routeTypes[r.Action])
		return do(h, nr)
	}
	nr.Table = topology.MainTable
	if r.Table != 0 {
		nr.Table = int(r.Table)
	}
	nr.SuppressPrefixlen = r.Suppress
	return do(h, nr)
}
