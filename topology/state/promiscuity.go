package state

import "labctl/topology"

// promiscuity counts who wants an interface to be promiscuous: its administrator, the bridge that it is a port of
// (br_manage_promisc, net/bridge/br_if.c), what is stacked on it, and the data path of a virtual switch at its uplinks.
// A macvlan in mode passthru asks for all by itself (macvlan_open, drivers/net/macvlan.c); the others enter their
// addresses into the lower one's filter, and an interface without such a filter is promiscuous while there are any,
// however many (__dev_set_rx_mode, net/core/dev.c: uc_promisc).
func (m *maker) promiscuity() {
	filtered := map[*Interface]bool{}
	for _, n := range m.state.Nodes {
		for k := range n.Interfaces {
			i := &n.Interfaces[k]
			if i.Promisc {
				i.Promiscuity++
			}
			if i.Master != "" {
				i.Promiscuity++
			}
			lower := m.at(i.Lower)
			switch {
			case lower == nil || !i.Up || i.Kind == topology.VLAN:
			case i.Mode == "passthru":
				lower.Promiscuity++
			case !filtered[lower]:
				filtered[lower] = true
				lower.Promiscuity++
			}
		}
	}
	for _, n := range m.lab.Nodes {
		if n.Switch == nil {
			continue
		}
		for k, p := range n.Switch.Ports {
			c := n.Switch.Config.Ports[k]
			if i := m.at(End(p.At)); i != nil && c.Uplink && !(c.Down && p.At.Node != n.Name) {
				i.Promiscuity++
			}
		}
	}
}
