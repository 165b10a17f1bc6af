package expect

import (
	"slices"

	"labctl/topology"
)

// asksNothing complains of a table of "*" that stands for no question: it would pass whatever the lab does.
func (p *tableParser) asksNothing(t *Table, width int) {
	if len(p.problems) > 0 || len(t.Cells) > 0 || !slices.Contains(t.Rows, "*") && !slices.Contains(t.Columns, "*") {
		return
	}
	p.errorf(t.Pos, width, "%s", NothingToAsk(p.rs.Lab, t.Kind))
}

// NothingToAsk says why a table of the kind that stands for all nodes has no question, and what to write instead.
func NothingToAsk(lab *topology.Lab, kind string) string {
	v4, v6 := 0, 0
	for _, n := range lab.Nodes {
		if n.FirstAddr("", false).IsValid() {
			v4++
		}
		if n.FirstAddr("", true).IsValid() {
			v6++
		}
	}
	const none = "nothing to ask: no two nodes have an "
	switch {
	case kind == "ping" && v6 > 1:
		return none + "IPv4 address; write ping6 instead, which asks by IPv6"
	case kind == "ping6" && v4 > 1:
		return none + "IPv6 address; write ping instead, which asks by IPv4"
	case kind == "ping6":
		return none + "IPv6 address; give them one, or leave the table out"
	case kind == "ping" || Pairs(kind) && v6 < 2:
		return none + "IPv4 address; give them one, or leave the table out"
	case Pairs(kind):
		return none + "IPv4 address, and " + kind + " is about IPv4 only; give them one, or leave the table out"
	case kind == "sees":
		return `nothing to ask: no node with an address is left to listen beside the two ends of a flow; name who listens instead of "*"`
	}
	return `nothing to ask: "*" stands for no node with an address; name nodes, or give them one`
}

// hasAddr reports whether "*" of the kind stands for the node.
func (p *tableParser) hasAddr(n *topology.Node) bool {
	v4, v6 := p.kind != "ping6", p.kind == "ping6" || p.kind == "sees" || p.kind == "fdb"
	return v4 && n.FirstAddr("", false).IsValid() || v6 && n.FirstAddr("", true).IsValid()
}
