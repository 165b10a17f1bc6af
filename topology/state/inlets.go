package state

import "labctl/topology"

// inlets adds the ways of virtual switches into what they share with their holders, as the supervisor makes them when
// everything else is there: the inner end first, because the kernel registers the far end of a pair first
// (veth_newlink, drivers/net/veth.c).
func (m *maker) inlets() {
	for _, n := range m.lab.Nodes {
		if n.Switch == nil {
			continue
		}
		for k, p := range n.Switch.Ports {
			c := n.Switch.Config.Ports[k]
			if !p.Shared || c.Down && p.At.Node != n.Name {
				continue
			}
			m.inlet(p.At, c.MTU)
		}
	}
}

func (m *maker) inlet(at topology.End, mtu int) {
	in, n := topology.InletOf(at), m.state.Node(at.Node)
	shared := n.Interface(at.Interface)
	inner := Interface{Name: in.Inner, MAC: in.Peer, Peer: End{n.Name, in.Outer}}
	outer := Interface{Name: in.Outer, MAC: in.MAC, Peer: End{n.Name, in.Inner}}
	for k, i := range []*Interface{&inner, &outer} {
		i.Rank, i.Kind, i.Own, i.MTU, i.Up = len(n.Interfaces)+1+k, topology.Veth, true, mtu, true
	}
	if shared.Bridge != nil {
		closed := topology.DefaultPortSettings()
		closed.Learning, closed.Flood, closed.McastFlood, closed.BcastFlood = false, false, false, false
		outer.Master, outer.Port = shared.Name, &Port{PortSettings: closed}
		shared.Bridge.Ports = append([]string{outer.Name}, shared.Bridge.Ports...)
	} else {
		outer.MAC = shared.MAC // by it the kernel decides what is for the node
	}
	n.Interfaces = append(n.Interfaces, inner, outer)
}
