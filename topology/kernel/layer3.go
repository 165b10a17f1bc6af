//go:build linux

package kernel

import (
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"labctl/topology"
)

// address is RTM_NEWADDR or RTM_DELADDR. Adding one that is there is not an error.
func (n *namespace) address(what int, name string, addr netip.Prefix) error {
	index, err := n.ifindex(name)
	if err != nil {
		return err
	}
	family, flags := unix.AF_INET, 0
	if addr.Addr().Is6() {
		family, flags = unix.AF_INET6, unix.IFA_F_NODAD
	}
	req := nl.NewNetlinkRequest(what, unix.NLM_F_CREATE|unix.NLM_F_REPLACE|unix.NLM_F_ACK)
	msg := nl.NewIfAddrmsg(family)
	msg.Index, msg.Prefixlen, msg.IfAddrmsg.Flags = uint32(index), uint8(addr.Bits()), uint8(flags)
	req.AddData(msg)
	b := addr.Addr().AsSlice()
	req.AddData(nl.NewRtAttr(unix.IFA_LOCAL, b))
	req.AddData(nl.NewRtAttr(unix.IFA_ADDRESS, b))
	return n.send(req)
}

var routeTypes = map[string]int{
	"": unix.RTN_UNICAST, "unicast": unix.RTN_UNICAST, "blackhole": unix.RTN_BLACKHOLE,
	"unreachable": unix.RTN_UNREACHABLE, "prohibit": unix.RTN_PROHIBIT,
}

// neighbour adds or removes a permanent neighbour, whichever do does.
func (n *namespace) neighbour(e topology.Neighbour, do func(*netlink.Handle, *netlink.Neigh) error) error {
	h, err := n.rtnl()
	if err != nil {
		return err
	}
	index, err := n.ifindex(e.Dev)
	if err != nil {
		return err
	}
	return do(h, &netlink.Neigh{LinkIndex: index, IP: e.IP.AsSlice(), HardwareAddr: e.MAC[:],
		State: netlink.NUD_PERMANENT})
}

// setNeighbourTimer sets a timer of one interface's neighbour table (rtnetlink, struct ndtmsg; arp(7)).
func (n *namespace) setNeighbourTimer(family, dev string, attr int, ms uint64) error {
	index, err := n.ifindex(dev)
	if err != nil {
		return err
	}
	table := "arp_cache"
	if family == "ipv6" {
		table = "ndisc_cache"
	}
	req := nl.NewNetlinkRequest(unix.RTM_SETNEIGHTBL, unix.NLM_F_ACK)
	req.AddData(ndtmsg{})
	req.AddData(nl.NewRtAttr(ndtaName, nl.ZeroTerminated(table)))
	parms := nl.NewRtAttr(ndtaParms, nil)
	parms.AddRtAttr(ndtpaIfindex, nl.Uint32Attr(uint32(index)))
	parms.AddRtAttr(attr, nl.Uint64Attr(ms))
	req.AddData(parms)
	return n.send(req)
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
	ndtpaProxyDelay  = 13
)

// neighbourTimer are the timers that labctl sets of every interface, by the name of the sysctl: the attribute, and how
// many milliseconds the sysctl counts in. proxy_delay counts in USER_HZ, which is 100 for all programs.
var neighbourTimer = map[string]struct {
	attr int
	ms   uint64
}{
	"retrans_time_ms": {ndtpaRetransTime, 1},
	"proxy_delay":     {ndtpaProxyDelay, 10},
}
