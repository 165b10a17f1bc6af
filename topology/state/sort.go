package state

import (
	"cmp"
	"slices"
)

// Sort brings the lists of a node into their order. It is for who makes one.
func (n *Node) Sort() {
	slices.SortStableFunc(n.Routes, compareRoutes)
	slices.SortStableFunc(n.Policies, func(a, b Policy) int {
		return cmp.Or(cmp.Compare(a.Family, b.Family), cmp.Compare(a.Priority, b.Priority))
	})
	sortNeighbours(n.Neighbours)
	slices.SortFunc(n.Sysctls, func(a, b Sysctl) int { return cmp.Compare(a.Key, b.Key) })
	slices.SortFunc(n.Listeners, func(a, b Listener) int {
		return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Port, b.Port), a.Address.Compare(b.Address))
	})
	n.Listeners = slices.Compact(n.Listeners)
}
