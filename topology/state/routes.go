package state

import (
	"cmp"
	"net/netip"

	"labctl/topology"
)

// routesOf are the routes of a node: those that the kernel makes of addresses (fib_add_ifaddr,
// net/ipv4/fib_frontend.c; addrconf_prefix_route and ipv6_ifa_notify, net/ipv6/addrconf.c), and the file's.
func routesOf(n *Node, of *topology.Node) []Route {
	var out []Route
	for _, i := range inOrder(n, of) {
		for _, a := range i.Addresses {
			if a.Prefix.Addr().Is4() {
				out = append(out, connected4(i, a)...)
			}
		}
		out = append(out, connected6(n, i)...)
	}
	return append(out, given(n, of)...)
}

// connected4 are the routes that an IPv4 address of an interface makes.
func connected4(i *Interface, a Address) []Route {
	ip, bits := a.Prefix.Addr(), a.Prefix.Bits()
	base := Route{Protocol: "kernel", Dev: i.Name, Src: primary(i, a), LinkDown: !i.Carrier}
	make := func(table int, typ, scope string, dst netip.Prefix) Route {
		r := base
		r.Table, r.Type, r.Scope, r.Dst = table, typ, scope, dst
		return r
	}
	out := []Route{make(LocalTable, "local", "host", netip.PrefixFrom(ip, 32))}
	out[0].LinkDown = false
	if !i.Up { // its own addresses the kernel answers for all the same
		return out
	}
	if network := a.Prefix.Masked(); !a.Secondary && (network.Addr() != ip || bits < 32) {
		if i.Kind == Loopback {
			out = append(out, make(LocalTable, "local", "host", network))
		} else {
			out = append(out, make(MainTable, "unicast", "link", network))
		}
		if bits < 31 {
			out = append(out, make(LocalTable, "broadcast", "link", netip.PrefixFrom(lastOf(network), 32)))
		}
	}
	return out
}

// primary is the first address of the network that an address is in.
func primary(i *Interface, a Address) netip.Addr {
	for _, p := range i.Addresses {
		if a.Secondary && !p.Secondary && p.Prefix.Masked() == a.Prefix.Masked() {
			return p.Prefix.Addr()
		}
	}
	return a.Prefix.Addr()
}

// lastOf is the last address of an IPv4 network.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(b)
}

// given are the routes of the file that the kernel has.
func given(n *Node, of *topology.Node) []Route {
	var out []Route
	for _, r := range of.Routes {
		if k, holds := routeOf(n, out, r); holds {
			out = append(out, k)
		}
	}
	return out
}

// routeOf is a route of the file as the kernel has it, after others. It does not hold if the kernel has dropped it, or
// never took it, because an interface is down (fib_check_nh, fib_disable_ip).
func routeOf(n *Node, others []Route, r topology.Route) (k Route, holds bool) {
	k = Route{Table: int(cmp.Or(r.Table, MainTable)), Dst: r.Dst.Masked(), Type: cmp.Or(r.Type, "unicast"),
		Protocol: "boot", Metric: r.Metric, Src: r.Src}
	if k.Dst.Addr().Is4() {
		k.Scope = "global"
		if !r.Via.IsValid() && k.Type == "unicast" && r.Dev != "" {
			k.Scope = "link"
		}
	} else {
		k.Metric = cmp.Or(k.Metric, 1024) // IP6_RT_PRIO_USER, linux/ipv6_route.h
	}
	if k.Type != "unicast" {
		if k.Dst.Addr().Is6() {
			k.Dev = "lo" // fib6_nh_init, net/ipv6/route.c
		}
		return k, true
	}
	var hops []Hop
	for _, h := range r.Hops() {
		hop := Hop{h.Via, h.Dev, h.Weight, h.OnLink, false}
		if hop.Dev == "" {
			hop.Dev = behind(n, others, h.Via)
		}
		i := n.Interface(hop.Dev)
		if i == nil || !i.Up {
			return k, false
		}
		hop.LinkDown = !i.Carrier
		hops = append(hops, hop)
	}
	if len(hops) > 1 {
		k.Hops = hops
	} else {
		k.Via, k.Dev, k.OnLink, k.LinkDown = hops[0].Via, hops[0].Dev, hops[0].OnLink, hops[0].LinkDown
	}
	return k, true
}

// behind is the interface by which a gateway is reached when a route without one is added.
func behind(n *Node, more []Route, via netip.Addr) string {
	best, dev := -1, ""
	for _, i := range n.Interfaces {
		for _, a := range i.Addresses {
			if i.Up && a.Prefix.Contains(via) && a.Prefix.Bits() > best {
				best, dev = a.Prefix.Bits(), i.Name
			}
		}
	}
	for _, r := range more {
		if !r.Via.IsValid() && r.Dst.Contains(via) && r.Dst.Bits() > best {
			best, dev = r.Dst.Bits(), r.Dev
		}
	}
	return dev
}
