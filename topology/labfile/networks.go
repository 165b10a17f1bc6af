package labfile

import (
	"fmt"
	"iter"
	"net/netip"

	"labctl/topology/problem"
)

// networks are what each node is connected to, for its routes and its neighbour entries.
type networks struct {
	*ifaces
	known map[*nodeDecl]*reachable
}

// reachable is what a node is connected to, by prefix and interface, so that many routes and many addresses do not have
// to be compared with one another.
type reachable struct {
	order map[onNet]int // who came first has the lowest number
	bits  []int         // lengths of prefixes that there are
	are   map[int]bool

	own   map[netip.Addr]bool // the node's addresses
	more  bool                // it may have more than could be read
	words string              // the networks, for a message
}

// onNet is a network of an interface; without a name, of any.
type onNet struct {
	net netip.Prefix
	dev string
}

func newReachable() *reachable {
	return &reachable{order: map[onNet]int{}, are: map[int]bool{}, own: map[netip.Addr]bool{}}
}

// reachableFrom are the networks of a node's addresses.
func (n *networks) reachableFrom(s *nodeDecl) *reachable {
	if r := n.known[s]; r != nil {
		return r
	}
	r := newReachable()
	for i, m := range n.of[s] {
		r.more = r.more || m.broken
		for _, p := range m.Addrs {
			r.own[p.Addr()] = true
			r.add(p, m.Name, i)
		}
	}
	if m := n.lo[s]; m != nil { // whose networks are the node's own, and lead nowhere (fib_add_ifaddr)
		r.more = r.more || m.broken
		for _, p := range m.Addrs {
			r.own[p.Addr()] = true
		}
	}
	r.more = r.more || n.mayHaveMore(s)
	r.words = n.words(s)
	n.known[s] = r
	return r
}

func (r *reachable) add(p netip.Prefix, dev string, at int) {
	p = p.Masked()
	if !r.are[p.Bits()] {
		r.are[p.Bits()] = true
		r.bits = append(r.bits, p.Bits())
	}
	for _, k := range []onNet{{p, dev}, {p, ""}} {
		if _, known := r.order[k]; !known {
			r.order[k] = at
		}
	}
}

// find is the number of the first network that an address is in, and whether there is one.
func (r *reachable) find(a netip.Addr, dev string) (at int, ok bool) {
	for _, i := range r.around(a, dev) {
		if !ok || i < at {
			at, ok = i, true
		}
	}
	return at, ok
}

// around are the networks of an interface that an address is in, with their numbers.
func (r *reachable) around(a netip.Addr, dev string) iter.Seq2[netip.Prefix, int] {
	return func(yield func(netip.Prefix, int) bool) {
		for _, n := range r.bits {
			p, err := a.Prefix(n)
			if err != nil || !a.IsValid() {
				continue
			}
			if i, is := r.order[onNet{p, dev}]; is && !yield(p, i) {
				return
			}
		}
	}
}

// mayHaveMore reports whether the node may have more addresses than could be read.
func (x *ifaces) mayHaveMore(s *nodeDecl) bool {
	if s.badIP == nil {
		bad := len(x.of[s]) == 0
		for _, name := range x.bodyOf(s).Names() {
			if s.kind.file.Key(name) == nil && (problem.Suggest(name, []string{"ip", "interfaces"}) != "" ||
				s.kind.file.Foreign[name].Means == "ip") {
				bad = true
			}
		}
		if x.bodyOf(s).Has("ip") && len(x.of[s]) != 1 && s.body != bridgeBody {
			bad = true
		}
		for _, e := range x.ends[s] {
			bad = bad || e.bad
		}
		s.badIP = &bad
	}
	return *s.badIP
}

func (n *networks) words(s *nodeDecl) string {
	var out []string
	for _, m := range n.of[s] {
		for _, p := range m.Addrs {
			out = append(out, p.Masked().String())
		}
	}
	if len(out) == 0 {
		return ", which has none"
	}
	return fmt.Sprintf(" (%s)", problem.AndList(problem.ClipList(out)))
}

// lastOf is the last address of a prefix of IPv4, its directed broadcast if it is long enough to have one.
func lastOf(p netip.Prefix) netip.Addr {
	a := p.Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		a[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(a)
}
