package state

import "labctl/topology"

// carriers finds out which interfaces have a carrier: a veth while both its ends are up (veth_open,
// drivers/net/veth.c), what is stacked on another while that has one, and a bridge while a port of it forwards
// (br_port_state_selection, net/bridge/br_stp.c), which the trees find out.
func (m *maker) carriers() {
	for _, n := range m.state.Nodes {
		for k := range n.Interfaces {
			i := &n.Interfaces[k]
			if i.Kind == topology.VXLANLink { // whatever is below it
				i.Carrier = i.Up
			}
			if i.Kind == topology.Veth {
				far := m.at(i.Peer)
				i.Carrier = i.Up && far != nil && far.Up
			}
		}
	}
}

// stacked gives carriers to what is stacked on others, whose own are known but for those stacked themselves.
func (m *maker) stacked() {
	for changed := true; changed; {
		changed = false
		for _, n := range m.state.Nodes {
			for k := range n.Interfaces {
				i := &n.Interfaces[k]
				if i.Lower == (End{}) || i.Carrier {
					continue
				}
				if lower := m.at(i.Lower); i.Up && lower != nil && lower.Up && lower.Carrier {
					i.Carrier, changed = true, true
				}
			}
		}
	}
}
