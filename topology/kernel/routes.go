//go:build linux

package kernel

import (
	"encoding/binary"
	"fmt"
	"labctl/topology"
	"net/netip"
	"strconv"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Flags of a looked-up route (linux/in_route.h).
const (
	rtcfRedirected = 0x00040000
	rtcfDoRedirect = 0x01000000
)

// Route asks the kernel which way the node would send. The error is the lookup's own errno.
func (t Tables) Route(node string, q topology.RouteQuery) (topology.RouteAnswer, error) {
	n, err := t.space.of(node)
	if err != nil {
		return topology.RouteAnswer{}, err
	}
	fixed := make([]byte, unix.SizeofRtMsg)
	fixed[0], fixed[1] = byte(familyOf(q.Dst)), byte(q.Dst.BitLen())
	if q.From.IsValid() {
		fixed[2] = byte(q.From.BitLen())
	}
	var b [128]byte
	req, start := message(b[:0], unix.RTM_GETROUTE, 0, fixed)
	req = attribute(req, unix.RTA_DST, q.Dst.AsSlice())
	if q.From.IsValid() {
		req = attribute(req, unix.RTA_SRC, q.From.AsSlice())
	}
	if q.Proto != 0 {
		req = attribute(req, unix.RTA_IP_PROTO, []byte{q.Proto})
	}
	if q.SPort != 0 {
		req = attribute(req, unix.RTA_SPORT, binary.BigEndian.AppendUint16(nil, q.SPort))
	}
	if q.DPort != 0 {
		req = attribute(req, unix.RTA_DPORT, binary.BigEndian.AppendUint16(nil, q.DPort))
	}
	for _, dev := range []struct {
		name string
		typ  uint16
	}{{q.IIF, unix.RTA_IIF}, {q.OIF, unix.RTA_OIF}} {
		if dev.name == "" {
			continue
		}
		index, err := n.conn.linkIndex(dev.name)
		if err != nil {
			return topology.RouteAnswer{}, err
		}
		req = attribute(req, dev.typ, binary.NativeEndian.AppendUint32(nil, index))
	}
	var out topology.RouteAnswer
	found := false
	err = n.conn.exchange(finish(req, start), func(typ uint16, b []byte) {
		if typ == unix.RTM_NEWROUTE && len(b) >= unix.SizeofRtMsg {
			out, found = readRoute(b), true
		}
	}, nil)
	if err == nil && !found {
		err = unix.ENETUNREACH
	}
	return out, err
}

func readRoute(b []byte) topology.RouteAnswer {
	flags := binary.NativeEndian.Uint32(b[8:])
	r := topology.RouteAnswer{Local: b[7] == unix.RTN_LOCAL, Broadcast: b[7] == unix.RTN_BROADCAST,
		Redirected: flags&rtcfRedirected != 0, DoRedirect: flags&rtcfDoRedirect != 0}
	attributes(b[unix.SizeofRtMsg:], func(typ uint16, v []byte) {
		switch {
		case typ == unix.RTA_OIF && len(v) >= 4:
			r.Index = int(binary.NativeEndian.Uint32(v))
		case typ == unix.RTA_GATEWAY:
			r.Via, _ = netip.AddrFromSlice(v)
		case typ == unix.RTA_VIA && len(v) >= 2: // a gateway of the other family
			r.Via, _ = netip.AddrFromSlice(v[2:])
		case typ == unix.RTA_PREFSRC:
			r.Src, _ = netip.AddrFromSlice(v)
		case typ == unix.RTA_METRICS:
			attributes(v, func(typ uint16, v []byte) {
				if typ == unix.RTAX_MTU && len(v) >= 4 {
					r.MTU = int(binary.NativeEndian.Uint32(v))
				}
			})
		}
	})
	return r
}

// linkIndex asks for the interface of that name.
func (c *conn) linkIndex(name string) (index uint32, err error) {
	var b [64]byte
	req, start := message(b[:0], unix.RTM_GETLINK, 0, make([]byte, unix.SizeofIfInfomsg))
	req = attribute(req, unix.IFLA_IFNAME, append([]byte(name), 0))
	err = c.exchange(finish(req, start), func(typ uint16, b []byte) {
		if typ == unix.RTM_NEWLINK && len(b) >= unix.SizeofIfInfomsg {
			index = binary.NativeEndian.Uint32(b[4:])
		}
	}, func(e unix.Errno) error { return fmt.Errorf("%s has no interface %s: %w", c.node, name, e) })
	return index, err
}

// Routes prints a node's routes as the kernel has them, of both families and all tables, without what the kernel itself
// has in the local table.
func (t Tables) Routes(node string) (out []RouteEntry, err error) {
	err = t.reading(node, func(_ *namespace, h *netlink.Handle) error {
		out, err = readRoutes(h, node)
		return err
	})
	return out, err
}

func readRoutes(h *netlink.Handle, node string) ([]RouteEntry, error) {
	links, err := h.LinkList()
	if err != nil {
		return nil, err
	}
	names := map[int]string{}
	for _, l := range links {
		names[l.Attrs().Index] = l.Attrs().Name
	}
	all := &netlink.Route{Table: unix.RT_TABLE_UNSPEC}
	list, err := h.RouteListFiltered(unix.AF_UNSPEC, all, netlink.RT_FILTER_TABLE)
	if err != nil {
		return nil, fmt.Errorf("%s: list routes: %w", node, err)
	}
	var out []RouteEntry
	for _, r := range list {
		if r.Table == topology.LocalTable && r.Protocol == unix.RTPROT_KERNEL {
			continue
		}
		e := RouteEntry{Dst: "default", Dev: names[r.LinkIndex], Type: routeTypeName(r.Type),
			Protocol: r.Protocol.String(), Metric: r.Priority, Table: topology.TableName(uint32(r.Table))}
		for _, h := range r.MultiPath {
			hop := NextHopEntry{Dev: names[h.LinkIndex], Weight: h.Hops + 1, Dead: h.Flags&unix.RTNH_F_DEAD != 0}
			if h.Gw != nil {
				hop.Via = h.Gw.String()
			}
			e.NextHops = append(e.NextHops, hop)
		}
		if r.Dst != nil && r.Dst.String() != "0.0.0.0/0" && r.Dst.String() != "::/0" {
			e.Dst = r.Dst.String()
		} else if r.Family == unix.AF_INET6 {
			e.Dst = "default (ipv6)"
		}
		if r.Gw != nil {
			e.Via = r.Gw.String()
		}
		if r.Src != nil {
			e.Src = r.Src.String()
		}
		out = append(out, e)
	}
	return out, nil
}

// RouteEntry is one route in iproute2's words.
type RouteEntry struct {
	Dst      string         `json:"dst"`
	Via      string         `json:"via,omitempty"`
	Dev      string         `json:"dev,omitempty"`
	Src      string         `json:"src,omitempty"`
	Type     string         `json:"type"`
	Protocol string         `json:"protocol"`
	Metric   int            `json:"metric,omitempty"`
	Table    string         `json:"table"`              // a number, or main, default or local
	NextHops []NextHopEntry `json:"nexthops,omitempty"` // of a route that has several, else Via and Dev
}

// NextHopEntry is one of several ways of a route. Dead is one whose interface is down.
type NextHopEntry struct {
	Via    string `json:"via,omitempty"`
	Dev    string `json:"dev"`
	Weight int    `json:"weight"`
	Dead   bool   `json:"dead,omitempty"`
}

func routeTypeName(t int) string {
	for _, name := range []string{"unicast", "blackhole", "unreachable", "prohibit"} {
		if routeTypes[name] == t {
			return name
		}
	}
	return strconv.Itoa(t)
}
