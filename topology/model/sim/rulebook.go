package sim

import (
	"cmp"
	"slices"

	"labctl/topology/rules"
	"labctl/topology/state"
)

// newFilter reads the rules of a node.
func newFilter(n *node, s *state.Node) *filter {
	f := &filter{node: n, chains: map[hookAt][]*chain{},
		bridged: s.Sysctl(rules.BridgeCall("iptables")) == "1", tagged: s.Sysctl(rules.BridgeTagged) == "1"}
	tables := newXTables()
	for i := range s.Rules {
		set := &s.Rules[i]
		switch {
		case len(set.Lines) > 0 && set.Form == "ip6tables":
			continue // of IPv6 nothing is modelled
		case len(set.Lines) > 0:
			for _, l := range set.Lines {
				tables.add(set.Name, l)
			}
		default:
			readNFT(f, set.Name, set.Text)
		}
	}
	tables.hook(f)
	for _, text := range s.Foreign {
		f.everywhere(text)
	}
	for at := range f.chains {
		slices.SortStableFunc(f.chains[at], func(a, b *chain) int { return cmp.Compare(a.priority, b.priority) })
		f.refuses = f.refuses || slices.ContainsFunc(f.chains[at], func(c *chain) bool { return c.drops })
	}
	f.each(func(r *rule) { f.refuses = f.refuses || r.verdict == drops || r.verdict == rejects })
	return f
}

// everywhere puts a rule that cannot be read at every hook.
func (f *filter) everywhere(why string) {
	for _, family := range []string{"ip", "bridge", "arp", "netdev"} {
		for _, hook := range []string{"prerouting", "input", "forward", "output", "postrouting", "ingress", "egress"} {
			at := hookAt{family, hook}
			f.chains[at] = append(f.chains[at], &chain{name: why, rules: []*rule{{unread: why}}})
		}
	}
}

// Hits is how many packets a rule has met since [World.Mark]. ok is false where no such rule is loaded.
func (t Tables) Hits(name, key string) (packets uint64, ok bool) {
	n := t.w.node(name)
	if n == nil || n.filter == nil {
		return 0, false
	}
	n.filter.each(func(r *rule) {
		if r.name == key {
			packets, ok = packets+r.packets, ok || r.counts
		}
	})
	return packets, ok
}

// Refusing reports whether rules that refuse packets are loaded anywhere.
func (t Tables) Refusing() bool { return t.w.refusing() }

// each calls do with every rule once.
func (f *filter) each(do func(*rule)) {
	seen := map[*chain]bool{}
	var walk func(c *chain)
	walk = func(c *chain) {
		if c == nil || seen[c] {
			return
		}
		seen[c] = true
		for _, r := range c.rules {
			do(r)
			walk(r.to)
		}
	}
	for _, list := range f.chains {
		for _, c := range list {
			walk(c)
		}
	}
}
