package labfile

import (
	"net/netip"
	"slices"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
)

// neighKey is "neigh".
func neighKey(set bool) grammar.Key {
	return grammar.Key{Name: "neigh", Shape: &grammar.Shape{Form: grammar.Dict, Want: "a map from addresses to MACs",
		Of: grammar.MACOrName(""), Name: grammar.Address(), Doc: "permanent neighbour entries",
		Removed: "neighbour entry", Removes: set}}
}

// neighbours reads a node's permanent neighbour entries.
func (n *networks) neighbours(s *nodeDecl, node *topology.Node) {
	for v := range n.bodyOf(s).Field("neigh").Fields() {
		a, err := netip.ParseAddr(v.Name())
		if err != nil || grammar.AddressText(v.Name()) != "" || !v.IsSingle() || v.IsNull() {
			continue
		}
		e := topology.Neighbour{IP: a, MAC: n.names.mac(v)}
		own := n.reachableFrom(s)
		if i, ok := own.find(a, ""); ok {
			e.Dev = n.of[s][i].Name
		}
		if e.Dev == "" && len(n.of[s]) == 1 {
			e.Dev = n.of[s][0].Name
		}
		if e.Dev == "" && !own.more {
			v.Key().Errorf("%s is on no network of %s%s, so it belongs to none of its interfaces", a, s.full, own.words)
			continue
		}
		node.Neighbours = append(node.Neighbours, e)
	}
	slices.SortStableFunc(node.Neighbours, func(x, y topology.Neighbour) int { return x.IP.Compare(y.IP) })
}
