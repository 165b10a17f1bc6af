package state

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"labctl/switchcore"
	"labctl/topology"
)

// Tunnel is what a VXLAN interface is like (RFC 7348). Its packets leave from the node of [Interface.Lower], or from its
// own where that is zero.
type Tunnel struct {
	ID       int           `json:"id"`              // the VNI
	Remote   netip.Addr    `json:"remote,omitzero"` // the default: a multicast group, or the first remote
	Local    netip.Addr    `json:"local,omitzero"`  // the outer source address; zero: by the route
	Port     int           `json:"port"`            // UDP
	TTL      int           `json:"ttl,omitzero"`    // of the outer packets; 0: the kernel's choice
	DF       string        `json:"df"`              // of the outer packets: unset set inherit
	Learning bool          `json:"learning,omitzero"`
	Ageing   time.Duration `json:"ageing,omitzero"` // of what is learned
	FDB      []TunnelFDB   `json:"fdb,omitzero"`    // by MAC and remote
}

// TunnelFDB is an entry of a VXLAN's forwarding table. The zero MAC stands for all that the table does not have, and
// for frames for everybody: they go to each of its remotes.
type TunnelFDB struct {
	MAC    switchcore.MAC `json:"mac,omitzero"`
	Remote netip.Addr     `json:"remote"`
	Static bool           `json:"static,omitzero"` // it does not age
}

func compareTunnelFDB(a, b TunnelFDB) int {
	return cmp.Or(compareMACs(a.MAC, b.MAC), a.Remote.Compare(b.Remote))
}

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
