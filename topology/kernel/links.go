//go:build linux

package kernel

import (
	"net"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"labctl/topology"
	"labctl/topology/plan"
)

// addVeth is one RTM_NEWLINK that makes both ends where they belong, under a master and up. netlink.Veth takes no
// index for the far end, and looking it up afterwards would cost a request per host.
func addVeth(near, far *namespace, o plan.AddVeth) error {
	req := nl.NewNetlinkRequest(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK)
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	peer := nl.NewIfInfomsg(unix.AF_UNSPEC)
	// The kernel honours a chosen index of the far end only beside a chosen one of the near end (drivers/net/veth.c).
	msg.Index = int32(near.fresh.choose(o.Near.Name, 0))
	if near.fresh != nil {
		// Not the same at both ends: the kernel takes such a link for one that has no lower, and lets its carrier wait
		// for up to a second (net/core/link_watch.c, linkwatch_urgent_event).
		peer.Index = int32(far.fresh.choose(o.Far.Name, int(msg.Index)))
	} else {
		far.fresh.pass()
	}
	if o.Near.Up {
		msg.Flags, msg.Change = unix.IFF_UP, unix.IFF_UP
	}
	req.AddData(msg)
	for _, a := range endAttrs(o.Near) {
		req.AddData(a)
	}
	if o.Near.Master != "" {
		m, err := near.ifindex(o.Near.Master)
		if err != nil {
			return err
		}
		req.AddData(nl.NewRtAttr(unix.IFLA_MASTER, nl.Uint32Attr(uint32(m))))
	}
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(nl.IFLA_INFO_KIND, nl.NonZeroTerminated("veth"))
	data := info.AddRtAttr(nl.IFLA_INFO_DATA, nil)
	p := data.AddRtAttr(nl.VETH_INFO_PEER, nil)
	p.AddChild(peer)
	for _, a := range endAttrs(o.Far) {
		p.AddChild(a)
	}
	p.AddRtAttr(unix.IFLA_NET_NS_FD, nl.Uint32Attr(uint32(far.ns)))
	req.AddData(info)
	return near.send(req)
}

func endAttrs(e plan.VethEnd) []*nl.RtAttr {
	return []*nl.RtAttr{
		nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(e.Name)),
		nl.NewRtAttr(unix.IFLA_ADDRESS, e.MAC[:]),
		nl.NewRtAttr(unix.IFLA_MTU, nl.Uint32Attr(uint32(e.MTU))),
	}
}

func (n *namespace) addBridge(o plan.AddBridge) error {
	h, err := n.rtnl()
	if err != nil {
		return err
	}
	la := netlink.NewLinkAttrs()
	la.Name, la.MTU, la.Index = o.Name, o.MTU, n.fresh.choose(o.Name, 0)
	if !o.MAC.IsZero() {
		la.HardwareAddr = o.MAC[:]
	}
	if err := h.LinkAdd(&netlink.Bridge{LinkAttrs: la}); err != nil {
		return err
	}
	return n.bridgeSettings(o.Name, topology.DefaultBridgeSettings(), o.Settings)
}

// addUpper makes an interface in one namespace on one of another.
func addUpper(lower, upper *namespace, o plan.AddUpper) error {
	h, err := lower.rtnl()
	if err != nil {
		return err
	}
	la := netlink.NewLinkAttrs()
	la.Name, la.MTU, la.HardwareAddr = o.Name, o.MTU, o.MAC[:]
	if la.ParentIndex, err = lower.ifindex(o.Lower.Interface); err != nil {
		return err
	}
	la.Namespace = netlink.NsFd(upper.ns)
	la.Index = upper.fresh.choose(o.Name, 0)
	if o.Type == topology.VLAN {
		return unsupported(h.LinkAdd(&netlink.Vlan{LinkAttrs: la, VlanId: o.VLANID,
			VlanProtocol: netlink.VLAN_PROTOCOL_8021Q}), "VLAN interfaces (module 8021q)")
	}
	if o.Type == topology.IPVLAN {
		la.HardwareAddr = nil // it is always that of what it sits on
		return unsupported(h.LinkAdd(&netlink.IPVlan{LinkAttrs: la, Mode: ipvlanModes[o.Mode],
			Flag: ipvlanFlags[o.Flags]}), "ipvlan")
	}
	mv := netlink.Macvlan{LinkAttrs: la, Mode: macvlanModes[o.Mode]}
	for _, m := range o.Sources {
		mv.MACAddrs = append(mv.MACAddrs, net.HardwareAddr(m[:]))
	}
	if o.Type == topology.Macvtap {
		if err := unsupported(h.LinkAdd(&netlink.Macvtap{Macvlan: mv}), "macvtap"); err != nil {
			return err
		}
		return upper.broadcastAtOnce(o.Name, "macvtap")
	}
	if err := unsupported(h.LinkAdd(&mv), "macvlan"); err != nil {
		return err
	}
	if err := upper.broadcastAtOnce(o.Name, "macvlan"); err != nil || len(o.Sources) == 0 {
		return err
	}
	// The library does not pass sources when a macvlan is made, only afterwards.
	return upper.onLink(o.Name, func(h *netlink.Handle, l netlink.Link) error {
		return h.MacvlanMACAddrSet(l, mv.MACAddrs)
	})
}

// broadcastAtOnce has the kernel hand broadcasts that come from outside to the macvlans of an interface at once, as it
// does with everything else ("bccutoff -1" of ip-link(8)). Otherwise a kernel thread hands them on some time later, by
// a queue that nobody can look into. Linux before 6.4 does not know the attribute and ignores it.
func (n *namespace) broadcastAtOnce(name, kind string) error {
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(unix.IFLA_INFO_KIND, nl.NonZeroTerminated(kind))
	never := int32(-1)
	info.AddRtAttr(unix.IFLA_INFO_DATA, nil).AddRtAttr(unix.IFLA_MACVLAN_BC_CUTOFF, nl.Uint32Attr(uint32(never)))
	return n.setLink(name, unix.RTM_NEWLINK, nl.NewIfInfomsg(unix.AF_UNSPEC), info)
}

var macvlanModes = map[string]netlink.MacvlanMode{
	"bridge": netlink.MACVLAN_MODE_BRIDGE, "private": netlink.MACVLAN_MODE_PRIVATE, "vepa": netlink.MACVLAN_MODE_VEPA,
	"passthru": netlink.MACVLAN_MODE_PASSTHRU, "source": netlink.MACVLAN_MODE_SOURCE,
}

var ipvlanModes = map[string]netlink.IPVlanMode{"l2": netlink.IPVLAN_MODE_L2, "l3": netlink.IPVLAN_MODE_L3,
	"l3s": netlink.IPVLAN_MODE_L3S}

var ipvlanFlags = map[string]netlink.IPVlanFlag{"bridge": netlink.IPVLAN_FLAG_BRIDGE,
	"private": netlink.IPVLAN_FLAG_PRIVATE, "vepa": netlink.IPVLAN_FLAG_VEPA}

// delLink removes an interface. One that is gone is not an error.
func (n *namespace) delLink(name string) error {
	return n.onLink(name, func(h *netlink.Handle, l netlink.Link) error { return h.LinkDel(l) }, unix.ENODEV)
}

func (n *namespace) setUp(name string, up bool) error {
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	msg.Change = unix.IFF_UP
	if up {
		msg.Flags = unix.IFF_UP
	}
	return n.setLink(name, unix.RTM_NEWLINK, msg)
}

func (n *namespace) setMaster(name, master string) error {
	m, err := n.ifindex(master)
	if err != nil {
		return err
	}
	return n.setLink(name, unix.RTM_NEWLINK, nl.NewIfInfomsg(unix.AF_UNSPEC),
		nl.NewRtAttr(unix.IFLA_MASTER, nl.Uint32Attr(uint32(m))))
}

func (n *namespace) setPromisc(name string, on bool) error {
	return n.onLink(name, func(h *netlink.Handle, l netlink.Link) error {
		if on {
			return h.SetPromiscOn(l)
		}
		return h.SetPromiscOff(l)
	})
}
