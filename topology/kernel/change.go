//go:build linux

package kernel

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"labctl/topology"
)

// change carries out one operation that is a netlink request or two.
func (s *Space) change(op topology.Op) error {
	switch o := op.(type) {
	case topology.AddVeth:
		return s.addVeth(o)
	case topology.AddBridge:
		return s.addBridge(o)
	case topology.AddUpper:
		return s.addUpper(o)
	case topology.DelLink:
		return s.onLink(o.Node, o.Name, func(h *netlink.Handle, l netlink.Link) error { return h.LinkDel(l) }, unix.ENODEV)
	case topology.SetMaster:
		return s.setMaster(o)
	case topology.SetUp:
		return s.setUp(o)
	case topology.SetMAC:
		return s.onLink(o.Node, o.Name, func(h *netlink.Handle, l netlink.Link) error {
			return h.LinkSetHardwareAddr(l, o.MAC[:])
		})
	case topology.SetMTU:
		return s.onLink(o.Node, o.Name, func(h *netlink.Handle, l netlink.Link) error { return h.LinkSetMTU(l, o.MTU) })
	case topology.SetPromisc:
		return s.onLink(o.Node, o.Name, func(h *netlink.Handle, l netlink.Link) error {
			if o.On {
				return h.SetPromiscOn(l)
			}
			return h.SetPromiscOff(l)
		})
	case topology.SetBridge:
		return s.bridgeSettings(o.Node, o.Name, o.From, o.To)
	case topology.SetPort:
		return s.portSettings(o)
	case topology.AddAddr:
		return s.address(unix.RTM_NEWADDR, o.Node, o.Name, o)
	case topology.DelAddr:
		return tolerate(s.address(unix.RTM_DELADDR, o.Node, o.Name, topology.AddAddr(o)), unix.EADDRNOTAVAIL, unix.ENODEV)
	case topology.AddRoute:
		return s.route(o.Node, o.Route, (*netlink.Handle).RouteAdd)
	case topology.DelRoute:
		return tolerate(s.route(o.Node, o.Route, (*netlink.Handle).RouteDel), unix.ESRCH, unix.ENODEV, unix.ENETUNREACH, unix.EHOSTUNREACH)
	case topology.AddNeighbour:
		return s.neighbour(o.Node, o.Neighbour, (*netlink.Handle).NeighSet)
	case topology.DelNeighbour:
		return tolerate(s.neighbour(o.Node, o.Neighbour, (*netlink.Handle).NeighDel), unix.ENOENT, unix.ENODEV)
	}
	return fmt.Errorf("%T: no such operation", op)
}

// tolerate turns errors that mean "there was nothing to do" into none.
func tolerate(err error, none ...error) error {
	for _, n := range none {
		if errors.Is(err, n) {
			return nil
		}
	}
	return err
}

// ifindex finds an interface. Those of a fresh namespace are known, because their indexes were chosen here.
func (s *Space) ifindex(n *node, name string) (int, error) {
	n.mu.Lock()
	i, ok := n.index[name]
	n.mu.Unlock()
	if ok {
		return i, nil
	}
	h, err := s.library(n)
	if err != nil {
		return 0, err
	}
	l, err := h.LinkByName(name)
	if err != nil {
		return 0, linkError(n, name, err)
	}
	return l.Attrs().Index, nil
}

func linkError(n *node, name string, err error) error {
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return fmt.Errorf("%s has no interface %s: %w", n.name, name, unix.ENODEV)
	}
	return err
}

// choose picks the next index in a fresh namespace; 0 lets the kernel choose.
func (n *node) choose(name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.fresh {
		return 0
	}
	i := n.next
	n.next++
	n.index[name] = i
	return i
}

func (s *Space) onLink(nodeName, name string, f func(*netlink.Handle, netlink.Link) error, none ...error) error {
	n, err := s.node(nodeName)
	if err != nil {
		return err
	}
	h, err := s.library(n)
	if err != nil {
		return err
	}
	l, err := h.LinkByName(name)
	if err != nil {
		return tolerate(linkError(n, name, err), none...)
	}
	return tolerate(f(h, l), none...)
}

// addVeth is one RTM_NEWLINK that makes both ends where they belong, under a master and up. netlink.Veth takes no
// index for the far end, and looking it up afterwards would cost a request per host.
func (s *Space) addVeth(o topology.AddVeth) error {
	near, err := s.node(o.Near.Node)
	if err != nil {
		return err
	}
	far, err := s.node(o.Far.Node)
	if err != nil {
		return err
	}
	sock, err := s.requests(near)
	if err != nil {
		return err
	}
	req := nl.NewNetlinkRequest(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK)
	req.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: sock}
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	peer := nl.NewIfInfomsg(unix.AF_UNSPEC)
	// The kernel honours a chosen index of the far end only beside a chosen one of the near end (drivers/net/veth.c).
	msg.Index = int32(near.choose(o.Near.Name))
	if near.fresh {
		peer.Index = int32(far.choose(o.Far.Name))
	} else if far.fresh {
		far.next++ // the kernel takes the lowest that is free, which must not be chosen again
	}
	if o.Near.Up {
		msg.Flags, msg.Change = unix.IFF_UP, unix.IFF_UP
	}
	req.AddData(msg)
	for _, a := range endAttrs(o.Near) {
		req.AddData(a)
	}
	if o.Near.Master != "" {
		m, err := s.ifindex(near, o.Near.Master)
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
	p.AddRtAttr(unix.IFLA_NET_NS_FD, nl.Uint32Attr(uint32(far.fd)))
	req.AddData(info)
	_, err = req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

func endAttrs(e topology.VethEnd) []*nl.RtAttr {
	return []*nl.RtAttr{
		nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(e.Name)),
		nl.NewRtAttr(unix.IFLA_ADDRESS, e.MAC[:]),
		nl.NewRtAttr(unix.IFLA_MTU, nl.Uint32Attr(uint32(e.MTU))),
	}
}

func (s *Space) addBridge(o topology.AddBridge) error {
	n, err := s.node(o.Node)
	if err != nil {
		return err
	}
	h, err := s.library(n)
	if err != nil {
		return err
	}
	la := netlink.NewLinkAttrs()
	la.Name, la.MTU, la.Index = o.Name, o.MTU, n.choose(o.Name)
	if !o.MAC.IsZero() {
		la.HardwareAddr = o.MAC[:]
	}
	if err := h.LinkAdd(&netlink.Bridge{LinkAttrs: la}); err != nil {
		return err
	}
	return s.bridgeSettings(o.Node, o.Name, topology.DefaultBridgeSettings(), o.Settings)
}

// bridgeSettings writes what differs. STP, priority and the forwarding mask have no field in netlink.Bridge, so the request
// is put together here; the attributes are those of linux/if_link.h.
func (s *Space) bridgeSettings(nodeName, name string, from, to topology.BridgeSettings) error {
	if from == to {
		return nil
	}
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(nl.IFLA_INFO_KIND, nl.NonZeroTerminated("bridge"))
	data := info.AddRtAttr(nl.IFLA_INFO_DATA, nil)
	if from.Ageing != to.Ageing {
		data.AddRtAttr(nl.IFLA_BR_AGEING_TIME, nl.Uint32Attr(uint32(to.Ageing/(10*time.Millisecond))))
	}
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
	err := s.setLink(nodeName, name, info)
	if errors.Is(err, unix.EOPNOTSUPP) && to.VLANFiltering {
		return errNoFiltering
	}
	if err != nil {
		return err
	}
	return s.checkFiltering(nodeName, name, to)
}

func flag(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// checkFiltering reads VLAN filtering back: older kernels without CONFIG_BRIDGE_VLAN_FILTERING take the attribute and ignore it.
func (s *Space) checkFiltering(nodeName, name string, to topology.BridgeSettings) error {
	if !to.VLANFiltering {
		return nil
	}
	return s.onLink(nodeName, name, func(_ *netlink.Handle, l netlink.Link) error {
		if b, ok := l.(*netlink.Bridge); ok && b.VlanFiltering != nil && *b.VlanFiltering {
			return nil
		}
		return errNoFiltering
	})
}

var errNoFiltering = fmt.Errorf("%w: it is built without bridge VLAN filtering (CONFIG_BRIDGE_VLAN_FILTERING)", ErrUnsupported)

// setLink is an RTM_NEWLINK on an existing interface with the given attributes.
func (s *Space) setLink(nodeName, name string, attrs ...nl.NetlinkRequestData) error {
	n, err := s.node(nodeName)
	if err != nil {
		return err
	}
	index, err := s.ifindex(n, name)
	if err != nil {
		return err
	}
	sock, err := s.requests(n)
	if err != nil {
		return err
	}
	req := nl.NewNetlinkRequest(unix.RTM_NEWLINK, unix.NLM_F_ACK)
	req.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: sock}
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	msg.Index = int32(index)
	req.AddData(msg)
	for _, a := range attrs {
		req.AddData(a)
	}
	_, err = req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

func (s *Space) setUp(o topology.SetUp) error {
	n, err := s.node(o.Node)
	if err != nil {
		return err
	}
	index, err := s.ifindex(n, o.Name)
	if err != nil {
		return err
	}
	sock, err := s.requests(n)
	if err != nil {
		return err
	}
	req := nl.NewNetlinkRequest(unix.RTM_NEWLINK, unix.NLM_F_ACK)
	req.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: sock}
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	msg.Index, msg.Change = int32(index), unix.IFF_UP
	if o.Up {
		msg.Flags = unix.IFF_UP
	}
	req.AddData(msg)
	_, err = req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

func (s *Space) setMaster(o topology.SetMaster) error {
	n, err := s.node(o.Node)
	if err != nil {
		return err
	}
	m, err := s.ifindex(n, o.Master)
	if err != nil {
		return err
	}
	return s.setLink(o.Node, o.Name, nl.NewRtAttr(unix.IFLA_MASTER, nl.Uint32Attr(uint32(m))))
}

func (s *Space) addUpper(o topology.AddUpper) error {
	lower, err := s.node(o.Lower.Node)
	if err != nil {
		return err
	}
	n, err := s.node(o.Node)
	if err != nil {
		return err
	}
	h, err := s.library(lower)
	if err != nil {
		return err
	}
	la := netlink.NewLinkAttrs()
	la.Name, la.MTU, la.HardwareAddr = o.Name, o.MTU, o.MAC[:]
	if la.ParentIndex, err = s.ifindex(lower, o.Lower.Interface); err != nil {
		return err
	}
	la.Namespace = netlink.NsFd(n.fd)
	la.Index = n.choose(o.Name)
	if o.Type == topology.VLAN {
		return unsupported(h.LinkAdd(&netlink.Vlan{LinkAttrs: la, VlanId: o.VLANID, VlanProtocol: netlink.VLAN_PROTOCOL_8021Q}), "VLAN interfaces (module 8021q)")
	}
	mv := netlink.Macvlan{LinkAttrs: la, Mode: macvlanModes[o.Mode]}
	for _, m := range o.Sources {
		mv.MACAddrs = append(mv.MACAddrs, net.HardwareAddr(m[:]))
	}
	if o.Type == topology.Macvtap {
		return unsupported(h.LinkAdd(&netlink.Macvtap{Macvlan: mv}), "macvtap")
	}
	if err := unsupported(h.LinkAdd(&mv), "macvlan"); err != nil || len(o.Sources) == 0 {
		return err
	}
	// The library does not pass sources when a macvlan is made, only afterwards.
	return s.onLink(o.Node, o.Name, func(h *netlink.Handle, l netlink.Link) error {
		return h.MacvlanMACAddrSet(l, mv.MACAddrs)
	})
}

var macvlanModes = map[string]netlink.MacvlanMode{
	"bridge": netlink.MACVLAN_MODE_BRIDGE, "private": netlink.MACVLAN_MODE_PRIVATE, "vepa": netlink.MACVLAN_MODE_VEPA,
	"passthru": netlink.MACVLAN_MODE_PASSTHRU, "source": netlink.MACVLAN_MODE_SOURCE,
}

// unsupported names the missing feature when the kernel does not know a kind of link.
func unsupported(err error, what string) error {
	if errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("%w: it has no %s", ErrUnsupported, what)
	}
	return err
}

// address is RTM_NEWADDR or RTM_DELADDR. Adding one that is there is no error.
func (s *Space) address(what int, nodeName, name string, o topology.AddAddr) error {
	n, err := s.node(nodeName)
	if err != nil {
		return err
	}
	index, err := s.ifindex(n, name)
	if err != nil {
		return err
	}
	sock, err := s.requests(n)
	if err != nil {
		return err
	}
	family, flags := unix.AF_INET, 0
	if o.Addr.Addr().Is6() {
		family, flags = unix.AF_INET6, unix.IFA_F_NODAD
	}
	req := nl.NewNetlinkRequest(what, unix.NLM_F_CREATE|unix.NLM_F_REPLACE|unix.NLM_F_ACK)
	req.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: sock}
	msg := nl.NewIfAddrmsg(family)
	msg.Index, msg.Prefixlen, msg.IfAddrmsg.Flags = uint32(index), uint8(o.Addr.Bits()), uint8(flags)
	req.AddData(msg)
	b := o.Addr.Addr().AsSlice()
	req.AddData(nl.NewRtAttr(unix.IFA_LOCAL, b))
	req.AddData(nl.NewRtAttr(unix.IFA_ADDRESS, b))
	_, err = req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

func (s *Space) route(nodeName string, r topology.Route, do func(*netlink.Handle, *netlink.Route) error) error {
	n, err := s.node(nodeName)
	if err != nil {
		return err
	}
	h, err := s.library(n)
	if err != nil {
		return err
	}
	nr := &netlink.Route{
		Dst:      &net.IPNet{IP: r.Dst.Masked().Addr().AsSlice(), Mask: net.CIDRMask(r.Dst.Bits(), r.Dst.Addr().BitLen())},
		Priority: r.Metric, Type: routeTypes[r.Type], Protocol: unix.RTPROT_BOOT, Scope: netlink.SCOPE_UNIVERSE,
	}
	if r.Via.IsValid() {
		nr.Gw = r.Via.AsSlice()
	} else if r.Type == "unicast" && r.Dst.Addr().Is4() {
		nr.Scope = netlink.SCOPE_LINK
	}
	if r.Dev != "" {
		if nr.LinkIndex, err = s.ifindex(n, r.Dev); err != nil {
			return err
		}
	}
	if r.Src.IsValid() {
		nr.Src = r.Src.AsSlice()
	}
	if r.OnLink {
		nr.Flags = int(netlink.FLAG_ONLINK)
	}
	return do(h, nr)
}

var routeTypes = map[string]int{
	"": unix.RTN_UNICAST, "unicast": unix.RTN_UNICAST, "blackhole": unix.RTN_BLACKHOLE,
	"unreachable": unix.RTN_UNREACHABLE, "prohibit": unix.RTN_PROHIBIT,
}

func (s *Space) neighbour(nodeName string, e topology.Neighbour, do func(*netlink.Handle, *netlink.Neigh) error) error {
	n, err := s.node(nodeName)
	if err != nil {
		return err
	}
	h, err := s.library(n)
	if err != nil {
		return err
	}
	index, err := s.ifindex(n, e.Dev)
	if err != nil {
		return err
	}
	return do(h, &netlink.Neigh{LinkIndex: index, IP: e.IP.AsSlice(), HardwareAddr: e.MAC[:], State: netlink.NUD_PERMANENT})
}

// portSettings writes a bridge port's knobs through sysfs-free netlink (bridge(8)); VLANs need a filtering bridge.
func (s *Space) portSettings(o topology.SetPort) error {
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
	if o.From.Cost != o.To.Cost && o.To.Cost != 0 {
		data.AddRtAttr(nl.IFLA_BRPORT_COST, nl.Uint32Attr(uint32(o.To.Cost)))
		changed = true
	}
	if changed {
		if err := s.setBridgeLink(o.Node, o.Name, data); err != nil {
			return err
		}
	}
	return s.portVLANs(o)
}

// brportLocked is IFLA_BRPORT_LOCKED of linux/if_link.h, since Linux 5.18.
const brportLocked = 39

// setBridgeLink is RTM_SETLINK of family AF_BRIDGE, which alone may change a port (rtnetlink(7)).
func (s *Space) setBridgeLink(nodeName, name string, attr *nl.RtAttr) error {
	n, err := s.node(nodeName)
	if err != nil {
		return err
	}
	index, err := s.ifindex(n, name)
	if err != nil {
		return err
	}
	sock, err := s.requests(n)
	if err != nil {
		return err
	}
	req := nl.NewNetlinkRequest(unix.RTM_SETLINK, unix.NLM_F_ACK)
	req.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: sock}
	msg := nl.NewIfInfomsg(unix.AF_BRIDGE)
	msg.Index = int32(index)
	req.AddData(msg)
	req.AddData(attr)
	_, err = req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

func (s *Space) portVLANs(o topology.SetPort) error {
	v := o.To.VLAN
	if v == nil {
		return nil
	}
	return s.onLink(o.Node, o.Name, func(h *netlink.Handle, l netlink.Link) error {
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

// retransTime sets the retransmission timer of one interface's neighbour table (rtnetlink, struct ndtmsg; arp(7)).
func (s *Space) retransTime(n *node, family, dev string, ms uint64) error {
	index, err := s.ifindex(n, dev)
	if err != nil {
		return err
	}
	sock, err := s.requests(n)
	if err != nil {
		return err
	}
	table := "arp_cache"
	if family == "ipv6" {
		table = "ndisc_cache"
	}
	req := nl.NewNetlinkRequest(unix.RTM_SETNEIGHTBL, unix.NLM_F_ACK)
	req.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: sock}
	req.AddData(ndtmsg{})
	req.AddData(nl.NewRtAttr(ndtaName, nl.ZeroTerminated(table)))
	parms := nl.NewRtAttr(ndtaParms, nil)
	parms.AddRtAttr(ndtpaIfindex, nl.Uint32Attr(uint32(index)))
	parms.AddRtAttr(ndtpaRetransTime, nl.Uint64Attr(ms))
	req.AddData(parms)
	_, err = req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

// ndtmsg is struct ndtmsg of linux/neighbour.h, AF_UNSPEC; the constants below are of the same file.
type ndtmsg struct{}

func (ndtmsg) Len() int          { return 4 }
func (ndtmsg) Serialize() []byte { return make([]byte, 4) }

const (
	ndtaName         = 1
	ndtaParms        = 6
	ndtpaIfindex     = 1
	ndtpaRetransTime = 5
)

// unname removes a name under NetnsDir as ip-netns(8) does. A name that is gone is no error.
func unname(name string) error {
	path := NetnsDir + "/" + name
	if err := tolerate(unix.Unmount(path, unix.MNT_DETACH), unix.EINVAL, unix.ENOENT); err != nil {
		return fmt.Errorf("unmount %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
