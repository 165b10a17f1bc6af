package reach

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
	"labctl/topology"
)

// owners says who owns an address or a MAC: what the file gave, and what the kernel has now.
type owners struct {
	lab    *topology.Lab
	links  map[string][]topology.LinkState
	byAddr map[netip.Addr][]string // nodes in file order, each once
	byMAC  map[switchcore.MAC][]string

	tunnels bool // packets of the lab carry frames of it
}

func (b *bench) owners() (*owners, error) {
	o := &owners{lab: b.lab, links: map[string][]topology.LinkState{}, byAddr: map[netip.Addr][]string{},
		byMAC: map[switchcore.MAC][]string{}, tunnels: b.lab.Tunnels()}
	for _, n := range b.lab.Nodes {
		links, err := b.machine.Links(n.Name)
		if err != nil {
			return nil, fmt.Errorf("list the interfaces of %s: %w", n.Name, err)
		}
		o.links[n.Name] = links
		if n.Kind == topology.VSwitch {
			continue // its ends are nobody's address; an uplink's may well be that of the holder's own interface too
		}
		for _, l := range links {
			o.mac(l.MAC, n.Name)
			for _, a := range l.Addrs {
				o.addr(a.Addr(), n.Name)
			}
		}
		for _, i := range n.Interfaces {
			o.mac(i.MAC, n.Name)
			o.mac(i.EffectiveMAC, n.Name)
		}
	}
	return o, nil
}

func (o *owners) mac(m switchcore.MAC, node string) {
	if !m.IsZero() && !slices.Contains(o.byMAC[m], node) {
		o.byMAC[m] = append(o.byMAC[m], node)
	}
}

func (o *owners) addr(a netip.Addr, node string) {
	if !a.IsLoopback() && !slices.Contains(o.byAddr[a], node) {
		o.byAddr[a] = append(o.byAddr[a], node)
	}
}

// ofMAC is the word for the owner of a MAC: the node, else its entry in "names", else nodes joined with +, else the
// MAC.
func (o *owners) ofMAC(m switchcore.MAC) string {
	nodes := o.byMAC[m]
	if len(nodes) == 1 {
		return nodes[0]
	}
	for _, n := range o.lab.Names {
		if n.MAC == m && !m.IsZero() {
			return n.Name
		}
	}
	if len(nodes) > 1 {
		return strings.Join(nodes, "+")
	}
	return m.String()
}

// ofAddr is the word for the owner of an address.
func (o *owners) ofAddr(a netip.Addr) string {
	nodes := o.byAddr[a]
	if len(nodes) == 1 {
		return nodes[0]
	}
	for _, n := range o.lab.Names {
		if n.IP == a && a.IsValid() {
			return n.Name
		}
	}
	if len(nodes) > 1 {
		return strings.Join(nodes, "+")
	}
	return a.String()
}

// exactMAC is the owner of a MAC said to the interface: what [owners.ofMAC] says of one node, once for each interface
// that has it; nil when the owner is not one node.
func (o *owners) exactMAC(m switchcore.MAC) []string {
	nodes := o.byMAC[m]
	if len(nodes) != 1 {
		return nil
	}
	var out []string
	for _, l := range o.links[nodes[0]] {
		if l.MAC == m {
			out = append(out, nodes[0]+":"+l.Name)
		}
	}
	return out
}

// exactAddr is the owner of an address, in the same way.
func (o *owners) exactAddr(a netip.Addr) []string {
	nodes := o.byAddr[a]
	if len(nodes) != 1 {
		return nil
	}
	var out []string
	for _, l := range o.links[nodes[0]] {
		if slices.ContainsFunc(l.Addrs, func(p netip.Prefix) bool { return p.Addr() == a }) {
			out = append(out, nodes[0]+":"+l.Name)
		}
	}
	return out
}

func (o *owners) owns(node string, a netip.Addr) bool { return slices.Contains(o.byAddr[a], node) }

// link returns the node's interface of that name.
func (o *owners) link(node, name string) (topology.LinkState, bool) {
	for _, l := range o.links[node] {
		if l.Name == name {
			return l, true
		}
	}
	return topology.LinkState{}, false
}

// linkAt returns the node's interface of that index.
func (o *owners) linkAt(node string, index int) (topology.LinkState, bool) {
	for _, l := range o.links[node] {
		if l.Index == index {
			return l, true
		}
	}
	return topology.LinkState{}, false
}

// holding returns the node's interface with that address.
func (o *owners) holding(node string, a netip.Addr) (topology.LinkState, bool) {
	for _, l := range o.links[node] {
		for _, p := range l.Addrs {
			if p.Addr() == a {
				return l, true
			}
		}
	}
	return topology.LinkState{}, false
}

func is6(a netip.Addr) bool { return a.Is6() && !a.Is4In6() }

// firstAddr is the first address of a family on an interface.
func firstAddr(l topology.LinkState, v6 bool) netip.Addr {
	for _, p := range l.Addrs {
		if a := p.Addr(); is6(a) == v6 && !(v6 && a.IsLinkLocalUnicast()) {
			return a
		}
	}
	return netip.Addr{}
}

// sourceAt is the address by which an interface asks for another: its first one of the family. It is for the kernel to
// choose, and the zero Addr, where a link-local one is asked for: that node may have no way to any other (RFC 6724, 5,
// rule 2).
func sourceAt(l topology.LinkState, dst netip.Addr) netip.Addr {
	if is6(dst) && dst.IsLinkLocalUnicast() {
		return netip.Addr{}
	}
	return firstAddr(l, is6(dst))
}

func family(v6 bool) int {
	if v6 {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// interfaceKey is an interface of a node by its index, and a family where that matters.
type interfaceKey struct {
	node  string
	index int
	v6    bool
}

// linkNow looks an interface of a node up by its name, as the kernel has it at this moment.
func (b *bench) linkNow(node, name string) (topology.LinkState, bool) {
	links, err := b.machine.Links(node)
	if err != nil {
		return topology.LinkState{}, false
	}
	i := slices.IndexFunc(links, func(l topology.LinkState) bool { return l.Name == name })
	if i < 0 {
		return topology.LinkState{}, false
	}
	return links[i], true
}
