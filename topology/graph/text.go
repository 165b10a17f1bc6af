package graph

import (
	"strings"
)

// Text is the graph as a tree for a terminal: nodes, in them their interfaces with the other end of each cable, and
// then the nodes that they hold.
func (g *Graph) Text() string {
	t := &text{tree: g.tree()}
	t.b.WriteString(g.Lab)
	if g.About != "" {
		t.b.WriteString(": " + g.About)
	}
	t.b.WriteString("\n\n")
	for _, n := range t.tree[""] {
		t.node(n, n.Name, "", "")
	}
	return t.b.String()
}

type text struct {
	b    strings.Builder
	tree map[string][]*Node
}

// node writes a node behind first, and what is in it behind rest.
func (t *text) node(n *Node, name, first, rest string) {
	t.b.WriteString(first + name + " (" + n.title() + ")\n")
	var lines []string
	lines = append(lines, n.groupLines()...)
	lines = append(lines, n.interfaceLines()...)
	inside := t.tree[n.Name]
	for i, line := range lines {
		joint := "├─ "
		if i == len(lines)-1 && len(inside) == 0 {
			joint = "└─ "
		}
		t.b.WriteString(rest + joint + line + "\n")
	}
	for i, k := range inside {
		joint, below := "├─ ", "│  "
		if i == len(inside)-1 {
			joint, below = "└─ ", "   "
		}
		t.node(k, strings.TrimPrefix(k.Name, n.Name+"."), rest+joint, rest+below)
	}
}

// interfaceLines are the interfaces, each with its cable.
func (n *Node) interfaceLines() []string {
	var out []string
	for k := range n.Interfaces {
		i := &n.Interfaces[k]
		if n.ownBridge(i) && len(i.Addresses) == 0 {
			continue
		}
		line := strings.Join(append([]string{i.Name}, i.Addresses...), " ")
		if words := i.about(n.Name); len(words) > 0 && !n.ownBridge(i) {
			line += " (" + strings.Join(words, ", ") + ")"
		}
		if i.Peer != "" && !strings.HasPrefix(i.Peer, n.Name+":") {
			line += " ── " + i.Peer
		}
		out = append(out, line)
	}
	return out
}
