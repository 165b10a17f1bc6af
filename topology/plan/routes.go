package plan

import (
	"net/netip"
	"slices"

	"labctl/topology"
)

// routesThatHold are those routes of a node that its kernel can have with the interfaces that are up: what lies behind
// an interface that is down it has dropped (fib_disable_ip, rt6_disable_ip), and refuses to take again before the
// interface is up.
func routesThatHold(n *topology.Node) []topology.Route {
	down := func(i *topology.Interface) bool { return !i.Up }
	if !slices.ContainsFunc(n.Interfaces, down) {
		return n.Routes // what the kernel refuses now is for the kernel to say
	}
	var hold []topology.Route
	for _, r := range n.Routes {
		i := n.Interface(r.Dev)
		lost := i != nil && down(i) || // the device
			r.Via.IsValid() && !r.OnLink && !onLink(n, r.Via, r.Dev) || // the network of the gateway
			r.Src.Is6() && !owns(n, r.Src) // the source: of an interface that is down, IPv4 addresses stay
		if !lost {
			hold = append(hold, r)
		}
	}
	return hold
}

// onLink reports whether a gateway can be reached directly over an interface that is up; dev may be empty, for any.
func onLink(n *topology.Node, via netip.Addr, dev string) bool {
	for _, i := range n.Interfaces {
		if i.Up && (dev == "" || dev == i.Name) {
			linkLocal := dev != "" && via.Is6() && via.IsLinkLocalUnicast()
			if linkLocal || slices.ContainsFunc(i.Addrs, func(p netip.Prefix) bool { return p.Contains(via) }) {
				return true
			}
		}
	}
	// a route to a device makes its destination connected
	return slices.ContainsFunc(n.Routes, func(r topology.Route) bool {
		if r.Via.IsValid() || r.Dev == "" || dev != "" && dev != r.Dev || !r.Dst.Contains(via) {
			return false
		}
		i := n.Interface(r.Dev)
		return i == nil || i.Up
	})
}

// owns reports whether an interface that is up has the address.
func owns(n *topology.Node, a netip.Addr) bool {
	return slices.ContainsFunc(n.Interfaces, func(i *topology.Interface) bool {
		return i.Up && slices.ContainsFunc(i.Addrs, func(p netip.Prefix) bool { return p.Addr() == a })
	})
}
