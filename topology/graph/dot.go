package graph

import (
	"fmt"
	"strings"
)

// DOT is the graph in the language of Graphviz.
func (g *Graph) DOT() string {
	d := &dot{Graph: g, tree: g.tree()}
	title := g.Lab
	if g.About != "" {
		title += ": " + g.About
	}
	fmt.Fprintf(&d.b, `graph %s {
  graph [label=%s, labelloc=t, rankdir=LR, nodesep=0.4, fontname="sans-serif"]
  node [shape=box, fontname="sans-serif", fontsize=11]
  edge [fontname="sans-serif", fontsize=9]
`, dotText(g.Lab), dotText(title))
	d.nodes("", "  ")
	for _, c := range g.Cables {
		// One label for both ends: for those at the ends (taillabel, headlabel) the layout leaves no room.
		label, dashed := g.cableText(c), ""
		if c.Kind != CableKind {
			dashed = ", style=dashed"
		}
		fmt.Fprintf(&d.b, "  %s -- %s [label=%s%s]\n", dotText(c.A.Node), dotText(c.B.Node), dotText(label), dashed)
	}
	d.b.WriteString("}\n")
	return d.b.String()
}

type dot struct {
	*Graph
	b    strings.Builder
	tree map[string][]*Node
}

// nodes writes those in a holder; a cluster is what Graphviz draws a frame around.
func (d *dot) nodes(holder, indent string) {
	for _, n := range d.tree[holder] {
		inside, deeper := d.tree[n.Name], indent
		if len(inside) > 0 {
			fmt.Fprintf(&d.b, "%ssubgraph %s {\n%s  label=%s\n", indent, dotText("cluster_"+n.Name), indent,
				dotText(n.Name))
			deeper += "  "
		}
		if len(inside) == 0 || len(n.Interfaces) > 0 {
			fmt.Fprintf(&d.b, "%s%s [label=%s%s]\n", deeper, dotText(n.Name), dotText(n.box()...), dotShape(n.Kind))
		}
		if len(inside) > 0 {
			d.nodes(n.Name, deeper)
			d.b.WriteString(indent + "}\n")
		}
	}
}

// dotShape tells what forwards packets, and what forwards frames, from hosts.
func dotShape(kind string) string {
	switch kind {
	case "router":
		return ", style=rounded"
	case "bridge", "vswitch":
		return `, style=filled, fillcolor="#e8eef7"`
	}
	return ""
}

// dotText is a text in quotes, in which a backslash begins an escape and & an entity of HTML; \n is a new line.
func dotText(lines ...string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "&", "&amp;")
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = escape.Replace(l)
	}
	return `"` + strings.Join(out, `\n`) + `"`
}
