package state

import (
	"cmp"
	"net/netip"
	"slices"

	"labctl/switchcore"
)

// Sort brings all lists of a node into their order. It is for who makes one.
func (n *Node) Sort() {
	slices.SortStableFunc(n.Interfaces, func(a, b Interface) int { return cmp.Compare(a.Rank, b.Rank) })
	slices.SortStableFunc(n.Routes, compareRoutes)
	slices.SortStableFunc(n.Policies, func(a, b Policy) int {
		return cmp.Or(cmp.Compare(a.Family, b.Family), cmp.Compare(a.Priority, b.Priority))
	})
	slices.SortStableFunc(n.Neighbours, func(a, b Neighbour) int {
		return cmp.Or(cmp.Compare(a.Dev, b.Dev), a.IP.Compare(b.IP))
	})
	n.Foreign = sorted(n.Foreign, cmp.Compare[string])
	n.Listeners = sorted(n.Listeners, func(a, b Listener) int {
		return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Port, b.Port), a.Address.Compare(b.Address))
	})
	n.Conntrack = sorted(n.Conntrack, func(a, b Connection) int {
		return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), a.Request.compare(b.Request), a.Reply.compare(b.Reply))
	})
	for k := range n.Interfaces {
		n.Interfaces[k].sort()
	}
	if n.Switch != nil {
		slices.SortStableFunc(n.Switch.Table, func(a, b Learned) int {
			return cmp.Or(compareMACs(a.MAC, b.MAC), cmp.Compare(a.VLAN, b.VLAN), cmp.Compare(a.Port, b.Port))
		})
	}
}

func (i *Interface) sort() {
	i.Sources = sorted(i.Sources, compareMACs)
	i.Unicast = sorted(i.Unicast, compareMACs)
	i.Groups = sorted(i.Groups, netip.Addr.Compare)
	if i.Tunnel != nil {
		slices.SortStableFunc(i.Tunnel.FDB, compareTunnelFDB)
	}
	if i.Bridge == nil {
		return
	}
	i.Bridge.Routers = sorted(i.Bridge.Routers, cmp.Compare[string])
	slices.SortStableFunc(i.Bridge.FDB, func(a, b FDB) int {
		return cmp.Or(compareMACs(a.MAC, b.MAC), cmp.Compare(a.VLAN, b.VLAN), cmp.Compare(a.Port, b.Port))
	})
	slices.SortStableFunc(i.Bridge.MDB, func(a, b MDB) int {
		return cmp.Or(cmp.Compare(a.VLAN, b.VLAN), cmp.Compare(a.Group, b.Group), cmp.Compare(a.Port, b.Port))
	})
}

// sorted is a list in order, each once.
func sorted[T comparable](list []T, compare func(a, b T) int) []T {
	slices.SortFunc(list, compare)
	return slices.Compact(list)
}

func (f Flow) compare(g Flow) int {
	return cmp.Or(f.Src.Compare(g.Src), f.Dst.Compare(g.Dst), cmp.Compare(f.SrcPort, g.SrcPort),
		cmp.Compare(f.DstPort, g.DstPort))
}

func compareTunnelFDB(a, b TunnelFDB) int {
	return cmp.Or(compareMACs(a.MAC, b.MAC), a.Remote.Compare(b.Remote))
}

func compareMACs(a, b switchcore.MAC) int { return slices.Compare(a[:], b[:]) }

// compareRoutes is the order of routes. Those of every interface that speaks IPv6 have no order of their own: they come
// when its carrier does, and nobody chooses between them.
func compareRoutes(a, b Route) int {
	c := cmp.Or(cmp.Compare(a.Table, b.Table), a.Dst.Addr().Compare(b.Dst.Addr()),
		cmp.Compare(a.Dst.Bits(), b.Dst.Bits()), cmp.Compare(a.Metric, b.Metric))
	if c == 0 && a.Dst.Addr().Is6() && (a.Dst.Addr().IsLinkLocalUnicast() || a.Dst.Addr().IsMulticast()) {
		return cmp.Compare(a.Dev, b.Dev)
	}
	return c
}
