package state

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"labctl/topology"
)

// The longest names that there are, in bytes: of nodes as the lab format has them, and of interfaces.
const maxNodeName = 63

// kindsOfNodes are those that a node can be of.
var kindsOfNodes = []topology.Kind{topology.Host, topology.Router, topology.Bridge, topology.VSwitch}

// checker finds what a state names and does not have.
type checker struct {
	nodes map[string]*Node
	links map[End]*Interface
}

// check says what is wrong with a state that was read from a text, in the order of the text.
func (s *State) check() error {
	c := &checker{map[string]*Node{}, map[End]*Interface{}}
	for k := range s.Nodes {
		n := &s.Nodes[k]
		switch {
		case !isName(n.Name, maxNodeName):
			return fmt.Errorf("%q is not the name of a node", n.Name)
		case c.nodes[n.Name] != nil:
			return fmt.Errorf("two nodes are called %s", n.Name)
		case !slices.Contains(kindsOfNodes, n.Kind):
			return fmt.Errorf("%s: there is no kind %q", n.Name, n.Kind)
		case (n.Switch != nil) != (n.Kind == topology.VSwitch):
			return fmt.Errorf("%s: a vswitch has \"switch\", and nothing else has", n.Name)
		}
		c.nodes[n.Name] = n
		for j := range n.Interfaces {
			i := &n.Interfaces[j]
			switch e := (End{n.Name, i.Name}); {
			case !isName(i.Name, topology.MaxInterface):
				return fmt.Errorf("%s: %q is not the name of an interface", n.Name, i.Name)
			case c.links[e] != nil:
				return fmt.Errorf("%s has two interfaces %s", n.Name, i.Name)
			case i.Rank != j+1:
				return fmt.Errorf("%s:%s has the rank %d, and is number %d", n.Name, i.Name, i.Rank, j+1)
			default:
				c.links[e] = i
			}
		}
	}
	for k := range s.Nodes {
		if err := c.node(&s.Nodes[k]); err != nil {
			return fmt.Errorf("%s: %w", s.Nodes[k].Name, err)
		}
	}
	return nil
}

// isName reports whether a name has one to most bytes, none of which is a blank or would do anything to a terminal.
func isName(s string, most int) bool {
	return s != "" && len(s) <= most && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// node checks what a node names.
func (c *checker) node(n *Node) error {
	for k := range n.Interfaces {
		if err := c.link(n, &n.Interfaces[k]); err != nil {
			return fmt.Errorf("%s: %w", n.Interfaces[k].Name, err)
		}
	}
	for _, r := range n.Routes {
		if !r.Dst.IsValid() || r.Dev != "" && n.Interface(r.Dev) == nil {
			return fmt.Errorf("a route to %s by %q, which is not there", r.Dst, r.Dev)
		}
		for _, h := range r.Hops {
			if n.Interface(h.Dev) == nil {
				return fmt.Errorf("a route to %s by %q, which is not there", r.Dst, h.Dev)
			}
		}
	}
	for _, e := range n.Neighbours {
		if !e.IP.IsValid() || n.Interface(e.Dev) == nil {
			return fmt.Errorf("a neighbour %s on %q, which is not there", e.IP, e.Dev)
		}
	}
	for _, a := range n.Listeners {
		if !a.Address.IsValid() || a.Port < 0 || a.Port > 0xffff {
			return fmt.Errorf("a listener on port %d of %s", a.Port, a.Address)
		}
	}
	for _, k := range n.Conntrack {
		for _, a := range []netip.Addr{k.Request.Src, k.Request.Dst, k.Reply.Src, k.Reply.Dst} {
			if !a.IsValid() {
				return fmt.Errorf("a connection without an address")
			}
		}
	}
	if n.Switch != nil {
		return c.vswitch(n.Switch)
	}
	return nil
}

// link checks what an interface names: the other end of its cable, what it is stacked on and its bridge.
func (c *checker) link(n *Node, i *Interface) error {
	if i.Peer != (End{}) && (c.links[i.Peer] == nil || c.links[i.Peer].Peer != End{n.Name, i.Name}) {
		return fmt.Errorf("its peer %s:%s is not there, or has another peer", i.Peer.Node, i.Peer.Interface)
	}
	steps := 0
	for at := i; at.Lower != (End{}); at = c.links[at.Lower] {
		if steps++; c.links[at.Lower] == nil || steps > len(c.links) {
			return fmt.Errorf("it is stacked on %s:%s, which is not there or is stacked on it", at.Lower.Node,
				at.Lower.Interface)
		}
	}
	if (i.Tunnel != nil) != (i.Kind == topology.VXLANLink) {
		return fmt.Errorf("a vxlan has a \"tunnel\", and nothing else has")
	}
	for _, a := range i.Addresses {
		if !a.Prefix.IsValid() {
			return fmt.Errorf("an address that is none")
		}
	}
	if (i.Master != "") != (i.Port != nil) || (i.Bridge != nil) != (i.Kind == topology.BridgeLink) {
		return fmt.Errorf("a port has a \"master\" and a \"port\", and a bridge has a \"bridge\"")
	}
	if i.Master != "" {
		m := c.links[End{n.Name, i.Master}]
		if m == nil || m.Bridge == nil || !slices.Contains(m.Bridge.Ports, i.Name) {
			return fmt.Errorf("%s is not a bridge, or does not have it among its ports", i.Master)
		}
	}
	if i.Bridge != nil {
		return c.bridge(n, i)
	}
	return nil
}

// bridge checks the ports that a bridge names.
func (c *checker) bridge(n *Node, br *Interface) error {
	ports := map[string]bool{}
	for _, name := range br.Bridge.Ports {
		if p := c.links[End{n.Name, name}]; ports[name] || p == nil || p.Master != br.Name {
			return fmt.Errorf("its port %q is there twice, or is not a port of it", name)
		}
		ports[name] = true
	}
	if r := br.Bridge.RootPort; r != "" && !ports[r] {
		return fmt.Errorf("its root port %q is not a port of it", r)
	}
	for _, r := range br.Bridge.Routers {
		if !ports[r] {
			return fmt.Errorf("a multicast router is behind %q, which is not a port of it", r)
		}
	}
	for _, e := range br.Bridge.FDB {
		if !ports[e.Port] {
			return fmt.Errorf("%s is behind %q, which is not a port of it", e.MAC, e.Port)
		}
	}
	for _, e := range br.Bridge.MDB {
		if !ports[e.Port] && e.Port != br.Name {
			return fmt.Errorf("the group %s is behind %q, which is not a port of it", e.Group, e.Port)
		}
	}
	return nil
}

// vswitch checks the configuration of a virtual switch, and the interfaces that it names.
func (c *checker) vswitch(s *Switch) error {
	if bad := s.Config.Check(); len(bad) > 0 {
		return fmt.Errorf("its configuration: %s", bad[0])
	}
	if len(s.Ports) != len(s.Config.Ports) {
		return fmt.Errorf("its ports are %d, and in its configuration %d", len(s.Ports), len(s.Config.Ports))
	}
	names := map[string]bool{}
	for k, p := range s.Ports {
		switch {
		case p.Name != s.Config.Ports[k].Name:
			return fmt.Errorf("port %d is called %q, and %q in its configuration", k+1, p.Name, s.Config.Ports[k].Name)
		case c.links[p.At] == nil:
			return fmt.Errorf("port %s is at %s:%s, which is not there", p.Name, p.At.Node, p.At.Interface)
		case p.Far != (End{}) && c.links[p.Far] == nil:
			return fmt.Errorf("port %s leads to %s:%s, which is not there", p.Name, p.Far.Node, p.Far.Interface)
		}
		names[p.Name] = true
	}
	for _, e := range s.Table {
		if !names[e.Port] {
			return fmt.Errorf("%s is behind %q, which is not a port of it", e.MAC, e.Port)
		}
	}
	return nil
}
