package reach

import (
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
	"labctl/topology"
)

// tracing finds a [Way].
type tracing struct {
	m      Machine
	own    *owners
	trace  Trace
	walked map[string]bool                      // from which nodes, to where, from which address and interface
	known  map[string][]topology.NeighbourEntry // by node: its table of the ping's family
	legs   map[leg]bool
	macs   map[switchcore.MAC]bool // that frames are for, or from
}

// leg is between two nodes that are neighbours, of which the second is sent to by its MAC.
type leg struct {
	from, to string
	mac      switchcore.MAC
}

// traceNow asks for the way of what a node sends, and of its answer.
func traceNow(m Machine, own *owners, node string, q topology.RouteQuery) Trace {
	t := &tracing{m: m, own: own, walked: map[string]bool{}, known: map[string][]topology.NeighbourEntry{},
		legs: map[leg]bool{},
		macs: map[switchcore.MAC]bool{}}
	if q.Dst.IsMulticast() || own.tunnels { // what carries a tunnel's packets is not looked for
		return Trace{Unknown: true}
	}
	src := t.follow(node, q)
	if src.IsValid() { // an answer comes from where the request got to; an error may come from any node that it passed
		for _, n := range slices.Clone(t.trace.Ends) {
			if n != node { // and an error from the node's own address, an answer from the one that was asked
				r := reply(own, n, q, src)
				t.follow(n, r)
				r.From = netip.Addr{}
				t.follow(n, r)
			}
		}
	}
	for !t.trace.Unknown && t.misled() { // until no bridge leads to yet another node
	}
	return t.trace
}

func (t *tracing) add(nodes ...string) {
	for _, n := range nodes {
		if !slices.Contains(t.trace.Ends, n) {
			t.trace.Ends = append(t.trace.Ends, n)
		}
	}
}

// follow adds whom the packets to an address come to from a node by its routes, and by what it believes of its
// neighbours. It returns the source address.
func (t *tracing) follow(node string, q topology.RouteQuery) netip.Addr {
	key := node + " " + q.Dst.String() + " " + q.From.String() + " " + q.IIF
	if t.walked[key] {
		return q.From
	}
	t.walked[key] = true
	w := t.own.walk(t.m, node, q)
	t.trace.Unknown = t.trace.Unknown || w.odd || w.cast
	t.add(w.nodes...)
	for _, h := range w.hops {
		if l, ok := t.own.linkAt(h.node, h.index); ok {
			t.macs[l.MAC] = true
		}
		for _, owner := range t.own.byAddr[h.next] {
			if l, ok := t.own.holding(owner, h.next); ok {
				t.sends(h.node, owner, l.MAC)
			}
		}
		for _, n := range t.neighbours(h) {
			t.believed(h.node, n.MAC, topology.RouteQuery{Dst: q.Dst, From: w.src, Proto: q.Proto, SPort: q.SPort,
				DPort: q.DPort})
		}
	}
	return w.src
}

// sends adds a leg of the way.
func (t *tracing) sends(from, to string, mac switchcore.MAC) {
	t.add(to)
	t.legs[leg{from, to, mac}], t.macs[mac] = true, true
}

// believed adds the nodes that have the MAC of a neighbour, as a node has it, and where these send on what comes to
// them.
func (t *tracing) believed(by string, mac switchcore.MAC, q topology.RouteQuery) {
	t.macs[mac] = true
	for _, n := range t.own.byMAC[mac] {
		t.sends(by, n, mac)
		for _, l := range t.own.links[n] {
			if l.MAC == mac {
				q.IIF = l.Name
			}
		}
		t.follow(n, q)
	}
}

// neighbours are what a node believes of the next one.
func (t *tracing) neighbours(h hop) []topology.NeighbourEntry {
	family := unix.AF_INET
	if is6(h.next) {
		family = unix.AF_INET6
	}
	list, read := t.known[h.node]
	if !read {
		var err error
		if list, err = t.m.Neighbours(h.node, family); err != nil {
			t.trace.Unknown = true
		}
		t.known[h.node] = list
	}
	return slices.DeleteFunc(slices.Clone(list), func(n topology.NeighbourEntry) bool {
		return n.Index != h.index || n.IP.WithZone("") != h.next.WithZone("") || n.MAC.IsZero()
	})
}

// misled looks at the bridges on the way for entries that lead off it, and adds where they lead to. It reports whether
// there was one.
func (t *tracing) misled() bool {
	lab := t.own.lab
	passage := lab.Passage(t.trace.Ends)
	before := len(t.trace.Ends)
	t.trace.Floods = map[string]bool{}
	for _, n := range lab.Nodes {
		if !passage.Node(n.Name) || n.Switch != nil {
			continue
		}
		knows, err := t.learned(n)
		if err != nil {
			t.trace.Unknown = true
			return false
		}
		for mac, port := range knows {
			if t.macs[mac] && !passage.Interface(n.Name, port) {
				t.add(lab.Far(n.Name, port))
			}
		}
		for l := range t.legs {
			if _, known := knows[l.mac]; !known && n.Name != l.to && lab.Passage([]string{l.from, l.to}).Node(n.Name) {
				t.trace.Floods[n.Name] = true
			}
		}
	}
	return len(t.trace.Ends) > before
}

// learned are the ports behind which a node's bridges know a MAC.
func (t *tracing) learned(n *topology.Node) (map[switchcore.MAC]string, error) {
	out := map[switchcore.MAC]string{}
	for _, i := range n.Interfaces {
		if i.Type != topology.BridgeLink {
			continue
		}
		entries, err := t.m.FDB(n.Name, i.Name)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			out[e.MAC] = e.Port
		}
	}
	return out, nil
}
