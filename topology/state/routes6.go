package state

import (
	"net/netip"
	"slices"

	"labctl/topology"
)

// linkLocals gives interfaces that IPv6 is on the address that the kernel makes of their MAC as soon as there is a
// carrier (addrconf_notify and ipv6_generate_eui64, net/ipv6/addrconf.c; RFC 4291, appendix A).
func linkLocals(n *Node) {
	for k := range n.Interfaces {
		i := &n.Interfaces[k]
		if !i.Up || !i.Carrier || !speaks6(n, i) || i.Kind == Loopback ||
			n.Sysctl("net/ipv6/conf/"+i.Name+"/addr_gen_mode") != "0" {
			continue
		}
		a := [16]byte{0: 0xfe, 1: 0x80, 8: i.MAC[0] ^ 2, 9: i.MAC[1], 10: i.MAC[2], 11: 0xff, 12: 0xfe, 13: i.MAC[3],
			14: i.MAC[4], 15: i.MAC[5]}
		p := netip.PrefixFrom(netip.AddrFrom16(a), 64)
		if !slices.ContainsFunc(i.Addresses, func(h Address) bool { return h.Prefix.Addr() == p.Addr() }) {
			i.Addresses = append(i.Addresses, Address{Prefix: p})
		}
	}
}

// speaks6 reports whether IPv6 is on at an interface.
func speaks6(n *Node, i *Interface) bool {
	if i.Kind == Loopback {
		return n.IPv6
	}
	return n.IPv6 && i.MTU >= minMTU6 && n.Sysctl("net/ipv6/conf/"+i.Name+"/disable_ipv6") != "1"
}

// forwards6 reports whether an interface is a router's.
func forwards6(n *Node, i *Interface) bool {
	if i.Kind == Loopback {
		return n.Sysctl("net/ipv6/conf/all/forwarding") == "1"
	}
	return n.Sysctl("net/ipv6/conf/"+i.Name+"/forwarding") == "1"
}

// anycasts are the anycast addresses of a router: of each of its prefixes, the address without a host part (RFC 4291,
// 2.6.1; addrconf_join_anycast, net/ipv6/addrconf.c).
func anycasts(n *Node, i *Interface) (out []netip.Addr) {
	if !forwards6(n, i) || i.Kind == Loopback {
		return nil
	}
	for _, a := range i.Addresses {
		if p := a.Prefix.Masked(); p.Addr().Is6() && p.Bits() < 127 && !slices.Contains(out, p.Addr()) {
			out = append(out, p.Addr())
		}
	}
	return out
}

// connected6 are the routes that IPv6 on an interface makes.
func connected6(n *Node, i *Interface) []Route {
	if !speaks6(n, i) {
		return nil
	}
	var out []Route
	add := func(table int, typ string, dst netip.Prefix, metric int, down bool) {
		r := Route{Table: table, Dst: dst, Type: typ, Protocol: "kernel", Metric: metric, Dev: i.Name, LinkDown: down}
		if !slices.ContainsFunc(out, func(o Route) bool { return o.Table == table && o.Type == typ && o.Dst == dst }) {
			out = append(out, r)
		}
	}
	for _, a := range slices.Backward(i.Addresses) { // the kernel has the newest first
		if !a.Prefix.Addr().Is6() {
			continue
		}
		add(LocalTable, "local", netip.PrefixFrom(a.Prefix.Addr(), 128), 0, false)
		if i.Up && !a.Prefix.Addr().IsLoopback() { // which the kernel adds itself, without a prefix
			add(MainTable, "unicast", a.Prefix.Masked(), prefixMetric, !i.Carrier)
		}
	}
	if !i.Up {
		return out
	}
	for _, a := range anycasts(n, i) {
		add(LocalTable, "anycast", netip.PrefixFrom(a, 128), 0, false)
	}
	if i.Kind != Loopback && i.Carrier { // addrconf_add_dev, when the interface is ready
		add(LocalTable, "multicast", netip.MustParsePrefix("ff00::/8"), prefixMetric, false)
	}
	return out
}

// prefixMetric is IP6_RT_PRIO_ADDRCONF of linux/ipv6_route.h.
const prefixMetric = 256

// inOrder are the interfaces of a node in the order in which they get their addresses and come up: bridges last, and
// labctl's own behind all.
func inOrder(n *Node, of *topology.Node) []*Interface {
	out := []*Interface{n.Interface("lo")}
	for _, bridges := range []bool{false, true} {
		for _, i := range of.Interfaces {
			if bridges == (i.Type == topology.BridgeLink) {
				out = append(out, n.Interface(i.Name))
			}
		}
	}
	for k := range n.Interfaces {
		if n.Interfaces[k].Own {
			out = append(out, &n.Interfaces[k])
		}
	}
	return out
}
