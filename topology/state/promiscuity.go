package state

import (
	"slices"

	"labctl/switchcore"
	"labctl/topology"
)

// filters finds out what adapters take: which addresses beside their own, and how many want them to take everything.
func (m *maker) filters() {
	f := &filters{maker: m, uppers: map[End][]End{}, uplinks: map[End]bool{}}
	for _, n := range m.state.Nodes {
		for _, i := range n.Interfaces {
			if i.Lower != (End{}) && i.Kind != topology.VXLANLink {
				f.uppers[i.Lower] = append(f.uppers[i.Lower], End{n.Name, i.Name})
			}
		}
	}
	for _, n := range m.lab.Nodes {
		if n.Switch == nil {
			continue
		}
		for k, p := range n.Switch.Ports {
			if c := n.Switch.Config.Ports[k]; c.Uplink && !(c.Down && p.At.Node != n.Name) {
				f.uplinks[End(p.At)] = true // the data path's packet socket asks for it
			}
		}
	}
	done := map[End]bool{}
	for _, n := range m.state.Nodes {
		for _, i := range n.Interfaces {
			f.settle(End{n.Name, i.Name}, done)
		}
	}
}

type filters struct {
	*maker
	uppers  map[End][]End // what is stacked on an interface
	uplinks map[End]bool
}

// settle counts for an interface, after what is stacked on it.
func (f *filters) settle(e End, done map[End]bool) {
	i := f.at(e)
	if i == nil || done[e] {
		return
	}
	done[e] = true
	if i.Promisc {
		i.Promiscuity++
	}
	if i.Master != "" { // br_manage_promisc, net/bridge/br_if.c
		i.Promiscuity++
	}
	if f.uplinks[e] {
		i.Promiscuity++
	}
	for _, u := range f.uppers[e] {
		f.settle(u, done)
		if upper := f.at(u); upper.Up {
			f.stacked(i, upper)
		}
	}
	// An adapter that cannot filter takes everything instead (__dev_set_rx_mode, net/core/dev.c): of those of a lab
	// only macvlans and VLANs can (IFF_UNICAST_FLT, drivers/net/macvlan.c, net/8021q/vlan_dev.c).
	if i.Up && len(i.Unicast) > 0 && slices.Contains(unfiltered, i.Kind) {
		i.Promiscuity++
	}
}

// unfiltered are the kinds of adapters that cannot filter.
var unfiltered = []topology.LinkType{topology.Veth, topology.BridgeLink, topology.VXLANLink}

// stacked is what an interface that is up asks of the one that it is stacked on (macvlan_open, macvlan_set_mac_lists
// and macvlan_change_rx_flags, drivers/net/macvlan.c; vlan_dev_open, net/8021q/vlan_dev.c).
func (f *filters) stacked(lower, upper *Interface) {
	passthru := upper.Mode == "passthru"
	if passthru || upper.Promiscuity > 0 {
		lower.Promiscuity++
	}
	var takes []switchcore.MAC
	if !passthru && upper.MAC != lower.MAC { // a VLAN and an ipvlan have the same
		takes = append(takes, upper.MAC)
	}
	lower.Unicast = append(lower.Unicast, append(takes, upper.Unicast...)...)
}
