// Package graph decides how a lab is drawn: what a [Graph] has of a lab, and its text in the languages of programs that
// draw, Mermaid and Graphviz. It touches nothing.
package graph

import (
	"strings"

	"labctl/topology"
)

// Graph is what a drawing shows of a lab: nodes inside the nodes that hold them, the cables between them, and what is
// not as it is by default. It is a value, and its JSON is for programs that draw themselves.
type Graph struct {
	Format int     `json:"format"`
	Lab    string  `json:"lab"`
	About  string  `json:"about,omitempty"`
	Nodes  []Node  `json:"nodes"`  // file order; a holder is before the nodes it holds
	Cables []Cable `json:"cables"` // each once

	byName map[string]int // places in Nodes
}

// Node is a node, with what it has of its own.
type Node struct {
	Name       string      `json:"name"`
	Holder     string      `json:"holder,omitempty"` // the node it is in
	Kind       string      `json:"kind"`             // host router bridge vswitch
	Profile    string      `json:"profile,omitempty"`
	Settings   []string    `json:"settings,omitempty"` // that differ from the defaults, "KEY VALUE"
	Groups     []Group     `json:"groups,omitempty"`   // of a virtual switch
	Interfaces []Interface `json:"interfaces"`
}

// Group is a port group of a virtual switch.
type Group struct {
	Name     string   `json:"name"`
	Settings []string `json:"settings,omitempty"` // that differ from the switch's
}

// Interface is an interface of a host, or a port.
type Interface struct {
	Name      string   `json:"name"`
	Type      string   `json:"type"`           // as the file has it; inlet: a port that is an interface of the holder
	Mode      string   `json:"mode,omitempty"` // of a macvlan, macvtap or ipvlan
	Addresses []string `json:"addresses,omitempty"`
	Group     string   `json:"group,omitempty"`    // port group
	VLAN      string   `json:"vlan,omitempty"`     // of a port, where there are VLANs: 10, trunk, "1, tagged 10,20"
	Ports     []string `json:"ports,omitempty"`    // of a bridge
	Settings  []string `json:"settings,omitempty"` // that differ from the defaults
	On        string   `json:"on,omitempty"`       // what a macvlan, VLAN interface or the like sits on
	Peer      string   `json:"peer,omitempty"`     // the other end of a cable
	Down      bool     `json:"down,omitempty"`     // unplugged, or "up: false"
}

// Cable joins two nodes.
type Cable struct {
	A    topology.End `json:"-"`
	B    topology.End `json:"-"`
	Ends [2]string    `json:"ends"` // A and B, as node:interface
	Kind string       `json:"kind"` // cable; else what A is that sits on B: macvlan macvtap vlan ipvlan vxlan uplink
}

// CableKind and UplinkKind are kinds of cables; the others are types of interfaces.
const CableKind, UplinkKind = "cable", "uplink"

// New draws up what there is to see of a lab.
func New(lab *topology.Lab, about string) *Graph {
	g := &Graph{Format: 1, Lab: lab.Name, About: about, Nodes: []Node{}, Cables: []Cable{},
		byName: map[string]int{}}
	seen := map[topology.End]bool{}
	for k, n := range lab.Nodes {
		g.byName[n.Name] = k
		g.Nodes = append(g.Nodes, nodeOf(n))
		for _, i := range n.Interfaces {
			end := topology.End{Node: n.Name, Interface: i.Name}
			switch {
			case i.Peer.Node != "" && i.Peer.Node != n.Name && !seen[end]:
				seen[i.Peer] = true
				g.join(end, i.Peer, CableKind)
			case i.Lower.Node != "" && i.Lower.Node != n.Name:
				g.join(end, i.Lower, string(i.Type))
			}
		}
		if n.Switch == nil {
			continue
		}
		for _, p := range n.Switch.Ports {
			if p.At.Node != n.Name {
				g.join(topology.End{Node: n.Name, Interface: p.Name}, p.At, UplinkKind)
			}
		}
	}
	return g
}

func (g *Graph) join(a, b topology.End, kind string) {
	g.Cables = append(g.Cables, Cable{A: a, B: b, Ends: [2]string{a.String(), b.String()}, Kind: kind})
}

// holderOf is the node that a node is in, "" for one at the top.
func holderOf(name string) string { return name[:max(0, strings.LastIndexByte(name, '.'))] }

// node is the one of that name, which is there.
func (g *Graph) node(name string) *Node { return &g.Nodes[g.byName[name]] }

// tree maps each node to those directly in it, "" to those at the top, in file order.
func (g *Graph) tree() map[string][]*Node {
	out := map[string][]*Node{}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		out[n.Holder] = append(out[n.Holder], n)
	}
	return out
}
