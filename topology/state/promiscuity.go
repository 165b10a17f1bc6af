package state

import "labctl/topology"

// promiscuity counts who wants an interface to be promiscuous: its administrator, the bridge that it is a port of
// (br_add_if, net/bridge/br_if.c), what is stacked on it in a mode that takes everything, and the data path of a
// virtual switch.
func (m *maker) promiscuity() {
	for _, n := range m.state.Nodes {
		for k := range n.Interfaces {
			i := &n.Interfaces[k]
			if i.Promisc {
				i.Promiscuity++
			}
			if i.Master != "" {
				i.Promiscuity++
			}
			if lower := m.at(i.Lower); lower != nil && i.Up && i.Mode == "passthru" {
				lower.Promiscuity++
			}
		}
	}
	for _, n := range m.lab.Nodes {
		if n.Switch == nil {
			continue
		}
		for _, p := range n.Switch.Ports {
			if i := m.at(End(p.At)); i != nil && n.Kind == topology.VSwitch {
				i.Promiscuity++
			}
		}
	}
}
