package topology

import "labctl/topology/rules"

// Loaded are the rule sets of the node that are loaded, in file order.
func (n *Node) Loaded() []*rules.Set {
	var out []*rules.Set
	for _, set := range n.Rules {
		if set.Load {
			out = append(out, set)
		}
	}
	return out
}

// Set returns the node's rule set of that name, or nil.
func (n *Node) RuleSet(name string) *rules.Set {
	for _, set := range n.Rules {
		if set.Name == name {
			return set
		}
	}
	return nil
}
