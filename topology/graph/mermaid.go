package graph

import (
	"fmt"
	"strings"
)

// MermaidLinks and MermaidLetters are how many links and characters Mermaid takes before it refuses (maxEdges and
// maxTextSize in its configuration, which a diagram cannot change).
const MermaidLinks, MermaidLetters = 500, 50000

// Mermaid is the graph as a flowchart of Mermaid's, which GitHub, GitLab and many editors draw. Ids are numbers, so
// that no name is a word of the language.
func (g *Graph) Mermaid() string {
	m := &mermaid{Graph: g, tree: g.tree(), ids: map[string]string{}}
	for i, n := range g.Nodes {
		m.ids[n.Name] = fmt.Sprintf("n%d", i+1)
	}
	m.b.WriteString("flowchart LR\n")
	m.nodes("", "  ")
	for _, c := range g.Cables {
		line := "---"
		if c.Kind != CableKind {
			line = "-.-"
		}
		fmt.Fprintf(&m.b, "  %s %s|%s| %s\n", m.ids[c.A.Node], line, mermaidText(g.cableText(c)), m.ids[c.B.Node])
	}
	return m.b.String()
}

type mermaid struct {
	*Graph
	b    strings.Builder
	tree map[string][]*Node
	ids  map[string]string
}

// nodes writes those in a holder.
func (m *mermaid) nodes(holder, indent string) {
	for _, n := range m.tree[holder] {
		id, inside := m.ids[n.Name], m.tree[n.Name]
		deeper := indent
		if len(inside) > 0 {
			fmt.Fprintf(&m.b, "%ssubgraph %s_in[%s]\n", indent, id, mermaidText(n.Name))
			deeper += "  "
		}
		if len(inside) == 0 || len(n.Interfaces) > 0 {
			open, shut := mermaidShape(n.Kind)
			fmt.Fprintf(&m.b, "%s%s%s%s%s\n", deeper, id, open, mermaidText(n.box()...), shut)
		}
		if len(inside) > 0 {
			m.nodes(n.Name, deeper)
			m.b.WriteString(indent + "end\n")
		}
	}
}

// mermaidShape are the brackets of a kind of nodes: a box, rounded for what forwards packets, doubled for what forwards
// frames.
func mermaidShape(kind string) (open, shut string) {
	switch kind {
	case "router":
		return "(", ")"
	case "bridge", "vswitch":
		return "[[", "]]"
	}
	return "[", "]"
}

// mermaidText is a text in quotes, in which only quotes, entities and tags mean something.
func mermaidText(lines ...string) string {
	escape := strings.NewReplacer("#", "#35;", `"`, "#quot;", "&", "#amp;", "<", "#lt;", ">", "#gt;", "`", "#96;")
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = escape.Replace(l)
	}
	return `"` + strings.Join(out, "<br/>") + `"`
}
