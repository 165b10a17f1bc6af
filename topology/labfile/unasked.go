package labfile

import (
	"strconv"
	"strings"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
)

// nodeTable is a routing table of a node.
type nodeTable struct {
	node  string
	table uint32
}

// unasked warns of a routing rule that asks a table without routes, and of a route in a table that no rule asks, unless
// a step or a case changes that, or a command may.
func (c checker) unasked(f *File) {
	if c.doc.Failed() {
		return
	}
	routed, asked := map[nodeTable]bool{}, map[nodeTable]bool{}
	note := func(l *topology.Lab) {
		for _, n := range l.Nodes {
			for _, r := range n.Routes {
				routed[nodeTable{n.Name, r.Table}] = true
			}
			for _, r := range n.IPRules {
				if r.Action == "table" {
					asked[nodeTable{n.Name, r.Table}] = true
				}
			}
		}
	}
	note(f.Lab)
	for _, step := range f.Steps {
		note(step.Lab)
		for _, k := range step.Cases {
			note(k.Lab)
		}
	}
	commands := strings.Join(f.Lab.StepCommands, "\n")
	c.each(func(s *nodeDecl, n *topology.Node) {
		said := commands
		for _, r := range n.Run {
			said += "\n" + r.Sh
		}
		mayBe := func(t nodeTable) bool {
			kernels := t.table == 0 || t.table == topology.DefaultTable || t.table == topology.LocalTable
			return kernels || strings.Contains(said, strconv.FormatUint(uint64(t.table), 10))
		}
		c.unaskedOf(s, func(t nodeTable) bool { return routed[t] || mayBe(t) },
			func(t nodeTable) bool { return asked[t] || mayBe(t) })
	})
}

// unaskedOf warns of the rules and routes of one node.
func (c checker) unaskedOf(s *nodeDecl, routed, asked func(nodeTable) bool) {
	for v := range s.value.Field("ip_rules").Fields() {
		table := v.Field("table")
		if t := (nodeTable{s.full, tableOf(table)}); table.Given() && !routed(t) {
			table.Warnf("no route of %s is in table %d, so the rule finds none, and the next one is asked; write "+
				"{…, table: %d} under routes", s.full, t.table, t.table)
		}
	}
	for v := range s.value.Field("routes").Fields() {
		for _, r := range tablesOf(v) {
			if t := (nodeTable{s.full, tableOf(r)}); !asked(t) {
				r.Warnf("no routing rule of %s asks table %d, so no packet takes the route; write \"ip_rules: {100: "+
					"{from: …, table: %d}}\"", s.full, t.table, t.table)
			}
		}
	}
}

// tablesOf are the tables that the routes to a destination name.
func tablesOf(v grammar.Value) (tables []grammar.Value) {
	routes := []grammar.Value{v}
	for _, x := range v.Items() {
		routes = append(routes, x)
	}
	for _, r := range routes {
		if t := r.Field("table"); t.Given() {
			tables = append(tables, t)
		}
	}
	return tables
}
