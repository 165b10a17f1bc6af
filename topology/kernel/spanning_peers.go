//go:build linux

package kernel

import "labctl/topology"

// treePeers are the ports that hear what a port says: at the other end of its cable or tunnel, or beyond bridges
// without a tree, which pass it on.
func treePeers(nodes []*topology.Node) map[topology.End][]topology.End {
	h := hearing{map[string]*topology.Node{}, (&topology.Lab{Nodes: nodes}).TunnelPeers()}
	for _, n := range nodes {
		h.byName[n.Name] = n
	}
	out := map[topology.End][]topology.End{}
	for _, n := range nodes {
		for _, i := range n.Interfaces {
			if i.Master != "" && n.Interface(i.Master).Bridge.STP {
				from := topology.End{Node: n.Name, Interface: i.Name}
				out[from] = h.beyond(from, n, i, map[topology.End]bool{})
			}
		}
	}
	return out
}

// hearing finds who hears what a port says.
type hearing struct {
	byName  map[string]*topology.Node
	tunnels map[topology.End][]topology.End
}

// beyond are those at the other ends of an interface, and behind them.
func (h hearing) beyond(from topology.End, n *topology.Node, i *topology.Interface, passed map[topology.End]bool,
) []topology.End {
	if i.VXLAN == nil {
		return h.hearers(from, i.Peer, passed)
	}
	var out []topology.End
	for _, peer := range h.tunnels[topology.End{Node: n.Name, Interface: i.Name}] {
		out = append(out, h.hearers(from, peer, passed)...)
	}
	return out
}

func (h hearing) hearers(from, at topology.End, passed map[topology.End]bool) []topology.End {
	n := h.byName[at.Node]
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
			out = append(out, h.beyond(from, n, i, passed)...)
		}
	}
	return out
}
