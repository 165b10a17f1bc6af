//go:build linux

package kernel

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"

	"labctl/topology/state"
)

// addresses reads the addresses of interfaces, in the kernel's order.
func (r *readingNode) addresses() error {
	for k := range r.out.Interfaces {
		r.out.Interfaces[k].Addresses = nil
	}
	for _, family := range Families {
		req, start := message(nil, unix.RTM_GETADDR, unix.NLM_F_DUMP,
			append([]byte{byte(family)}, make([]byte, unix.SizeofIfAddrmsg-1)...))
		err := r.conn.exchange(finish(req, start), func(typ uint16, b []byte) {
			if typ != unix.RTM_NEWADDR || len(b) < unix.SizeofIfAddrmsg {
				return
			}
			i := r.link(int(binary.NativeEndian.Uint32(b[4:])))
			if i != nil {
				i.Addresses = append(i.Addresses, addressOf(b))
			}
		}, nil)
		if err != nil {
			return fmt.Errorf("list addresses: %w", err)
		}
	}
	return nil
}

func addressOf(b []byte) (a state.Address) {
	flags, bits := uint32(b[2]), int(b[1])
	var local, address netip.Addr
	attributes(b[unix.SizeofIfAddrmsg:], func(typ uint16, v []byte) {
		switch typ {
		case unix.IFA_LOCAL:
			local, _ = netip.AddrFromSlice(v)
		case unix.IFA_ADDRESS:
			address, _ = netip.AddrFromSlice(v)
		case unix.IFA_FLAGS:
			flags = number32(v)
		}
	})
	if !local.IsValid() { // IPv6 without a peer
		local = address
	}
	a.Prefix = netip.PrefixFrom(local, bits)
	a.Secondary = local.Is4() && flags&unix.IFA_F_SECONDARY != 0
	a.Tentative = local.Is6() && flags&unix.IFA_F_TENTATIVE != 0
	return a
}

// neighbours reads the neighbour tables, without entries that the kernel makes for what needs no neighbour.
func (r *readingNode) neighbours() error {
	r.out.Neighbours = nil
	for _, family := range Families {
		list, err := r.tables.Neighbours(r.of.Name, family)
		if err != nil {
			return err
		}
		for _, e := range list {
			r.out.Neighbours = append(r.out.Neighbours, state.Neighbour{Dev: r.nameOf(e.Index), IP: e.IP, MAC: e.MAC,
				State: e.State})
		}
	}
	return nil
}

var routeKinds = map[byte]string{unix.RTN_UNICAST: "unicast", unix.RTN_LOCAL: "local", unix.RTN_BROADCAST: "broadcast",
	unix.RTN_ANYCAST: "anycast", unix.RTN_MULTICAST: "multicast", unix.RTN_BLACKHOLE: "blackhole",
	unix.RTN_UNREACHABLE: "unreachable", unix.RTN_PROHIBIT: "prohibit", unix.RTN_THROW: "throw", unix.RTN_NAT: "nat"}

var routeScopes = map[byte]string{unix.RT_SCOPE_UNIVERSE: "global", unix.RT_SCOPE_LINK: "link",
	unix.RT_SCOPE_HOST: "host", unix.RT_SCOPE_SITE: "site", unix.RT_SCOPE_NOWHERE: "nowhere"}

var routeProtocols = map[byte]string{unix.RTPROT_REDIRECT: "redirect", unix.RTPROT_KERNEL: "kernel",
	unix.RTPROT_BOOT: "boot", unix.RTPROT_STATIC: "static", unix.RTPROT_RA: "ra"}

// wordOr is the word for a number, or the number.
func wordOr(words map[byte]string, n byte) string {
	if s, ok := words[n]; ok {
		return s
	}
	return strconv.Itoa(int(n))
}

// routes reads the routes of all tables, and the exceptions that redirects and path MTU discovery have left.
func (r *readingNode) routes() error {
	r.out.Routes = nil
	for _, family := range Families {
		for _, flags := range []uint32{0, unix.RTM_F_CLONED} {
			fixed := make([]byte, unix.SizeofRtMsg)
			fixed[0] = byte(family)
			binary.NativeEndian.PutUint32(fixed[8:], flags)
			req, start := message(nil, unix.RTM_GETROUTE, unix.NLM_F_DUMP, fixed)
			err := r.conn.exchange(finish(req, start), func(typ uint16, b []byte) {
				cloned := len(b) >= unix.SizeofRtMsg && binary.NativeEndian.Uint32(b[8:])&unix.RTM_F_CLONED != 0
				if typ != unix.RTM_NEWROUTE || len(b) < unix.SizeofRtMsg || cloned != (flags != 0) {
					return
				}
				// Whether a multicast route is there before its interface has a carrier depends on what was first.
				if k := r.route(b); k.Type != "multicast" || !k.LinkDown {
					r.out.Routes = append(r.out.Routes, k)
				}
			}, nil)
			if err != nil {
				return fmt.Errorf("list routes: %w", err)
			}
		}
	}
	return nil
}

const rtnhLinkDown = 16 // RTNH_F_LINKDOWN

func (r *readingNode) route(b []byte) state.Route {
	family, bits, flags := b[0], int(b[1]), binary.NativeEndian.Uint32(b[8:])
	out := state.Route{Table: int(b[4]), Protocol: wordOr(routeProtocols, b[5]), Type: wordOr(routeKinds, b[7]),
		OnLink: flags&unix.RTNH_F_ONLINK != 0, LinkDown: flags&rtnhLinkDown != 0,
		Learned: flags&unix.RTM_F_CLONED != 0}
	dst := netip.IPv6Unspecified()
	if family == unix.AF_INET {
		dst, out.Scope = netip.IPv4Unspecified(), wordOr(routeScopes, b[6])
	}
	attributes(b[unix.SizeofRtMsg:], func(typ uint16, v []byte) {
		switch typ {
		case unix.RTA_DST:
			dst, _ = netip.AddrFromSlice(v)
		case unix.RTA_TABLE:
			out.Table = int(number32(v))
		case unix.RTA_PRIORITY:
			out.Metric = int(number32(v))
		case unix.RTA_OIF:
			out.Dev = r.nameOf(int(number32(v)))
		case unix.RTA_GATEWAY:
			out.Via, _ = netip.AddrFromSlice(v)
		case unix.RTA_PREFSRC:
			out.Src, _ = netip.AddrFromSlice(v)
		case unix.RTA_MULTIPATH:
			out.Hops = r.hops(v)
		case unix.RTA_METRICS:
			attributes(v, func(typ uint16, v []byte) {
				if typ == unix.RTAX_MTU {
					out.MTU = int(number32(v))
				}
			})
		}
	})
	out.Dst = netip.PrefixFrom(dst, bits)
	return out
}

// hops reads RTA_MULTIPATH: struct rtnexthop and attributes, one behind the other.
func (r *readingNode) hops(b []byte) (out []state.Hop) {
	for len(b) >= unix.SizeofRtNexthop {
		size := int(binary.NativeEndian.Uint16(b))
		if size < unix.SizeofRtNexthop || size > len(b) {
			break
		}
		h := state.Hop{Dev: r.nameOf(int(binary.NativeEndian.Uint32(b[4:]))), Weight: int(b[3]) + 1,
			OnLink: b[2]&unix.RTNH_F_ONLINK != 0, LinkDown: b[2]&rtnhLinkDown != 0}
		attributes(b[unix.SizeofRtNexthop:size], func(typ uint16, v []byte) {
			if typ == unix.RTA_GATEWAY {
				h.Via, _ = netip.AddrFromSlice(v)
			}
		})
		out = append(out, h)
		b = b[min(len(b), (size+3)&^3):]
	}
	return out
}

// policies reads the routing rules.
func (r *readingNode) policies() error {
	r.out.Policies = nil
	list, err := r.tables.IPRules(r.of.Name)
	for _, k := range list {
		family := 4
		if k.V6 {
			family = 6
		}
		if family == 4 || r.of.IPv6 {
			r.out.Policies = append(r.out.Policies, state.Policy{Family: family, IPRule: k})
		}
	}
	return err
}
