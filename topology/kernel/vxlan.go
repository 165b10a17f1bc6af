//go:build linux

package kernel

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"labctl/topology"
	"labctl/topology/plan"
)

// iflaVXLANDF is of linux/if_link.h, since Linux 4.20.
const iflaVXLANDF = 29

var vxlanDF = map[string]byte{"unset": 0, "set": 1, "inherit": 2} // enum ifla_vxlan_df

// tunnels is a namespace as it deals with the VXLANs in it.
type tunnels struct{ *namespace }

// addVXLAN makes a VXLAN in one namespace whose packets leave from another: a VXLAN keeps that in which it was asked
// for (vxlan_newlink, drivers/net/vxlan).
func addVXLAN(under, upper *namespace, o plan.AddVXLAN) error {
	h, err := under.rtnl()
	if err != nil {
		return err
	}
	v := o.VXLAN
	la := netlink.NewLinkAttrs()
	la.Name, la.MTU, la.HardwareAddr = o.Name, o.MTU, o.MAC[:]
	la.Namespace = netlink.NsFd(upper.ns)
	la.Index = upper.fresh.choose(o.Name, 0)
	x := &netlink.Vxlan{LinkAttrs: la, VxlanId: v.ID, Learning: v.Learning, TTL: v.TTL, Port: v.DstPort,
		Group: v.Default().AsSlice(), SrcAddr: v.Local.AsSlice(), UDPCSum: true,
		Age: int(v.Ageing / time.Second)}
	if o.Lower.Interface != "" {
		if x.VtepDevIndex, err = under.ifindex(o.Lower.Interface); err != nil {
			return err
		}
	}
	if err := unsupported(h.LinkAdd(x), "VXLAN interfaces (module vxlan)"); err != nil {
		return err
	}
	in := tunnels{upper}
	if err := in.receiveAtOnce(o.Name); err != nil {
		return fmt.Errorf("%s: switch off receive offload: %w", o.Name, err)
	}
	if v.DF == "unset" {
		return nil
	}
	from := v
	from.DF = "unset"
	return in.setVXLAN(o.Name, from, v)
}

// receiveAtOnce has a tunnel put what it receives where [Backlogged] counts it, by switching generic receive offload
// off: otherwise it waits in a queue of the tunnel's own (gro_cells_receive, net/core/gro_cells.c).
func (n tunnels) receiveAtOnce(name string) error {
	return n.ethtool(name, &ethtoolValue{command: ethtoolSGRO})
}

// setVXLAN writes what differs, but for the entries. Only what is written changes (vxlan_nl2conf).
func (n tunnels) setVXLAN(name string, from, to topology.VXLAN) error {
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(nl.IFLA_INFO_KIND, nl.NonZeroTerminated("vxlan"))
	data := info.AddRtAttr(nl.IFLA_INFO_DATA, nil)
	address := func(from, to netip.Addr, v4, v6 int) {
		switch {
		case from == to:
		case to.Is4():
			data.AddRtAttr(v4, to.AsSlice())
		default:
			data.AddRtAttr(v6, to.AsSlice())
		}
	}
	address(from.Default(), to.Default(), nl.IFLA_VXLAN_GROUP, nl.IFLA_VXLAN_GROUP6)
	address(from.Local, to.Local, nl.IFLA_VXLAN_LOCAL, nl.IFLA_VXLAN_LOCAL6)
	if from.TTL != to.TTL {
		data.AddRtAttr(nl.IFLA_VXLAN_TTL, []byte{byte(to.TTL)})
	}
	if from.DF != to.DF {
		data.AddRtAttr(iflaVXLANDF, []byte{vxlanDF[to.DF]})
	}
	if from.Learning != to.Learning {
		data.AddRtAttr(nl.IFLA_VXLAN_LEARNING, []byte{byte(flag(to.Learning))})
	}
	if from.Ageing != to.Ageing {
		data.AddRtAttr(nl.IFLA_VXLAN_AGEING, nl.Uint32Attr(uint32(to.Ageing/time.Second)))
	}
	return n.setLink(name, unix.RTM_NEWLINK, nl.NewIfInfomsg(unix.AF_UNSPEC), info)
}

// tunnelEntry does something with a static entry of a VXLAN's forwarding table.
func (n tunnels) tunnelEntry(name string, e topology.TunnelEntry,
	do func(*netlink.Handle, *netlink.Neigh) error, forgiven ...error) error {
	return n.onLink(name, func(h *netlink.Handle, l netlink.Link) error {
		return do(h, &netlink.Neigh{LinkIndex: l.Attrs().Index, Family: unix.AF_BRIDGE, State: netlink.NUD_PERMANENT,
			Flags: netlink.NTF_SELF, HardwareAddr: e.MAC[:], IP: e.Remote.AsSlice()})
	}, forgiven...)
}

// addTunnelEntry appends for the zero MAC, of which a table has many, and replaces for others, of which it has one.
func (n tunnels) addTunnelEntry(o plan.AddTunnelEntry) error {
	if o.MAC.IsZero() {
		return n.tunnelEntry(o.Name, o.TunnelEntry, (*netlink.Handle).NeighAppend)
	}
	return n.tunnelEntry(o.Name, o.TunnelEntry, (*netlink.Handle).NeighSet)
}
