package labfile

import (
	"iter"
	"net/netip"
)

// reach is what a node is connected to, by prefix and interface, so that many routes and many addresses do not have to be compared with
// one another.
type reach struct {
	order map[onNet]int // who came first has the lowest number
	bits  []int         // lengths of prefixes that there are
	are   map[int]bool

	own    map[netip.Addr]bool // the node's addresses
	broken bool                // it may have more
	words  string              // see networks
}

// onNet is a network of an interface; without a name, of any.
type onNet struct {
	net netip.Prefix
	dev string
}

// reachOf are the networks of a node's addresses.
func (b *build) reachOf(s *site) *reach {
	if b.nets == nil {
		b.nets = map[*site]*reach{}
	}
	if r := b.nets[s]; r != nil {
		return r
	}
	r := &reach{order: map[onNet]int{}, are: map[int]bool{}, own: map[netip.Addr]bool{}}
	for i, m := range b.of[s] {
		r.broken = r.broken || m.broken
		for _, p := range m.Addrs {
			r.own[p.Addr()] = true
			r.add(p, m.Name, i)
		}
	}
	r.words = b.networks(s)
	b.nets[s] = r
	return r
}

func (r *reach) add(p netip.Prefix, dev string, at int) {
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
func (r *reach) find(a netip.Addr, dev string) (at int, ok bool) {
	for _, i := range r.around(a, dev) {
		if !ok || i < at {
			at, ok = i, true
		}
	}
	return at, ok
}

// around are the networks of an interface that an address is in, with their numbers.
func (r *reach) around(a netip.Addr, dev string) iter.Seq2[netip.Prefix, int] {
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
