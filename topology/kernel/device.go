//go:build linux

package kernel

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Device is an interface of the namespace that the caller is in, with what speaks against giving it to somebody else.
type Device struct {
	Name     string
	Index    int
	Ethernet bool // its frames begin with an Ethernet header, and it is not a loopback
	Up       bool
	Master   string         // the bridge, bond or VRF that it is a port of
	Addrs    []netip.Prefix // link-local ones included
	Default  bool           // a default route, of any family and table, goes out by it or by something stacked on it
}

// ErrNoDevice means that no interface has that name.
var ErrNoDevice = errors.New("no such interface")

// FindDevice looks at an interface of the calling thread's network namespace, and changes nothing.
func FindDevice(name string) (Device, error) {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return Device{}, err
	}
	defer h.Close()
	links, err := h.LinkList()
	if err != nil {
		return Device{}, fmt.Errorf("list interfaces: %w", err)
	}
	byIndex := map[int]*netlink.LinkAttrs{}
	var found *netlink.LinkAttrs
	for _, l := range links {
		a := l.Attrs()
		byIndex[a.Index] = a
		if a.Name == name {
			found = a
		}
	}
	if found == nil {
		return Device{}, fmt.Errorf("%s: %w", name, ErrNoDevice)
	}
	d := Device{Name: name, Index: found.Index, Ethernet: found.EncapType == "ether",
		Up: found.RawFlags&unix.IFF_UP != 0}
	if m := byIndex[found.MasterIndex]; m != nil {
		d.Master = m.Name
	}
	addrs, err := h.AddrList(&netlink.GenericLink{LinkAttrs: *found}, netlink.FAMILY_ALL)
	if err != nil {
		return d, fmt.Errorf("list addresses of %s: %w", name, err)
	}
	for _, a := range addrs {
		ip, _ := netip.AddrFromSlice(a.IP)
		bits, _ := a.Mask.Size()
		d.Addrs = append(d.Addrs, netip.PrefixFrom(ip.Unmap(), bits))
	}
	d.Default, err = carriesDefault(h, byIndex, found.Index)
	return d, err
}

// carriesDefault follows the default routes down to the interfaces that carry them: from a bridge or bond to its ports,
// from a VLAN or macvlan to what it is stacked on.
func carriesDefault(h *netlink.Handle, links map[int]*netlink.LinkAttrs, index int) (bool, error) {
	carries := map[int]bool{}
	for _, family := range Families {
		routes, err := h.RouteListFiltered(family, &netlink.Route{}, netlink.RT_FILTER_TABLE) // table 0: all
		if err != nil && !errors.Is(err, unix.EAFNOSUPPORT) && !errors.Is(err, unix.EOPNOTSUPP) {
			return false, fmt.Errorf("list routes: %w", err)
		}
		for _, r := range routes {
			ones := 0
			if r.Dst != nil {
				ones, _ = r.Dst.Mask.Size()
			}
			if ones > 0 || r.Type != unix.RTN_UNICAST {
				continue
			}
			carries[r.LinkIndex] = true
			for _, n := range r.MultiPath {
				carries[n.LinkIndex] = true
			}
		}
	}
	for grown := true; grown; {
		grown = false
		for i, a := range links {
			if carries[i] && a.ParentIndex != 0 && a.NetNsID < 0 && links[a.ParentIndex] != nil &&
				!carries[a.ParentIndex] {
				carries[a.ParentIndex], grown = true, true
			}
			if !carries[i] && a.MasterIndex != 0 && carries[a.MasterIndex] {
				carries[i], grown = true, true
			}
		}
	}
	return carries[index], nil
}
