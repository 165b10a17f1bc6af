package state

import (
	"slices"

	"labctl/topology"
	"labctl/topology/rules"
)

// Place adds to a state that was read what only the lab knows: where things are in its file, and which interfaces
// labctl has added for itself.
func (s *State) Place(lab *topology.Lab) {
	own := map[End]bool{}
	for _, e := range inlets(lab) {
		own[e] = true
	}
	for k := range s.Nodes {
		n := &s.Nodes[k]
		of := lab.Node(n.Name)
		if of == nil {
			continue
		}
		n.At = posOf(of.Pos)
		for j := range n.Interfaces {
			i := &n.Interfaces[j]
			i.Own = own[End{n.Name, i.Name}]
			if i.Name == topology.LoopbackName && of.Loopback != nil {
				i.At = posOf(of.Loopback.Pos)
			}
			if in := of.Interface(i.Name); in != nil {
				i.At = posOf(in.Pos)
				i.Chosen = in.Bridge != nil && in.Wears().IsZero()
			}
		}
	}
}

// inlets are the interfaces of the ways of virtual switches into what they share with their holders.
func inlets(lab *topology.Lab) (out []End) {
	for _, n := range lab.Nodes {
		if n.Switch == nil {
			continue
		}
		for _, p := range n.Switch.Ports {
			if p.Shared {
				in := topology.InletOf(p.At)
				out = append(out, End{p.At.Node, in.Outer}, End{p.At.Node, in.Inner})
			}
		}
	}
	return out
}

// SetOf is a rule set that is loaded.
func SetOf(set *rules.Set) RuleSet {
	out := RuleSet{Name: set.Name, Form: set.Form, At: posOf(set.Pos), Text: set.Text}
	for _, l := range set.Lines {
		out.Lines = append(out.Lines, RuleLine{Table: l.Table, Args: slices.Clone(l.Args), Name: l.Name,
			At: posOf(l.Pos)})
	}
	return out
}

// CommandOf is a command of a node.
func CommandOf(c topology.Command) Command {
	return Command{What: c.Sh, Background: c.Background, At: posOf(c.Pos)}
}
