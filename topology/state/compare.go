package state

import (
	"cmp"
	"slices"

	"labctl/switchcore"
)

func compareMACs(a, b switchcore.MAC) int { return slices.Compare(a[:], b[:]) }

func compareFDB(a, b FDB) int { return cmp.Or(compareMACs(a.MAC, b.MAC), cmp.Compare(a.VLAN, b.VLAN)) }

func sortNeighbours(list []Neighbour) {
	slices.SortFunc(list, func(a, b Neighbour) int { return cmp.Or(cmp.Compare(a.Dev, b.Dev), a.IP.Compare(b.IP)) })
}

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
