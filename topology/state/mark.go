package state

import (
	"maps"
	"reflect"
	"slices"
)

// Mark notes in a state that was read what is not from the file: what differs from the state that the file makes, but
// for what traffic does, and for the order in which things were made.
func (s *State) Mark(of *State) {
	have, want := s.WithoutTraffic(), of.WithoutTraffic()
	for k := range have.Nodes {
		s.Nodes[k].NotFromFile = nil
		n, w := &have.Nodes[k], want.Node(have.Nodes[k].Name)
		if w == nil {
			s.Nodes[k].NotFromFile = []string{"node"}
			continue
		}
		s.Nodes[k].NotFromFile = n.unlike(w)
	}
}

// unlike says in what a node differs, sorted.
func (n *Node) unlike(w *Node) []string {
	var out []string
	for _, part := range []struct {
		what       string
		have, want any
	}{
		{"routes", n.Routes, w.Routes}, {"policies", n.Policies, w.Policies},
		{"neighbours", n.Neighbours, w.Neighbours}, {"rules", n.Rules, w.Rules}, {"rules", n.Foreign, w.Foreign},
		{"listeners", n.Listeners, w.Listeners}, {"switch", n.Switch, w.Switch},
	} {
		if !reflect.DeepEqual(part.have, part.want) {
			out = append(out, part.what)
		}
	}
	for key := range maps.Keys(n.Sysctls) {
		if w.Sysctls[key] != n.Sysctls[key] {
			out = append(out, "sysctls "+key)
		}
	}
	for k := range n.Interfaces {
		i := &n.Interfaces[k]
		if l := w.Interface(i.Name); l == nil || !reflect.DeepEqual(i.unordered(), l.unordered()) {
			out = append(out, "interfaces "+i.Name)
		}
	}
	for k := range w.Interfaces {
		if name := w.Interfaces[k].Name; n.Interface(name) == nil {
			out = append(out, "interfaces "+name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// unordered is an interface without the order in which things were made.
func (i *Interface) unordered() Interface {
	out := *i
	out.Rank = 0
	if i.Port != nil {
		p := *i.Port
		p.Number = 0
		if p.Designated != nil {
			d := *p.Designated
			d.Port, p.Designated = "", &d
		}
		out.Port = &p
	}
	if i.Bridge != nil {
		b := *i.Bridge
		b.Ports = slices.Sorted(slices.Values(b.Ports))
		out.Bridge = &b
	}
	return out
}
