package topology

import "slices"

// Passage is the part of a lab that frames between some nodes can pass: cables, and what bridges between them. What a
// bridge floods elsewhere besides is a copy, and reaches none of these nodes.
type Passage struct {
	lab  *Lab
	ends map[string]bool
	next map[joint][]joint
	on   map[joint]bool // what is known
}

// joint is a node, or with an interface the cable or the like that joins it to another node.
type joint End

// Passage finds what is between nodes. A node that neither bridges, nor holds what others use, nor is one of these,
// lets nothing pass.
func (l *Lab) Passage(ends []string) *Passage {
	p := &Passage{lab: l, ends: map[string]bool{}, next: map[joint][]joint{}, on: map[joint]bool{}}
	for _, e := range ends {
		p.ends[e] = true
	}
	lets := map[string]bool{}
	join := func(c joint, a, b string) {
		p.next[c] = []joint{{Node: a}, {Node: b}}
		for _, n := range p.next[c] {
			p.next[n] = append(p.next[n], c)
		}
	}
	for _, n := range l.Nodes {
		lets[n.Name] = lets[n.Name] || n.Switch != nil
		for _, i := range n.Interfaces {
			lets[n.Name] = lets[n.Name] || i.Type == BridgeLink
			if far := i.Lower.Node; far != "" && far != n.Name {
				lets[far] = true
			}
			if c, a, b := jointOf(n, i); b != "" && p.next[c] == nil {
				join(c, a, b)
			}
		}
		if n.Switch == nil {
			continue
		}
		for _, port := range n.Switch.Ports {
			if port.At.Node != n.Name {
				lets[port.At.Node] = true
				join(joint{n.Name, "port " + port.Name}, n.Name, port.At.Node)
			}
		}
	}
	for _, n := range l.Nodes {
		if !lets[n.Name] && !p.ends[n.Name] {
			p.drop(joint{Node: n.Name})
		}
	}
	return p
}

// jointOf is what joins an interface to another node, with both nodes; the far one is "" if nothing does. Both ends of
// a cable have the same joint.
func jointOf(n *Node, i *Interface) (c joint, near, far string) {
	at := End{n.Name, i.Name}
	switch {
	case i.Peer.Node != "" && i.Peer.Node != n.Name:
		if i.Peer.Node < n.Name {
			return joint(i.Peer), n.Name, i.Peer.Node
		}
		return joint(at), n.Name, i.Peer.Node
	case i.Lower.Node != "" && i.Lower.Node != n.Name:
		return joint(at), n.Name, i.Lower.Node
	}
	return joint{}, n.Name, ""
}

// drop takes a node that lets nothing pass off all that it is joined to.
func (p *Passage) drop(n joint) {
	for _, c := range p.next[n] {
		p.next[c] = slices.DeleteFunc(p.next[c], func(o joint) bool { return o == n })
	}
	delete(p.next, n)
}

// Node reports whether a node is one of the ends, or frames between two of them can pass it.
func (p *Passage) Node(name string) bool { return p.ends[name] || p.passed(joint{Node: name}) }

// Interface reports whether frames between two of the ends can pass an interface of a node. Of one that joins the node
// to no other, and of one that the lab does not have, that is not known, and it may be so.
func (p *Passage) Interface(node, name string) bool {
	if p.lab.Node(node) == nil || !p.Node(node) {
		return false
	}
	c, far := p.lab.joins(node, name)
	return far == "" || p.passed(c)
}

// Far is the node that an interface joins its own to, "" if there is none.
func (l *Lab) Far(node, name string) string {
	_, far := l.joins(node, name)
	return far
}

// joins finds what an interface, or what it is stacked on, joins its node to.
func (l *Lab) joins(node, name string) (c joint, far string) {
	n := l.Node(node)
	if n == nil {
		return c, ""
	}
	for range n.Interfaces { // a VLAN of a VLAN, and so on
		i := n.Interface(name)
		if i == nil {
			return c, ""
		}
		if c, _, far = jointOf(n, i); far != "" || i.Lower.Node != n.Name {
			return c, far
		}
		name = i.Lower.Interface
	}
	return c, ""
}

// passed reports whether something is on a way from one end to another that comes by nothing twice. It is not if there
// is an end that every way from it to an end comes to, or something else that all come by.
func (p *Passage) passed(at joint) bool {
	if on, known := p.on[at]; known {
		return on
	}
	way := p.toEnd(at, joint{})
	on := way != nil
	for _, x := range way {
		if p.toEnd(at, x) == nil {
			on = false
			break
		}
	}
	p.on[at] = on
	return on
}

// toEnd is a shortest way from somewhere to an end, without where it begins and without coming by one joint; nil if
// there is none.
func (p *Passage) toEnd(from, without joint) []joint {
	came := map[joint]joint{from: from}
	for queue := []joint{from}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if at != from && at.Interface == "" && p.ends[at.Node] {
			var way []joint
			for ; at != from; at = came[at] {
				way = append(way, at)
			}
			return way
		}
		for _, next := range p.next[at] {
			if _, met := came[next]; !met && next != without {
				came[next] = at
				queue = append(queue, next)
			}
		}
	}
	return nil
}
