package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"labctl/topology"
)

func (o AddRoute) shell(ns func(string) string) string {
	return "ip" + routeFamily(o.Route) + " -n " + ns(o.Node) + " route add " + routeArgs(o.Route)
}

func (o DelRoute) shell(ns func(string) string) string {
	return tolerant("ip" + routeFamily(o.Route) + " -n " + ns(o.Node) + " route del " + routeArgs(o.Whole()))
}

// Whole is the route as it is removed: one of several next hops without them, since the kernel may have lost some with
// their interfaces, and compares those that it is told (fib_nh_match, net/ipv4/fib_semantics.c).
func (o DelRoute) Whole() topology.Route {
	r := o.Route
	if len(r.NextHops) > 0 {
		r.NextHops, r.Src = nil, netip.Addr{}
	}
	return r
}

func routeArgs(r topology.Route) string {
	var w []string
	if r.Type != "" && r.Type != "unicast" {
		w = append(w, r.Type)
	}
	w = append(w, routeDst(r))
	if len(r.NextHops) == 0 {
		w = append(w, hopArgs(r.Hops()[0])...)
	}
	if r.Metric != 0 {
		w = append(w, fmt.Sprintf("metric %d", r.Metric))
	}
	if r.Src.IsValid() {
		w = append(w, "src "+r.Src.String())
	}
	if r.Table != 0 {
		w = append(w, "table "+topology.TableName(r.Table))
	}
	for _, h := range r.NextHops {
		w = append(w, "nexthop")
		w = append(w, hopArgs(h)...)
		w = append(w, fmt.Sprintf("weight %d", h.Weight))
	}
	return strings.Join(w, " ")
}

// hopArgs are the words of a way of a route, without its weight.
func hopArgs(h topology.NextHop) []string {
	var w []string
	if h.Via.IsValid() {
		w = append(w, "via "+h.Via.String())
	}
	if h.Dev != "" {
		w = append(w, "dev "+h.Dev)
	}
	if h.OnLink {
		w = append(w, "onlink")
	}
	return w
}

// routeDst is a destination as ip route takes it.
func routeDst(r topology.Route) string {
	if r.Dst.Bits() == 0 {
		return "default"
	}
	return r.Dst.String()
}

func routeFamily(r topology.Route) string {
	if r.Dst.Addr().Is6() {
		return " -6"
	}
	return ""
}

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
		if r.Src.Is6() && !owns(n, r.Src) { // of an interface that is down, IPv4 addresses stay
			continue
		}
		hops := slices.DeleteFunc(slices.Clone(r.Hops()), func(h topology.NextHop) bool { return !holds(n, r, h) })
		if len(hops) == 0 {
			continue
		}
		if len(r.NextHops) > 0 { // the others do not count in the kernel either (RTNH_F_DEAD), until they are up
			r.NextHops = hops
		}
		hold = append(hold, r)
	}
	return hold
}

// holds reports whether the kernel can have a way of a route with the interfaces that are up.
func holds(n *topology.Node, r topology.Route, h topology.NextHop) bool {
	i := n.Interface(h.Dev)
	return (i == nil || i.Up) && (!h.Via.IsValid() || h.OnLink || onLink(n, r.Table, h))
}

// onLink reports whether a gateway can be reached directly over an interface that is up.
func onLink(n *topology.Node, table uint32, h topology.NextHop) bool {
	via, dev := h.Via, h.Dev
	for _, i := range n.Interfaces {
		if i.Up && (dev == "" || dev == i.Name) {
			linkLocal := dev != "" && via.Is6() && via.IsLinkLocalUnicast()
			if linkLocal || slices.ContainsFunc(i.Addrs, func(p netip.Prefix) bool { return p.Contains(via) }) {
				return true
			}
		}
	}
	// a route to a device makes its destination connected, for routes of its own table and, from main, of all
	return slices.ContainsFunc(n.Routes, func(r topology.Route) bool {
		if r.Via.IsValid() || r.Dev == "" || dev != "" && dev != r.Dev || !r.Dst.Contains(via) ||
			r.Table != 0 && r.Table != table {
			return false
		}
		i := n.Interface(r.Dev)
		return i == nil || i.Up
	})
}

// owns reports whether an interface that is up has the address.
func owns(n *topology.Node, a netip.Addr) bool {
	return slices.ContainsFunc(n.Addressed(), func(i *topology.Interface) bool {
		return i.Up && slices.ContainsFunc(i.Addrs, func(p netip.Prefix) bool { return p.Addr() == a })
	})
}
