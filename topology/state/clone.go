package state

import "slices"

// clone copies what [Node.Sort] changes.
func (s *State) clone() *State {
	out := *s
	out.Nodes = slices.Clone(s.Nodes)
	for k := range out.Nodes {
		n := &out.Nodes[k]
		n.Interfaces = slices.Clone(n.Interfaces)
		n.Routes, n.Policies = slices.Clone(n.Routes), slices.Clone(n.Policies)
		n.Neighbours, n.Foreign = slices.Clone(n.Neighbours), slices.Clone(n.Foreign)
		n.Listeners, n.Conntrack = slices.Clone(n.Listeners), slices.Clone(n.Conntrack)
		for j := range n.Interfaces {
			i := &n.Interfaces[j]
			i.Sources, i.Unicast, i.Groups = slices.Clone(i.Sources), slices.Clone(i.Unicast), slices.Clone(i.Groups)
			if i.Tunnel != nil {
				t := *i.Tunnel
				t.FDB = slices.Clone(t.FDB)
				i.Tunnel = &t
			}
			if i.Bridge != nil {
				b := *i.Bridge
				b.FDB, b.MDB, b.Routers = slices.Clone(b.FDB), slices.Clone(b.MDB), slices.Clone(b.Routers)
				i.Bridge = &b
			}
		}
		if n.Switch != nil {
			sw := *n.Switch
			sw.Table = slices.Clone(sw.Table)
			n.Switch = &sw
		}
	}
	return &out
}
