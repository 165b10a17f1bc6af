package sim

import (
	"net/netip"
	"slices"

	"labctl/switchcore"
	"labctl/topology"
)

// Tables reads what a lab has come to.
type Tables struct{ w *World }

// Link is an interface as it is now.
type Link struct {
	Name string
	MAC  switchcore.MAC
	Up   bool
	Port bool // of a bridge
	IPs  []netip.Prefix
}

// Links are the interfaces of a node, in the kernel's order.
func (t Tables) Links(name string) []Link {
	n := t.w.node(name)
	if n == nil {
		return nil
	}
	var out []Link
	for _, d := range n.devices {
		l := Link{Name: d.name, MAC: d.mac, Up: d.up, Port: d.port != nil}
		for _, a := range d.addrs {
			l.IPs = append(l.IPs, netip.PrefixFrom(addr(a.ip), a.bits))
		}
		out = append(out, l)
	}
	return out
}

// Neighbour is an entry of a node's neighbour table.
type Neighbour struct {
	Dev    string
	IP     netip.Addr
	MAC    switchcore.MAC
	Failed bool // or still being asked for
}

// Neighbours are the entries of a node for an address, by interface.
func (t Tables) Neighbours(name string, ip netip.Addr) []Neighbour {
	n := t.w.node(name)
	if n == nil {
		return nil
	}
	var out []Neighbour
	for _, d := range n.devices {
		if e := n.neighs[hop{d, number(ip)}]; e != nil {
			out = append(out, Neighbour{Dev: d.name, IP: ip, MAC: e.mac, Failed: !e.valid()})
		}
	}
	return out
}

// Route is which way a node would send.
type Route struct {
	Refused    Refusal
	Via        netip.Addr // zero: on link
	Src        netip.Addr
	Dev        string
	Local      bool
	Redirected bool
}

// Route is what the kernel of a node says of the way to an address.
func (t Tables) Route(name string, dst netip.Addr) Route {
	n := t.w.node(name)
	if n == nil {
		return Route{Refused: NoRoute}
	}
	v, no := n.output(number(dst), nil)
	if no != granted {
		return Route{Refused: refusalOf(no)}
	}
	r := Route{Via: addr(v.via), Src: addr(v.src), Local: v.typ == routeLocal, Redirected: v.redirected}
	if v.dev != nil {
		r.Dev = v.dev.name
	}
	return r
}

func refusalOf(no refusal) Refusal {
	switch no {
	case blackholeRoute:
		return Blackhole
	case unreachableRoute:
		return Unreachable
	case prohibitRoute:
		return Prohibited
	}
	return NoRoute
}

// Redirects reports whether a node on the way from one to an address would tell of a better way, by their routes alone.
func (t Tables) Redirects(from, iface string, to netip.Addr) bool {
	n := t.w.node(from)
	if n == nil {
		return false
	}
	dst := number(to)
	v, no := n.output(dst, n.byName[iface])
	src := v.src
	if d := n.byName[iface]; d != nil && len(d.addrs) > 0 {
		src = d.addrs[0].ip
	}
	for range 64 {
		if no != granted || v.typ != routeUnicast {
			return false
		}
		next := t.holder(v.next)
		if next == nil || v.next == dst {
			return false
		}
		in := next.node.input(next, src, dst, false)
		if in.redirect {
			return true
		}
		if in.dropped || in.local || in.refused != granted {
			return false
		}
		v = in.way
	}
	return false
}

// holder is the only interface of the lab that has an address; nil if there is none, or more.
func (t Tables) holder(ip uint32) *device {
	var found *device
	for _, n := range t.w.nodes {
		for _, d := range n.devices {
			if slices.ContainsFunc(d.addrs, func(a address) bool { return a.ip == ip }) {
				if found != nil && found.node != n {
					return nil
				}
				found = d
			}
		}
	}
	return found
}

// FDBEntry says where a bridge or a switch knows an address.
type FDBEntry struct {
	MAC  switchcore.MAC
	Port string
}

// FDB is the forwarding table of a bridge of a node, without its own addresses, or that of a virtual switch.
func (t Tables) FDB(name, bridge string) []FDBEntry {
	n := t.w.node(name)
	if n == nil {
		return nil
	}
	var out []FDBEntry
	if n.sw != nil {
		for _, e := range n.sw.core.Table(t.w.aged()) {
			out = append(out, FDBEntry{e.MAC, n.sw.core.Status(e.Port).Name})
		}
		return out
	}
	d := n.byName[bridge]
	if d == nil || d.bridge == nil {
		return nil
	}
	for mac, e := range d.bridge.fdb {
		if !e.local && e.port != nil && d.bridge.find(t.w, mac) != nil {
			out = append(out, FDBEntry{mac, e.port.name})
		}
	}
	slices.SortFunc(out, func(a, b FDBEntry) int { return slices.Compare(a.MAC[:], b.MAC[:]) })
	return out
}

// SwitchPort is what a virtual switch says of a port.
func (t Tables) SwitchPort(name, port string) (switchcore.PortStatus, bool) {
	n := t.w.node(name)
	if n == nil || n.sw == nil {
		return switchcore.PortStatus{}, false
	}
	id := n.sw.core.Lookup(port)
	return n.sw.core.Status(id), id != switchcore.NoPort
}

// Flags of linux/if.h.
const (
	flagUp        = 0x1
	flagBroadcast = 0x2
	flagLoopback  = 0x8
	flagPromisc   = 0x100
	flagAllMulti  = 0x200
	flagMulticast = 0x1000
)

// Interface is what a port table can ask of an interface.
func (t Tables) Interface(name, iface string) (topology.InterfaceState, bool) {
	d := t.w.device(name, iface)
	if d == nil {
		return topology.InterfaceState{}, false
	}
	s := topology.InterfaceState{State: "down", MAC: d.mac, Promiscuity: d.asked + d.listened,
		Flags: flagBroadcast | flagMulticast}
	if d.kind == "loopback" {
		s.Flags = flagLoopback
	}
	switch {
	case d.port != nil:
		s.State = d.port.state
		s.Flags |= flagAllMulti
	case d.running():
		s.State = "up"
	}
	if d.up {
		s.Flags |= flagUp
	}
	if d.promiscuous() {
		s.Flags |= flagPromisc
	}
	return s, true
}

// Drops are the frames that virtual switches have dropped since [World.Mark].
func (t Tables) Drops(name string) []Drop {
	var out []Drop
	for _, d := range t.w.drops {
		if d.Node == name {
			out = append(out, d)
		}
	}
	return out
}
