package model

import (
	"net/netip"
	"slices"
	"strings"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/model/sim"
)

// owners says who owns an address or a MAC: what the file gave, and what the lab has now.
type owners struct {
	lab    *topology.Lab
	links  map[string][]sim.Link
	byAddr map[netip.Addr][]string // nodes in file order, each once
	byMAC  map[switchcore.MAC][]string
}

func newOwners(lab *topology.Lab, w *sim.World) *owners {
	o := &owners{lab: lab, links: map[string][]sim.Link{}, byAddr: map[netip.Addr][]string{},
		byMAC: map[switchcore.MAC][]string{}}
	for _, n := range lab.Nodes {
		links := w.Tables().Links(n.Name)
		o.links[n.Name] = links
		if n.Kind == topology.VSwitch {
			continue // its ends are nobody's address
		}
		for _, l := range links {
			o.mac(l.MAC, n.Name)
			for _, a := range l.IPs {
				o.addr(a.Addr(), n.Name)
			}
		}
		for _, i := range n.Interfaces {
			o.mac(i.MAC, n.Name)
			o.mac(i.EffectiveMAC, n.Name)
		}
	}
	return o
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

// exactMAC is the owner of a MAC said to the interface; nil when the owner is not one node.
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
		if slices.ContainsFunc(l.IPs, func(p netip.Prefix) bool { return p.Addr() == a }) {
			out = append(out, nodes[0]+":"+l.Name)
		}
	}
	return out
}

// link returns the node's interface of that name.
func (o *owners) link(node, name string) (sim.Link, bool) {
	for _, l := range o.links[node] {
		if l.Name == name {
			return l, true
		}
	}
	return sim.Link{}, false
}

// macs are the addresses of a node, an interface or a name.
func (a *asking) macs(text string) []switchcore.MAC {
	t, ok := a.lab.Target(text)
	if !ok {
		return nil
	}
	var out []switchcore.MAC
	add := func(m switchcore.MAC) {
		if !m.IsZero() && !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	for _, n := range a.lab.Names {
		if n.Name == t.Name {
			add(n.MAC)
		}
	}
	for _, l := range a.own.links[t.Node] {
		if t.Interface == "" || l.Name == t.Interface {
			add(l.MAC)
		}
	}
	if n := a.lab.Node(t.Node); n != nil {
		for _, i := range n.Interfaces {
			if t.Interface == "" || i.Name == t.Interface {
				add(i.MAC)
				add(i.EffectiveMAC)
			}
		}
	}
	return out
}
