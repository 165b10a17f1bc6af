package topology

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"labctl/switchcore"
)

// VXLANPort is the UDP port of RFC 7348, section 5. The kernel's own default, 8472, is older than the RFC.
const VXLANPort = 4789

// VXLANHeadroom and VXLAN6Headroom are what a VXLAN takes off the MTU of what it goes over: an outer IP and UDP header,
// the VXLAN header and the inner Ethernet header (net/vxlan.h, VXLAN_HEADROOM).
const (
	VXLANHeadroom  = 20 + 8 + 8 + 14
	VXLAN6Headroom = 40 + 8 + 8 + 14
)

// VXLAN is what a VXLAN interface is like (RFC 7348; ip-link(8), type vxlan). Its frames are sent in UDP by the node of
// [Interface.Lower], or by its own if that is zero. All its addresses are of one family.
type VXLAN struct {
	ID      int          // the VNI, 0 to 16777215
	Group   netip.Addr   // a multicast group in place of Remotes; zero: none
	Remotes []netip.Addr // who gets what is for nobody known; file order, each once
	Local   netip.Addr   // the outer source address; zero: by the route
	DstPort int          // 1 to 65535
	TTL     int          // of the outer packets; 0: the kernel's choice
	DF      string       // of the outer packets: unset set inherit
	// Learning says that the remote of a MAC is learned from its frames, and forgotten after Ageing (whole seconds,
	// at least one).
	Learning bool
	Ageing   time.Duration
	FDB      []TunnelEntry // static entries, by MAC; each MAC once
}

// TunnelEntry is an entry of a VXLAN's forwarding table that does not age: what is for MAC goes to Remote. The zero MAC
// stands for all that the table does not have.
type TunnelEntry struct {
	MAC    switchcore.MAC
	Remote netip.Addr
}

// V6 reports whether the outer packets are IPv6.
func (v *VXLAN) V6() bool {
	for _, a := range append([]netip.Addr{v.Group, v.Local}, v.Remotes...) {
		if a.IsValid() {
			return a.Is6()
		}
	}
	return false
}

// Headroom is how many bytes a frame's packet grows by.
func (v *VXLAN) Headroom() int {
	if v.V6() {
		return VXLAN6Headroom
	}
	return VXLANHeadroom
}

// Default is where the kernel itself sends what is for nobody known: the group or the first remote; zero: nowhere.
func (v *VXLAN) Default() netip.Addr {
	if v.Group.IsValid() || len(v.Remotes) == 0 {
		return v.Group
	}
	return v.Remotes[0]
}

// Entries are the entries beside the default: those of the other remotes, then FDB.
func (v *VXLAN) Entries() []TunnelEntry {
	var out []TunnelEntry
	for _, a := range v.Remotes[min(1, len(v.Remotes)):] {
		out = append(out, TunnelEntry{Remote: a})
	}
	return append(out, v.FDB...)
}

// Fixed is what the kernel does not change of a VXLAN once it is made (vxlan_changelink, drivers/net/vxlan), and
// whether there is a default at all.
func (v *VXLAN) Fixed() string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v.ID, v.Group, v.DstPort, v.V6(), len(v.Remotes) > 0, v.Local.IsValid())
}

// SameSettings reports whether two VXLANs differ at most in what Fixed and Entries have.
func (v *VXLAN) SameSettings(o *VXLAN) bool {
	return v.Default() == o.Default() && v.Local == o.Local && v.TTL == o.TTL && v.DF == o.DF &&
		v.Learning == o.Learning && v.Ageing == o.Ageing
}

// Tunnels reports whether the lab has interfaces whose frames other interfaces carry inside packets.
func (l *Lab) Tunnels() bool {
	return slices.ContainsFunc(l.Nodes, func(n *Node) bool {
		return slices.ContainsFunc(n.Interfaces, func(i *Interface) bool { return i.VXLAN != nil })
	})
}
