package graph

import "strings"

// What all drawings call the same.

// title is a node's kind, and what it says of itself.
func (n *Node) title() string {
	return strings.Join(append([]string{strings.TrimSuffix(n.Kind+" "+n.Profile, " ")}, said(n.Settings)...), ", ")
}

// ownBridge reports whether an interface is the bridge that a bridge node is.
func (n *Node) ownBridge(i *Interface) bool {
	return n.Kind == "bridge" && i.Type == "bridge"
}

// groupLines are the port groups that say something, a line each.
func (n *Node) groupLines() []string {
	var out []string
	for _, g := range n.Groups {
		if len(g.Settings) > 0 {
			out = append(out, "group "+g.Name+": "+strings.Join(said(g.Settings), ", "))
		}
	}
	return out
}

// about is what is to be said of an interface beside its name and addresses.
func (i *Interface) about(node string) []string {
	var out []string
	if i.Group != "" {
		out = append(out, "group "+i.Group)
	}
	switch i.Type {
	case "bridge":
		out = append(out, strings.TrimSuffix("bridge of "+strings.Join(i.Ports, " "), " of "))
	case "macvlan", "macvtap", "ipvlan":
		out = append(out, i.Type+" "+i.Mode)
	case "vxlan":
		out = append(out, i.Type)
	}
	if i.VLAN != "" {
		out = append(out, vlanWords(i.VLAN))
	}
	out = append(out, said(i.Settings)...)
	if i.Down {
		out = append(out, "down")
	}
	if i.On != "" {
		out = append(out, "on "+strings.TrimPrefix(i.On, node+":"))
	}
	if strings.HasPrefix(i.Peer, node+":") {
		out = append(out, "veth to "+strings.TrimPrefix(i.Peer, node+":"))
	}
	return out
}

// vlanWords are a port's VLANs in words.
func vlanWords(vlan string) string {
	kind, ids, _ := strings.Cut(vlan, " ")
	switch kind {
	case "pvlan":
		return "private VLAN " + ids
	case "tagged":
		return "tagged VLAN " + ids
	case "trunk":
		return strings.TrimSuffix("trunk "+ids, " ")
	}
	return "VLAN " + vlan
}

// port is an interface at the end of a cable: its name, and for a port what is to be said of it. A host says it in its
// box.
func (g *Graph) port(node, name string) string {
	n := g.node(node)
	for k := range n.Interfaces {
		i := &n.Interfaces[k]
		if i.Name != name || n.boxed(i) {
			continue
		}
		if words := i.about(node); len(words) > 0 && i.Type != "inlet" {
			return name + " (" + strings.Join(words, ", ") + ")"
		}
	}
	return name
}

// cableText is a cable with the names of its ends, or how one interface sits on another.
func (g *Graph) cableText(c Cable) string {
	a, b := g.port(c.A.Node, c.A.Interface), g.port(c.B.Node, c.B.Interface)
	if c.Kind == CableKind {
		return a + " – " + b
	}
	return c.Kind + " " + a + " on " + b
}

// boxed reports whether a node's box has a line for an interface; the others are ends of cables and no more.
func (n *Node) boxed(i *Interface) bool {
	switch n.Kind {
	case "bridge":
		return n.ownBridge(i) && len(i.Addresses) > 0 || !n.ownBridge(i) && i.Type != "veth"
	case "vswitch":
		return false
	}
	return true
}

// box are the lines in the box of a node.
func (n *Node) box() []string {
	out := []string{n.Name[strings.LastIndexByte(n.Name, '.')+1:]}
	if n.Kind != "host" || len(n.Settings) > 0 {
		out = append(out, n.title())
	}
	out = append(out, n.groupLines()...)
	for k := range n.Interfaces {
		i := &n.Interfaces[k]
		if n.boxed(i) {
			out = append(out, n.interfaceLine(i))
		}
	}
	return out
}

// interfaceLine is an interface with its addresses and what is to be said of it. The only one of a node has no need of
// its name if that says nothing, nor has the bridge of a bridge node.
func (n *Node) interfaceLine(i *Interface) string {
	words := i.Addresses
	about := i.about(n.Name)
	if n.ownBridge(i) {
		about = nil
	}
	if len(n.Interfaces) > 1 && !n.ownBridge(i) || len(words) == 0 {
		words = append([]string{i.Name}, words...)
	}
	text := strings.Join(words, " ")
	if len(about) > 0 {
		text += " (" + strings.Join(about, ", ") + ")"
	}
	return text
}
