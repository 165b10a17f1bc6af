package topology

// Behind returns the nodes that a frame can come to from a port of a virtual switch without passing through that
// switch: over cables, and by interfaces that one node has and another uses. Whether they would pass it on is not
// asked. nil if there is no such port.
func (l *Lab) Behind(node, port string) map[string]bool {
	n := l.Node(node)
	if n == nil || n.Switch == nil {
		return nil
	}
	for _, p := range n.Switch.Ports {
		if p.Name != port {
			continue
		}
		start := p.At.Node
		if start == node {
			i := n.Interface(p.At.Interface)
			if i == nil {
				return nil
			}
			start = i.Peer.Node
		}
		return l.reachable(start, node)
	}
	return nil
}

// reachable are the nodes that are joined to start in some way, without the one that is left out.
func (l *Lab) reachable(start, without string) map[string]bool {
	next := map[string][]string{}
	join := func(a, b string) {
		if a != b && a != "" && b != "" {
			next[a], next[b] = append(next[a], b), append(next[b], a)
		}
	}
	for _, n := range l.Nodes {
		for _, i := range n.Interfaces {
			join(n.Name, i.Peer.Node)
			join(n.Name, i.Lower.Node)
		}
		if n.Switch == nil {
			continue
		}
		for _, p := range n.Switch.Ports {
			join(n.Name, p.At.Node)
		}
	}
	out := map[string]bool{}
	for queue := []string{start}; len(queue) > 0; queue = queue[1:] {
		if at := queue[0]; at != "" && at != without && !out[at] {
			out[at] = true
			queue = append(queue, next[at]...)
		}
	}
	return out
}
