package expect

import (
	"slices"

	"labctl/topology"
)

// asksNothing complains of a table of "*" that asks no question: it would pass whatever the lab does.
func (p *tableParser) asksNothing(t *Table, width int) {
	if len(p.problems) > 0 || len(t.Cells) > 0 || p.tooLong() ||
		!slices.Contains(t.Rows, "*") && !slices.Contains(t.Columns, "*") {
		return
	}
	p.errorf(t.Pos, width, "%s", nothingToAsk(p.rs.Lab, p.kind))
}

// nothingToAsk says why a table of the kind that is about all nodes has no question, and what to write instead.
func nothingToAsk(lab *topology.Lab, k *Kind) string {
	why := k.nothing
	switch {
	case why == nil && k.Pairs:
		why = onlyIPv4
	case why == nil:
		return `nothing to ask: "*" stands for no node with an address; name nodes, or give them one`
	}
	v4, v6 := 0, 0
	for _, n := range lab.Nodes {
		if n.FirstAddr("", false).IsValid() {
			v4++
		}
		if n.FirstAddr("", true).IsValid() {
			v6++
		}
	}
	return why(k, v4, v6)
}

// includes reports whether "*" includes the node: it has an address by which the kind asks.
func (k *Kind) includes(n *topology.Node) bool {
	return k.family != byIPv6 && n.FirstAddr("", false).IsValid() ||
		k.family != byIPv4 && n.FirstAddr("", true).IsValid()
}
