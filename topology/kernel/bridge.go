//go:build linux

package kernel

import (
	"errors"
	"fmt"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"labctl/topology"
	"labctl/topology/plan"
)

// bridgeSettings writes what differs. STP, priority and the forwarding mask have no field in netlink.Bridge, so the
// request is put together here; the attributes are those of linux/if_link.h.
func (n *namespace) bridgeSettings(name string, from, to topology.BridgeSettings) error {
	if from == to {
		return nil
	}
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(nl.IFLA_INFO_KIND, nl.NonZeroTerminated("bridge"))
	data := info.AddRtAttr(nl.IFLA_INFO_DATA, nil)
	ticks := func(from, to time.Duration, attr int) {
		if from != to {
			data.AddRtAttr(attr, nl.Uint32Attr(uint32(to/(10*time.Millisecond))))
		}
	}
	ticks(from.ForwardDelay, to.ForwardDelay, nl.IFLA_BR_FORWARD_DELAY)
	ticks(from.HelloTime, to.HelloTime, nl.IFLA_BR_HELLO_TIME)
	ticks(from.MaxAge, to.MaxAge, nl.IFLA_BR_MAX_AGE)
	ticks(from.Ageing, to.Ageing, nl.IFLA_BR_AGEING_TIME)
	if from.STP != to.STP {
		data.AddRtAttr(nl.IFLA_BR_STP_STATE, nl.Uint32Attr(flag(to.STP)))
	}
	if from.Priority != to.Priority {
		data.AddRtAttr(nl.IFLA_BR_PRIORITY, nl.Uint16Attr(to.Priority))
	}
	if from.VLANFiltering != to.VLANFiltering {
		data.AddRtAttr(nl.IFLA_BR_VLAN_FILTERING, []byte{byte(flag(to.VLANFiltering))})
	}
	if from.McastSnooping != to.McastSnooping {
		data.AddRtAttr(nl.IFLA_BR_MCAST_SNOOPING, []byte{byte(flag(to.McastSnooping))})
	}
	if from.GroupFwdMask != to.GroupFwdMask {
		data.AddRtAttr(nl.IFLA_BR_GROUP_FWD_MASK, nl.Uint16Attr(to.GroupFwdMask))
	}
	mcast := &knobs{data: data}
	mcast.mcast(from.Mcast, to.Mcast)
	err := n.setLink(name, unix.RTM_NEWLINK, nl.NewIfInfomsg(unix.AF_UNSPEC), info)
	if errors.Is(err, unix.EOPNOTSUPP) && to.VLANFiltering {
		return errNoFiltering
	}
	if err != nil {
		return err
	}
	if err := mcast.lacking(n, name, nl.IFLA_INFO_DATA); err != nil {
		return err
	}
	if err := n.setQuerier(name, from.Mcast.Querier, to.Mcast.Querier); err != nil {
		return err
	}
	return n.checkFiltering(name, to)
}

func flag(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// checkFiltering reads VLAN filtering back: older kernels without CONFIG_BRIDGE_VLAN_FILTERING take the attribute and
// ignore it.
func (n *namespace) checkFiltering(name string, to topology.BridgeSettings) error {
	if !to.VLANFiltering {
		return nil
	}
	return n.onLink(name, func(_ *netlink.Handle, l netlink.Link) error {
		if b, ok := l.(*netlink.Bridge); ok && b.VlanFiltering != nil && *b.VlanFiltering {
			return nil
		}
		return errNoFiltering
	})
}

var errNoFiltering = fmt.Errorf("%w: it is built without bridge VLAN filtering (CONFIG_BRIDGE_VLAN_FILTERING)",
	ErrUnsupported)

// portSettings writes a bridge port's knobs through sysfs-free netlink (bridge(8)); VLANs need a filtering bridge.
func (n *namespace) portSettings(o plan.SetPort) error {
	data := nl.NewRtAttr(unix.IFLA_PROTINFO|unix.NLA_F_NESTED, nil)
	changed := false
	add := func(from, to bool, attr int) {
		if from != to {
			data.AddRtAttr(attr, []byte{byte(flag(to))})
			changed = true
		}
	}
	add(o.From.Learning, o.To.Learning, nl.IFLA_BRPORT_LEARNING)
	add(o.From.Flood, o.To.Flood, nl.IFLA_BRPORT_UNICAST_FLOOD)
	add(o.From.McastFlood, o.To.McastFlood, nl.IFLA_BRPORT_MCAST_FLOOD)
	add(o.From.BcastFlood, o.To.BcastFlood, nl.IFLA_BRPORT_BCAST_FLOOD)
	add(o.From.Isolated, o.To.Isolated, nl.IFLA_BRPORT_ISOLATED)
	add(o.From.Hairpin, o.To.Hairpin, nl.IFLA_BRPORT_MODE)
	add(o.From.Locked, o.To.Locked, brportLocked)
	add(o.From.BPDUGuard, o.To.BPDUGuard, nl.IFLA_BRPORT_GUARD)
	more := &knobs{data: data}
	more.port(o.From, o.To)
	changed = changed || len(more.kept) > 0
	if o.From.Cost != o.To.Cost && o.To.Cost != 0 {
		data.AddRtAttr(nl.IFLA_BRPORT_COST, nl.Uint32Attr(uint32(o.To.Cost)))
		changed = true
	}
	if changed {
		// Only this family and request may change a port (rtnetlink(7)).
		if err := n.setLink(o.Name, unix.RTM_SETLINK, nl.NewIfInfomsg(unix.AF_BRIDGE), data); err != nil {
			return err
		}
		if err := more.lacking(n, o.Name, unix.IFLA_INFO_SLAVE_DATA); err != nil {
			return err
		}
	}
	return n.portVLANs(o.Name, o.To.VLAN)
}

// brportLocked is IFLA_BRPORT_LOCKED of linux/if_link.h, since Linux 5.18.
const brportLocked = 39

// portVLANs puts a port of a filtering bridge into its VLANs, in place of VLAN 1, in which the kernel puts every port.
func (n *namespace) portVLANs(name string, v *topology.PortVLAN) error {
	if v == nil {
		return nil
	}
	return n.onLink(name, func(h *netlink.Handle, l netlink.Link) error {
		err := h.BridgeVlanDel(l, 1, false, false, false, false)
		if errors.Is(err, unix.EOPNOTSUPP) {
			return errNoFiltering
		}
		if v.PVID != 0 {
			if err := h.BridgeVlanAdd(l, uint16(v.PVID), true, true, false, false); err != nil {
				return err
			}
		}
		for _, r := range v.Tagged {
			if err := h.BridgeVlanAddRange(l, uint16(r.First), uint16(r.Last), false, false, false, false); err != nil {
				return err
			}
		}
		return nil
	})
}
