package topology

import (
	"net/netip"
	"slices"
)

// tunnelEnds are the VXLANs of a lab in the order of the file, each with those that get what it sends to everybody, and
// whose frames of that kind it gets.
type tunnelEnds struct {
	list  []End
	of    map[End]*Interface
	peers map[End][]End
}

// tunnels finds which VXLANs are joined.
func (l *Lab) tunnels() tunnelEnds {
	t := tunnelEnds{of: map[End]*Interface{}, peers: map[End][]End{}}
	at := map[netip.Addr][]string{} // nodes
	for _, n := range l.Nodes {
		for _, i := range n.Interfaces {
			for _, a := range i.Addrs {
				at[a.Addr()] = append(at[a.Addr()], n.Name)
			}
			if i.VXLAN != nil {
				e := End{n.Name, i.Name}
				t.list, t.of[e] = append(t.list, e), i
			}
		}
	}
	if len(t.list) == 0 {
		return t
	}
	below := map[string][]End{} // by the node that sends their packets
	for _, e := range t.list {
		below[t.under(e)] = append(below[t.under(e)], e)
	}
	sends := map[[2]End]bool{}
	for _, e := range t.list {
		for _, f := range t.list {
			if t.of[e].VXLAN.Group.IsValid() && t.alike(e, f) {
				sends[[2]End{e, f}] = true
			}
		}
		for _, a := range t.of[e].VXLAN.Remotes {
			for _, node := range at[a] {
				for _, f := range below[node] {
					if t.alike(e, f) {
						sends[[2]End{e, f}] = true
					}
				}
			}
		}
	}
	for _, e := range t.list {
		for _, f := range t.list {
			if e != f && sends[[2]End{e, f}] && sends[[2]End{f, e}] {
				t.peers[e] = append(t.peers[e], f)
			}
		}
	}
	return t
}

// TunnelPeers are, for each VXLAN, those that get what it sends to everybody and whose frames of that kind it gets.
func (l *Lab) TunnelPeers() map[End][]End { return l.tunnels().peers }

// under is the node that sends the packets of a VXLAN.
func (t tunnelEnds) under(e End) string {
	if lower := t.of[e].Lower.Node; lower != "" {
		return lower
	}
	return e.Node
}

// alike reports whether two VXLANs take what comes for one another.
func (t tunnelEnds) alike(e, f End) bool {
	a, b := t.of[e].VXLAN, t.of[f].VXLAN
	return a.ID == b.ID && a.DstPort == b.DstPort && a.Group == b.Group
}

// tunnelCables join the segments of VXLANs that are ports, as cables from the first to each of the others. Only those
// are joined of which each has all others for its peers: a VXLAN sends nothing on to one that came from another, so
// that no frame goes round among these alone, and what goes from one to another by way of a third is not known of the
// rest.
func (l *Lab) tunnelCables(t tunnelEnds) []cable {
	var out []cable
	for _, e := range t.list {
		members := append([]End{e}, t.peers[e]...)
		if slices.ContainsFunc(members, func(f End) bool { return !t.joinsAll(f, members) }) || !t.first(e, members) {
			continue
		}
		for _, f := range members[1:] {
			if c, ok := l.tunnelCable(e, f); ok {
				out = append(out, c)
			}
		}
	}
	return out
}

// joinsAll reports whether a VXLAN has exactly the others for its peers.
func (t tunnelEnds) joinsAll(e End, members []End) bool {
	return len(t.peers[e]) == len(members)-1 && !slices.ContainsFunc(members, func(f End) bool {
		return f != e && !slices.Contains(t.peers[e], f)
	})
}

// first reports whether the file has a VXLAN before all its peers.
func (t tunnelEnds) first(e End, members []End) bool {
	return slices.IndexFunc(t.list, func(f End) bool { return slices.Contains(members, f) }) == slices.Index(t.list, e)
}

func (l *Lab) tunnelCable(e, f End) (cable, bool) {
	n, m := l.Node(e.Node), l.Node(f.Node)
	near, far := n.Interface(e.Interface), m.Interface(f.Interface)
	a, treeA, okA := segmentOf(n, near)
	b, treeB, okB := segmentOf(m, far)
	return cable{a: a, b: b, near: e, far: f, treeless: !treeA && !treeB,
		sameVLANs: !near.inVLANs() && !far.inVLANs(), up: near.Up && far.Up}, okA && okB
}

// straight leaves out of a ring where it comes to a VXLAN and goes back from it: the one before it sends to the one
// behind it.
func (r Ring) straight() Ring {
	for k := 1; k+2 < len(r); {
		if r[k] == r[k+1] {
			r = slices.Delete(r, k, k+2)
			continue
		}
		k += 2
	}
	if n := len(r); n > 4 && r[n-1] == r[0] {
		r = append(Ring{r[n-2]}, r[1:n-2]...)
	}
	return r
}
