package topology

import (
	"strings"

	"labctl/switchcore"
)

// segment is what floods frames: a Linux bridge of a node, or a virtual switch that learns (its bridge is "").
type segment struct{ node, bridge string }

// cable joins two segments.
type cable struct {
	a, b      segment
	near, far End
	treeless  bool // neither end has a spanning tree
	sameVLANs bool // neither port says which VLANs it has
	up        bool // both ends are
}

// Ring is a path from a port over cables and bridges back to where it began, on which nothing blocks: each port is
// followed by the one at the other end of its cable, and that by the port of the same bridge by which it goes on.
type Ring []End

// String is the ring's cables.
func (r Ring) String() string {
	var words []string
	for i := 0; i+1 < len(r); i += 2 {
		words = append(words, r[i].String()+" -- "+r[i+1].String())
	}
	return strings.Join(words, ", ")
}

// Rings finds a ring without a spanning tree in every part of the lab that has one, in the order of the file: of
// bridges with STP off and of virtual switches of the profile learning. One bridge with a tree in it cuts a ring,
// because the others pass its messages on. Ports that say which VLANs they have are taken to be cut.
func (l *Lab) Rings() []Ring {
	parent, tree := map[segment]segment{}, map[segment][]cable{}
	var root func(s segment) segment
	root = func(s segment) segment {
		p, ok := parent[s]
		if !ok || p == s {
			return s
		}
		top := root(p)
		parent[s] = top
		return top
	}
	var out []Ring
	found := map[segment]bool{}
	for _, c := range l.cables() {
		if !c.treeless || !c.sameVLANs || !c.up {
			continue
		}
		a, b := root(c.a), root(c.b)
		if a != b {
			parent[a] = b
			found[b] = found[a] || found[b]
			tree[c.a] = append(tree[c.a], c)
			tree[c.b] = append(tree[c.b], cable{a: c.b, b: c.a, near: c.far, far: c.near})
			continue
		}
		if found[a] {
			continue
		}
		found[a] = true
		ring := Ring{c.near, c.far}
		back := pathFrom(tree, c.b, c.a, segment{})
		for i := range back {
			x := back[len(back)-1-i]
			ring = append(ring, x.near, x.far)
		}
		out = append(out, ring.straight())
	}
	return out
}

// pathFrom is the path in a tree of cables, the last cable first, not back to where it came from.
func pathFrom(tree map[segment][]cable, from, to, back segment) []cable {
	for _, c := range tree[from] {
		switch {
		case from == to:
			return nil
		case c.b == back:
		case c.b == to:
			return []cable{c}
		default:
			if rest := pathFrom(tree, c.b, to, from); rest != nil {
				return append(rest, c)
			}
		}
	}
	return nil
}

// segmentOf is what a node's interface is a port of; ok is false if it is none.
func segmentOf(n *Node, i *Interface) (s segment, tree, ok bool) {
	switch {
	case i == nil:
		return s, false, false
	case n.Switch != nil:
		return segment{n.Name, ""}, false, n.Switch.Config.Profile == switchcore.Learning
	case i.Master == "":
		return s, false, false
	}
	br := n.Interface(i.Master)
	return segment{n.Name, i.Master}, br.Bridge.STP, br.Up
}

// cables are those between segments, each once, in the order of the file, and then tunnels.
func (l *Lab) cables() []cable {
	var out []cable
	seen := map[End]bool{}
	for _, n := range l.Nodes {
		for _, i := range n.Interfaces {
			near := End{n.Name, i.Name}
			m := l.Node(i.Peer.Node)
			if seen[near] || m == nil {
				continue
			}
			far := m.Interface(i.Peer.Interface)
			a, treeA, okA := segmentOf(n, i)
			b, treeB, okB := segmentOf(m, far)
			if !okA || !okB {
				continue
			}
			seen[i.Peer] = true
			out = append(out, cable{a: a, b: b, near: near, far: i.Peer, treeless: !treeA && !treeB,
				sameVLANs: !i.inVLANs() && !far.inVLANs(), up: i.Up && far.Up})
		}
	}
	return append(out, l.tunnelCables(l.tunnels())...)
}

func (i *Interface) inVLANs() bool { return i.Port != nil && i.Port.VLAN != nil }

// Flooded are the nodes to which what circles in a ring comes: over bridges and cables, and to what sits on interfaces
// there.
func (l *Lab) Flooded(r Ring) map[string]bool {
	out, done, tunnels := map[string]bool{}, map[segment]bool{}, l.tunnels()
	var reach func(e End)
	reach = func(e End) {
		n := l.Node(e.Node)
		if n == nil {
			return
		}
		out[n.Name] = true
		for _, m := range l.Nodes {
			for _, i := range m.Interfaces {
				if i.Lower == e {
					out[m.Name] = true
				}
			}
		}
		s, _, ok := segmentOf(n, n.Interface(e.Interface))
		if !ok || done[s] {
			return
		}
		done[s] = true
		for _, i := range n.Interfaces {
			if i.Peer.Node != "" && (n.Switch != nil || i.Master == s.bridge) {
				reach(i.Peer)
			}
			if i.VXLAN != nil && i.Master == s.bridge {
				for _, peer := range tunnels.peers[End{n.Name, i.Name}] {
					reach(peer)
				}
			}
		}
	}
	for _, e := range r {
		reach(e)
	}
	return out
}
