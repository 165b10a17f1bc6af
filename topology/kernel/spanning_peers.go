//go:build linux

package kernel

import "labctl/topology"

// treePeers are the ports that hear what a port says: at the other end of its cable, or beyond bridges without a tree,
// which pass it on.
func treePeers(nodes []*topology.Node) map[topology.End][]topology.End {
	byName := map[string]*topology.Node{}
	for _, n := range nodes {
		byName[n.Name] = n
	}
	out := map[topology.End][]topology.End{}
	for _, n := range nodes {
		for _, i := range n.Interfaces {
			if i.Master != "" && n.Interface(i.Master).Bridge.STP {
				from := topology.End{Node: n.Name, Interface: i.Name}
				out[from] = hearers(byName, from, i.Peer, map[topology.End]bool{})
			}
		}
	}
	return out
}

func hearers(byName map[string]*topology.Node, from, at topology.End, passed map[topology.End]bool) []topology.End {
	n := byName[at.Node]
	if n == nil || n.Interface(at.Interface) == nil || n.Interface(at.Interface).Master == "" {
		return nil
	}
	br := n.Interface(n.Interface(at.Interface).Master)
	if br.Bridge.STP {
		if at == from {
			return nil
		}
		return []topology.End{at}
	}
	bridge := topology.End{Node: n.Name, Interface: br.Name}
	if passed[bridge] {
		return nil
	}
	passed[bridge] = true
	var out []topology.End
	for _, i := range n.Interfaces {
		if i.Master == br.Name && i.Name != at.Interface {
			out = append(out, hearers(byName, from, i.Peer, passed)...)
		}
	}
	return out
}
