package rules

import (
	"net/netip"
	"slices"

	"labctl/switchcore"
)

// Guard is who is behind a port of a bridge, as far as the file says. Fill it in, then call [Guard.Tidy] once.
type Guard struct {
	Port  string
	macs  []switchcore.MAC
	ips   []netip.Prefix // masked; single addresses are /32
	Cast  []netip.Addr   // the directed broadcasts of their networks
	pairs []arpPair      // who may speak for which address
	// that somebody behind it has an interface of, or that the bridge itself takes there with a tag
	VLANs  []switchcore.VLANRange
	AnyMAC bool // somebody is behind it whose MAC the file does not say
	AnyIP  bool // the same for IP

	PairsSoFar *int // of MaxGuarded, in the file; counted on by Add
	TooMany    bool
}

// MaxGuarded is how many pairs of a MAC and an address the port guards of a file may name.
const MaxGuarded = 1 << 16

// arpPair is a sender of ARP.
type arpPair struct {
	mac switchcore.MAC
	ip  netip.Prefix
}

// Add adds somebody who speaks from each of the MACs for each of the addresses.
func (g *Guard) Add(macs []switchcore.MAC, ips []netip.Prefix) {
	g.macs = append(g.macs, macs...)
	if *g.PairsSoFar += max(1, len(macs)) * max(1, len(ips)); *g.PairsSoFar > MaxGuarded {
		g.TooMany = true
		return
	}
	for _, p := range ips {
		g.AnyIP = g.AnyIP || p.Bits() == 0
		g.ips = append(g.ips, p)
		for _, m := range macs {
			g.pairs = append(g.pairs, arpPair{m, p})
		}
	}
}

// Pairs is how many rules, or parts of one, the guard makes of ARP.
func (g *Guard) Pairs() int { return len(g.pairs) }

// Tidy sorts, and leaves out what another entry covers: sets of nftables refuse intervals that overlap.
func (g *Guard) Tidy() {
	g.VLANs = joined(g.VLANs)
	slices.SortFunc(g.macs, func(a, b switchcore.MAC) int { return slices.Compare(a[:], b[:]) })
	g.macs = slices.Compact(g.macs)
	g.ips = uncovered(g.ips)
	of := map[switchcore.MAC][]netip.Prefix{}
	for _, p := range g.pairs {
		of[p.mac] = append(of[p.mac], p.ip)
	}
	var pairs []arpPair
	for _, m := range g.macs {
		ips := append(of[m], netip.MustParsePrefix("0.0.0.0/32")) // an ARP probe says so (RFC 5227, 2.1.1)
		for _, p := range uncovered(ips) {
			pairs = append(pairs, arpPair{m, p})
		}
	}
	g.pairs = pairs
}

// joined are the VLANs of some ranges, in order, as ranges that do not overlap.
func joined(list []switchcore.VLANRange) []switchcore.VLANRange {
	slices.SortFunc(list, func(a, b switchcore.VLANRange) int { return a.First - b.First })
	var out []switchcore.VLANRange
	for _, r := range list {
		if k := len(out) - 1; k >= 0 && r.First <= out[k].Last {
			out[k].Last = max(out[k].Last, r.Last)
			continue
		}
		out = append(out, r)
	}
	return out
}

// uncovered are the prefixes, in order, without those that lie in another one.
func uncovered(ps []netip.Prefix) []netip.Prefix {
	ps = slices.Clone(ps)
	slices.SortFunc(ps, func(a, b netip.Prefix) int {
		if c := a.Addr().Compare(b.Addr()); c != 0 {
			return c
		}
		return a.Bits() - b.Bits()
	})
	var out []netip.Prefix
	for _, p := range ps {
		if len(out) == 0 || !out[len(out)-1].Contains(p.Addr()) {
			out = append(out, p)
		}
	}
	return out
}

// reachable are the destinations that a port is sent: who is behind it, and everybody.
func (g *Guard) reachable() []netip.Prefix {
	out := append(slices.Clone(g.ips), netip.MustParsePrefix("224.0.0.0/4"),
		netip.MustParsePrefix("255.255.255.255/32"))
	for _, a := range g.Cast {
		out = append(out, netip.PrefixFrom(a, 32))
	}
	return uncovered(out)
}
