package state

import (
	"net/netip"
	"slices"

	"labctl/topology"
)

// tunnelOf is a VXLAN as it is made. The default is an entry of the table too (vxlan_newlink,
// drivers/net/vxlan/vxlan_core.c).
func tunnelOf(v *topology.VXLAN) *Tunnel {
	out := &Tunnel{ID: v.ID, Remote: v.Default(), Local: v.Local, Port: v.DstPort, TTL: v.TTL, DF: v.DF,
		Learning: v.Learning, Ageing: v.Ageing}
	if out.Remote.IsValid() {
		out.FDB = append(out.FDB, TunnelFDB{Remote: out.Remote, Static: true})
	}
	for _, e := range v.Entries() {
		out.FDB = append(out.FDB, TunnelFDB{e.MAC, e.Remote, true})
	}
	slices.SortFunc(out.FDB, compareTunnelFDB)
	return out
}

// tunnels adds what VXLANs that are up have below them: a socket in the node that sends their packets, and the
// membership of their group (vxlan_open, drivers/net/vxlan/vxlan_core.c).
func (m *maker) tunnels() {
	for k, n := range m.lab.Nodes {
		for _, i := range n.Interfaces {
			if i.VXLAN == nil || !i.Up {
				continue
			}
			under := &m.state.Nodes[k]
			if i.Lower.Node != "" {
				under = m.state.Node(i.Lower.Node)
			}
			l := Listener{"udp", netip.IPv4Unspecified(), i.VXLAN.DstPort}
			if i.VXLAN.V6() {
				l.Protocol, l.Address = "udp6", netip.IPv6Unspecified()
			}
			under.Listeners = append(under.Listeners, l)
			if lower := m.at(End(i.Lower)); lower != nil && i.VXLAN.Group.IsValid() && lower.Up {
				lower.Groups = append(lower.Groups, i.VXLAN.Group)
			}
		}
	}
}
