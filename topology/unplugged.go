package topology

import "slices"

// WithUp is the lab with interfaces that are up or down; of others, and of everything else, it is the same.
func (l *Lab) WithUp(up map[End]bool) *Lab {
	out := *l
	out.Nodes = slices.Clone(l.Nodes)
	for k, n := range out.Nodes {
		for i, f := range n.Interfaces {
			now, given := up[End{n.Name, f.Name}]
			if !given || now == f.Up {
				continue
			}
			if out.Nodes[k] == n {
				other := *n
				other.Interfaces = slices.Clone(n.Interfaces)
				out.Nodes[k] = &other
			}
			changed := *f
			changed.Up = now
			out.Nodes[k].Interfaces[i] = &changed
		}
	}
	return &out
}
