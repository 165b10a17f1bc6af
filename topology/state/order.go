package state

import (
	"slices"

	"labctl/topology"
	"labctl/topology/plan"
)

// order is what only the order of a plan's operations decides.
type order struct {
	links map[string][]string       // of a node: its interfaces but lo, as they were made
	ports map[topology.End][]string // of a bridge: its ports, the first one first
}

// orderOf follows a plan.
func orderOf(p *plan.Plan) *order {
	o := &order{links: map[string][]string{}, ports: map[topology.End][]string{}}
	for _, op := range p.Ops {
		switch op := op.(type) {
		case plan.AddBridge:
			o.link(op.Node, op.Name)
		case plan.AddVeth:
			o.link(op.Near.Node, op.Near.Name)
			o.link(op.Far.Node, op.Far.Name)
			o.port(op.Near.Node, op.Near.Name, op.Near.Master)
		case plan.AddVXLAN:
			o.link(op.Node, op.Name)
		case plan.AddUpper:
			o.link(op.Node, op.Name)
		case plan.SetMaster:
			o.port(op.Node, op.Name, op.Master)
		}
	}
	return o
}

func (o *order) link(node, name string) { o.links[node] = append(o.links[node], name) }

func (o *order) port(node, name, master string) {
	if master == "" {
		return
	}
	e := topology.End{Node: node, Interface: master}
	if !slices.Contains(o.ports[e], name) {
		o.ports[e] = append(o.ports[e], name)
	}
}
