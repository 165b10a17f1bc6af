//go:build linux

package supervisor

import (
	"maps"
	"slices"

	"labctl/topology"
	"labctl/topology/reach"
	"labctl/topology/rules"
)

// onWay knows which rules the frames of a ping themselves can meet, and not only copies of them that go elsewhere.
type onWay struct {
	lab        *topology.Lab
	way        reach.Trace
	passage    *topology.Passage // nil: it is not known, and it may be any
	approaches map[string]map[[2]string][]rules.Approach
}

// newOnWay takes the way that the frames have gone. Rules that send packets elsewhere, and tunnels, make any other one
// possible.
func newOnWay(lab *topology.Lab, way reach.Trace, tunnels bool) *onWay {
	o := &onWay{lab: lab, way: way, approaches: map[string]map[[2]string][]rules.Approach{}}
	diverted := slices.ContainsFunc(lab.Nodes, func(n *topology.Node) bool {
		return slices.ContainsFunc(n.Loaded(), (*rules.Set).Divert)
	})
	if way.Unknown || diverted || tunnels {
		return o
	}
	ends := slices.Clone(way.Ends)
	for _, n := range lab.Nodes {
		if proxy(n) { // it might have answered, if it had been asked
			ends = append(ends, n.Name)
		}
	}
	o.passage = lab.Passage(ends)
	return o
}

// judge takes the rules off that only copies can have met, and says of those where that is not certain that they count
// otherwise too.
func (o *onWay) judge(with map[refuser]int, without map[refuser]bool) {
	if o.passage == nil {
		return
	}
	maps.DeleteFunc(with, func(r refuser, _ int) bool { return !o.meets(r) })
	for r := range with {
		without[r] = without[r] || o.perhapsCopies(r)
	}
}

// meets reports whether frames on the way can meet a rule, as far as it asks for interfaces.
func (o *onWay) meets(r refuser) bool {
	if !o.passage.Node(r.node) {
		return false
	}
	if r.set == "" {
		for _, p := range o.lab.Node(r.node).Switch.Ports {
			if p.Name == r.key {
				return o.passage.Interface(r.node, p.At.Interface)
			}
		}
		return true
	}
	list := o.approachesTo(r)
	return len(list) == 0 || slices.ContainsFunc(list, func(a rules.Approach) bool {
		return !slices.ContainsFunc(a, func(p rules.Passes) bool { return !o.passes(r.node, p) })
	})
}

// passes reports whether frames on the way pass one of some interfaces. One that the lab does not have may be any.
func (o *onWay) passes(node string, p rules.Passes) bool {
	met := false
	for _, i := range o.lab.Node(node).Interfaces {
		if !p.Holds(i.Name) {
			continue
		}
		if met = true; o.passage.Interface(node, i.Name) {
			return true
		}
	}
	return !met
}

func (o *onWay) approachesTo(r refuser) []rules.Approach {
	known := o.approaches[r.node]
	if known == nil {
		known = rules.Approaches(o.lab.Node(r.node).Loaded())
		o.approaches[r.node] = known
	}
	return known[[2]string{r.set, r.key}]
}

// perhapsCopies reports whether a rule that asks for no interface may refuse copies only, because another one lets the
// frames pass where they belong: on a bridge that floods them, whose rules tell its ports apart.
func (o *onWay) perhapsCopies(r refuser) bool {
	if r.set == "" || !o.way.Floods[r.node] {
		return false
	}
	if slices.ContainsFunc(o.approachesTo(r), func(a rules.Approach) bool { return len(a) > 0 }) {
		return false
	}
	for _, list := range o.approaches[r.node] {
		if slices.ContainsFunc(list, func(a rules.Approach) bool { return len(a) > 0 }) {
			return true
		}
	}
	return false
}
