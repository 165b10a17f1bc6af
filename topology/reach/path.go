package reach

import (
	"net/netip"
	"slices"
	"strings"

	"labctl/topology"
)

// hop is a node that sends to a neighbour, and so holds an entry for it.
type hop struct {
	node  string
	index int
	next  netip.Addr
}

// Hop is a node that sends to a neighbour.
type Hop struct {
	Node string
	Next netip.Addr
}

// suspects are the hops at which nobody may have answered for the next one, as the outcome has it: the sender's own,
// that of the router that says so, or, when no answer was received, those of the way back and those of which the
// router's word may have been lost.
func (pr *pair) suspects() []Hop { return suspects(pr.word, pr.path, pr.back) }

// suspects is what [pair.suspects] says of any outcome, by the way there and the way back.
func suspects(word string, path, back *path) []Hop {
	if path == nil {
		return nil
	}
	var list []hop
	router, unreachable := strings.CutPrefix(word, "icmp:host-unreachable@")
	switch {
	case word == "no-arp":
		list = path.hops[:min(1, len(path.hops))]
	case unreachable:
		for _, h := range path.hops {
			if h.node == router {
				list = append(list, h)
			}
		}
	case word == "silent":
		list = slices.Clone(path.hops[min(1, len(path.hops)):])
		if back != nil {
			list = append(list, back.hops...)
		}
	}
	out := make([]Hop, len(list))
	for i, h := range list {
		out[i] = Hop{h.node, h.next}
	}
	return out
}

// path is how packets go from a node to an address, as the kernels of the nodes on it say.
type path struct {
	src   netip.Addr // the source address that the first node chooses
	hops  []hop
	nodes []string // all that handle the packet, in order
	end   string   // the node that the packet is for; "" when it gets nowhere
	err   error    // why errAt would not send it on
	errAt string
	errIn int // the interface of errAt by which the packet came; 0 for its own
	// several nodes hold a next hop, or a node chose one of several by a hash, which may come out otherwise for the
	// packet itself, or it never ends: who handles the packet is not known
	odd      bool
	redirect string // the first node that would send a redirect
	cast     bool   // to a broadcast address of errAt, which asks nobody and sends no ping there
}

// maxHops ends a walk through a routing loop; a real packet's TTL is 64.
const maxHops = 64

// walk asks node after node for the route.
func (o *owners) walk(m Machine, node string, q topology.RouteQuery) *path {
	w := &path{src: q.From}
	dst := q.Dst
	in := 0
	for range maxHops {
		w.nodes = append(w.nodes, node)
		r, err := m.Route(node, q)
		if err != nil {
			w.err, w.errAt, w.errIn = err, node, in
			return w
		}
		if !w.src.IsValid() {
			w.src = r.Src
		}
		if w.redirect == "" && redirects(q, r, in) {
			w.redirect = node
		}
		if r.Local {
			w.end = node
			return w
		}
		if r.Broadcast {
			w.cast, w.errAt = true, node
			return w
		}
		next := dst
		if r.Via.IsValid() {
			next = r.Via
		}
		w.hops = append(w.hops, hop{node, r.Index, next})
		w.odd = w.odd || o.chosen(node, dst, r)
		to := o.byAddr[next]
		if len(to) != 1 {
			w.odd = w.odd || len(to) > 1
			return w
		}
		node = to[0]
		if next == dst {
			w.nodes, w.end = append(w.nodes, node), node
			return w
		}
		l, _ := o.holding(node, next)
		in = l.Index
		q = topology.RouteQuery{Dst: dst, From: w.src, IIF: l.Name, Proto: q.Proto, SPort: q.SPort, DPort: q.DPort}
	}
	w.odd = true
	return w
}

// chosen reports whether an answer is one of several next hops that a route of the lab has for a destination. What the
// kernel's hash is made of (fib_multipath_hash, rt6_multipath_hash) a look-up does not know of each packet.
func (o *owners) chosen(node string, dst netip.Addr, r topology.RouteAnswer) bool {
	n := o.lab.Node(node)
	return n != nil && slices.ContainsFunc(n.Routes, func(route topology.Route) bool {
		return route.Dst.Contains(dst) && slices.ContainsFunc(route.NextHops, func(h topology.NextHop) bool {
			l, known := o.linkAt(node, r.Index)
			return h.Via == r.Via && (h.Dev == "" || known && h.Dev == l.Name)
		})
	})
}

// redirects reports whether a node with that route would tell the sender of a better way. IPv6 has no flag for it:
// there it is a packet that leaves where it came in, towards the target itself or a link-local gateway (RFC 4861, 8.2).
func redirects(q topology.RouteQuery, r topology.RouteAnswer, in int) bool {
	if q.IIF == "" {
		return false
	}
	if is6(q.Dst) {
		return !r.Local && r.Index == in && (!r.Via.IsValid() || r.Via.IsLinkLocalUnicast())
	}
	return r.DoRedirect
}

// residue is what one exchange between two nodes may leave behind.
type residue struct {
	entries []hop    // exactly these entries, unless there is more in flush
	flush   []string // nodes that forget all neighbours
	routes  []string // nodes that may have learned a redirected route
	all     bool     // it cannot be said: every node forgets
}

// exact reports whether no more than its entries are left behind.
func (t residue) exact() bool { return !t.all && len(t.flush) == 0 && len(t.routes) == 0 }

// residueOf says what the way there and the way back leave behind. Where frames go in tunnels, the nodes that carry
// these ask for each other too, and those are not on the ways.
func (o *owners) residueOf(w, back *path) residue {
	if w.odd || back != nil && back.odd {
		return residue{all: true}
	}
	var t residue
	if len(w.hops) == 0 && w.err != nil {
		return t // refused by its own sender, who asks nobody
	}
	if o.tunnels {
		return residue{all: true}
	}
	if w.redirect != "" {
		t.routes = append(t.routes, w.nodes[0])
	}
	if back != nil && back.redirect != "" {
		t.routes = append(t.routes, back.nodes[0])
	}
	if back != nil && w.end != "" && back.end != "" && len(w.hops) == 1 && len(back.hops) == 1 {
		t.entries = []hop{w.hops[0], back.hops[0]}
		return t
	}
	t.flush = slices.Clone(w.nodes)
	if back != nil {
		t.flush = append(t.flush, back.nodes...)
	}
	slices.Sort(t.flush)
	t.flush = slices.Compact(t.flush)
	return t
}
