package state

import (
	"slices"

	"labctl/switchcore"
)

// WithoutTraffic is the state without what only traffic puts there, and without the machine and what labctl is about:
// what is left of a lab that was just read is what [Of] says of it. Taken out are
//   - neighbours that are not permanent, and routes that redirects and path MTU discovery have left;
//   - forwarding entries that were learned, group memberships, multicast routers and queriers, and that the topology
//     changes;
//   - what a virtual switch has learned;
//   - the address of a bridge without ports and without one of its own, which the kernel draws by chance;
//   - what rules have counted, and tracked connections.
func (s *State) WithoutTraffic() *State {
	out := *s
	out.Machine, out.Doing = Machine{}, Doing{}
	out.Nodes = slices.Clone(s.Nodes)
	for k := range out.Nodes {
		n := &out.Nodes[k]
		n.Neighbours = kept(n.Neighbours, func(e Neighbour) bool { return e.State == "PERMANENT" })
		n.Routes = kept(n.Routes, func(r Route) bool { return !r.Learned })
		n.Conntrack, n.NotFromFile = nil, nil
		n.Rules = slices.Clone(n.Rules)
		for j := range n.Rules {
			n.Rules[j].Hits = nil
		}
		n.Interfaces = slices.Clone(n.Interfaces)
		for j := range n.Interfaces {
			i := &n.Interfaces[j]
			if i.Tunnel != nil {
				t := *i.Tunnel
				t.FDB = kept(t.FDB, func(e TunnelFDB) bool { return e.Static })
				i.Tunnel = &t
			}
			if i.Bridge = i.Bridge.withoutTraffic(); i.Chosen && len(i.Bridge.Ports) == 0 {
				i.MAC = switchcore.MAC{}
				i.Bridge.ID = bridgeID(i.Bridge.Priority, i.MAC)
				i.Bridge.Root = i.Bridge.ID
			}
		}
		if n.Switch != nil {
			sw := *n.Switch
			sw.Table = nil
			n.Switch = &sw
		}
	}
	return &out
}

func (b *Bridge) withoutTraffic() *Bridge {
	if b == nil {
		return nil
	}
	out := *b
	out.FDB = kept(b.FDB, func(e FDB) bool { return e.Static })
	out.MDB, out.Routers, out.Querier, out.TopologyChange = nil, nil, false, false
	return &out
}

// kept is a new list of what is to be kept; nil if that is nothing.
func kept[T any](list []T, keep func(T) bool) []T {
	var out []T
	for _, v := range list {
		if keep(v) {
			out = append(out, v)
		}
	}
	return out
}
