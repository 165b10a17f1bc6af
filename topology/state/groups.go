package state

import (
	"net/netip"
	"slices"
)

// groups are the multicast groups that the kernel is a member of on an interface by itself (ip_mc_up,
// net/ipv4/igmp.c; ipv6_add_dev, addrconf_join_solict and dev_forward_change, net/ipv6/addrconf.c). Those of IPv6 are
// of no consequence where it is off, and are left out.
func groups(n *Node, i *Interface) []netip.Addr {
	if !i.Up {
		return nil
	}
	var out []netip.Addr
	add := func(list ...string) {
		for _, s := range list {
			out = append(out, netip.MustParseAddr(s))
		}
	}
	add("224.0.0.1")
	snoops := i.Bridge != nil && i.Bridge.McastSnooping // br_multicast_join_snoopers
	if snoops {
		add("224.0.0.106")
	}
	if speaks6(n, i) {
		add("ff01::1", "ff02::1")
		if snoops {
			add("ff02::6a")
		}
		if forwards6(n, i) && i.Kind != Loopback {
			add("ff02::2")
		}
		for _, a := range i.Addresses {
			if a.Prefix.Addr().Is6() && i.Kind != Loopback {
				out = append(out, solicited(a.Prefix.Addr()))
			}
		}
		for _, a := range anycasts(n, i) {
			out = append(out, solicited(a))
		}
	}
	return out
}

// joins adds the groups that interfaces have joined as programs do: a member stays one while its interface is down.
func (m *maker) joins() {
	for _, n := range m.lab.Nodes {
		for _, i := range n.Interfaces {
			at := m.at(End{n.Name, i.Name})
			for _, g := range i.Joins {
				if !slices.Contains(at.Groups, g) {
					at.Groups = append(at.Groups, g)
				}
			}
		}
	}
}

// minMTU6 is IPV6_MIN_MTU: with less an interface has no IPv6.
const minMTU6 = 1280

// solicited is the solicited-node group of an address (RFC 4291, 2.7.1).
func solicited(a netip.Addr) netip.Addr {
	g, b := netip.MustParseAddr("ff02::1:ff00:0").As16(), a.As16()
	copy(g[13:], b[13:])
	return netip.AddrFrom16(g)
}
