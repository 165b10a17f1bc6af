package topology

import (
	"net/netip"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// guarded is who is behind a port of a bridge, as far as the file says.
type guarded struct {
	port   string
	macs   []MAC
	ips    []netip.Prefix // masked; single addresses are /32
	cast   []netip.Addr   // the directed broadcasts of their networks
	pairs  []arpPair      // who may speak for which address
	vlans  []VLANRange    // that somebody behind it has an interface of, or that the bridge itself takes there with a tag
	anyMAC bool           // somebody is behind it whose MAC the file does not say
	anyIP  bool           // likewise

	pairsSoFar *int // of maxGuarded, in the file
	tooMany    bool
}

// maxGuarded is how many pairs of a MAC and an address the port guards of a file may name.
const maxGuarded = 1 << 16

// arpPair is a sender of ARP.
type arpPair struct {
	mac MAC
	ip  netip.Prefix
}

// portGuard makes the rules of a port guard.
func (b *build) portGuard(s *site, n *Node, set *RuleSet, v *yaml.Node, path string) {
	var ports []guarded
	for k, who := range entries(v) {
		at := pathKey(path, k.Value)
		if !b.guardPort(n, k, at) {
			continue
		}
		g := guarded{port: k.Value, vlans: n.tagged(k.Value), pairsSoFar: &b.guardPairs}
		list := items(who)
		if who.Kind != yaml.SequenceNode {
			list = []*yaml.Node{who}
		}
		for _, x := range list {
			b.behind(s, n, &g, x, at)
		}
		if g.tooMany {
			b.errorf(k, at, "the MACs and the addresses behind the guarded ports up to this one make more than %s, each of which a rule names; let fewer MACs speak for fewer addresses", Count(maxGuarded, "pair"))
			b.stop()
		}
		if g.tidy(); b.overlay != nil {
			b.built += 2 + 2*len(g.pairs) // which are written out again
		}
		ports = append(ports, g)
	}
	slices.SortFunc(ports, func(x, y guarded) int { return strings.Compare(x.port, y.port) }) // the order of the file means nothing
	if set.Level == "l3" {
		set.guardLines(len(n.Rules)+1, ports)
		return
	}
	set.guardText(ports)
}

// guardPort reports whether the key is a port of a bridge.
func (b *build) guardPort(n *Node, k *yaml.Node, path string) bool {
	i := n.Interface(k.Value)
	if i != nil && i.Master != "" {
		return true
	}
	var ports []string
	for _, i := range n.Interfaces {
		if i.Master != "" {
			ports = append(ports, i.Name)
		}
	}
	switch {
	case interfaceName().textOK(k.Value) != "":
	case i != nil:
		b.errorf(k, path, "%s is no port of a bridge, and only those can be guarded", k.Value)
	case len(ports) == 0 && !b.failed():
		b.errorf(k, path, "%s has no port of a bridge to guard", n.Name)
	case len(ports) > 0:
		b.errorf(k, path, "%s has no port %q%s", n.Name, k.Value, b.near(k.Value, func() []string { return ports }))
	}
	return false
}

// behind adds what one entry says of a port.
func (b *build) behind(s *site, n *Node, g *guarded, x *yaml.Node, path string) {
	if x.Kind == yaml.MappingNode {
		b.given(g, x, path)
		return
	}
	if x.Kind != yaml.ScalarNode {
		return
	}
	if e := b.names[x.Value]; e != nil {
		g.addName(e)
		return
	}
	name, ifname, _ := strings.Cut(x.Value, ":")
	where, why := b.lookup(s, name)
	if where == nil {
		b.errorf(x, path, "%s", why)
		return
	}
	far := b.node[where]
	switch {
	case far == nil:
		return
	case ifname != "" && far.Interface(ifname) == nil:
		b.errorf(x, path, "%s has no interface %q%s", far.Name, ifname, b.near(ifname, b.interfaceNames(where)))
		return
	case ifname == "":
		if p := n.Interface(g.port); p.Peer.Node == far.Name && far != n {
			ifname = p.Peer.Interface
		}
	}
	macs, addrs := far.speakers(ifname)
	if len(macs) == 0 {
		if !b.failed() {
			b.errorf(x, path, "%s has no MAC that the file knows; write {mac: …, ip: …}", x.Value)
		}
		return
	}
	var ips []netip.Prefix
	for _, a := range addrs {
		if a.Addr().Is4() {
			ips = append(ips, netip.PrefixFrom(a.Addr(), 32))
			g.cast = append(g.cast, lastOf(a))
		}
	}
	g.vlans = append(g.vlans, far.vlansOn(ifname)...)
	g.add(macs, ips)
}

// tagged are the VLANs that a port of a bridge with VLAN filtering takes with a tag.
func (n *Node) tagged(port string) []VLANRange {
	i := n.Interface(port)
	if m := n.Interface(i.Master); m == nil || m.Bridge == nil || !m.Bridge.VLANFiltering || i.Port.VLAN == nil {
		return nil
	}
	return slices.Clone(i.Port.VLAN.Tagged)
}

// vlansOn are the VLANs of the VLAN interfaces on one of the node's interfaces, on what is stacked on it, and on the bridge
// that it is a port of; with "", of all the node's.
func (n *Node) vlansOn(ifname string) (out []VLANRange) {
	in := n.reachedBy(ifname)
	for _, i := range n.Interfaces {
		if i.Type == VLAN && (ifname == "" || in[i.Name]) {
			out = append(out, VLANRange{i.VLANID, i.VLANID})
		}
	}
	return out
}

// lastOf is the last address of a prefix of IPv4, its directed broadcast if it is long enough to have one.
func lastOf(p netip.Prefix) netip.Addr {
	a := p.Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		a[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(a)
}

// speakers are the MACs and the addresses that a node uses on one of its interfaces, with what is stacked on it and the
// bridge that it is a port of; with "", on any interface that has an address, or on all if none has.
func (n *Node) speakers(ifname string) (macs []MAC, addrs []netip.Prefix) {
	in := n.reachedBy(ifname)
	addressed := slices.ContainsFunc(n.Interfaces, func(i *Interface) bool { return len(i.Addrs) > 0 })
	for _, i := range n.Interfaces {
		if !in[i.Name] && (ifname != "" || addressed && len(i.Addrs) == 0) {
			continue
		}
		addrs = append(addrs, i.Addrs...)
		if !i.MAC.IsZero() {
			macs = append(macs, i.MAC)
			continue
		}
		for _, p := range n.Interfaces { // the kernel takes the lowest
			if p.Master == i.Name && !p.MAC.IsZero() {
				macs = append(macs, p.MAC)
			}
		}
	}
	return macs, addrs
}

// reachedBy are an interface, what is stacked on it, and the bridge that it is a port of.
func (n *Node) reachedBy(ifname string) map[string]bool {
	in := map[string]bool{ifname: true}
	if i := n.Interface(ifname); i != nil && i.Master != "" {
		in[i.Master] = true
	}
	for _, i := range n.Interfaces { // a lower one stands before its upper
		if i.Lower.Node == n.Name && in[i.Lower.Interface] {
			in[i.Name] = true
		}
	}
	return in
}

// given adds {mac, ip}.
func (b *build) given(g *guarded, x *yaml.Node, path string) {
	list := func(key string) []*yaml.Node {
		n := field(x, key)
		if n != nil && n.Kind == yaml.ScalarNode {
			return []*yaml.Node{n}
		}
		return items(n)
	}
	var macs []MAC
	for _, n := range list("mac") {
		if m := b.mac(n, pathKey(path, "mac")); !m.IsZero() {
			macs = append(macs, m)
		}
	}
	var ips []netip.Prefix
	for _, n := range list("ip") {
		if p, err := netip.ParsePrefix(n.Value); err == nil {
			ips = append(ips, p.Masked())
		} else if a, err := netip.ParseAddr(n.Value); err == nil {
			ips = append(ips, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	g.anyMAC = g.anyMAC || field(x, "mac") == nil
	g.anyIP = g.anyIP || field(x, "ip") == nil
	g.add(macs, ips)
}

// addName adds an entry of "names".
func (g *guarded) addName(e *NamedEnd) {
	var macs []MAC
	var ips []netip.Prefix
	if e.MAC.IsZero() {
		g.anyMAC = true
	} else {
		macs = []MAC{e.MAC}
	}
	if e.IP.Is4() {
		ips = []netip.Prefix{netip.PrefixFrom(e.IP, 32)}
	} else {
		g.anyIP = true
	}
	g.add(macs, ips)
}

// add adds somebody who speaks from each of the MACs for each of the addresses.
func (g *guarded) add(macs []MAC, ips []netip.Prefix) {
	g.macs = append(g.macs, macs...)
	if *g.pairsSoFar += max(1, len(macs)) * max(1, len(ips)); *g.pairsSoFar > maxGuarded {
		g.tooMany = true
		return
	}
	for _, p := range ips {
		g.anyIP = g.anyIP || p.Bits() == 0
		g.ips = append(g.ips, p)
		for _, m := range macs {
			g.pairs = append(g.pairs, arpPair{m, p})
		}
	}
}

// tidy sorts, and leaves out what another entry covers: sets of nftables refuse intervals that overlap.
func (g *guarded) tidy() {
	g.vlans = joined(g.vlans)
	slices.SortFunc(g.macs, func(a, b MAC) int { return slices.Compare(a[:], b[:]) })
	g.macs = slices.Compact(g.macs)
	g.ips = uncovered(g.ips)
	of := map[MAC][]netip.Prefix{}
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
func joined(list []VLANRange) []VLANRange {
	slices.SortFunc(list, func(a, b VLANRange) int { return a.First - b.First })
	var out []VLANRange
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
func (g *guarded) reachable() []netip.Prefix {
	out := append(slices.Clone(g.ips), netip.MustParsePrefix("224.0.0.0/4"), netip.MustParsePrefix("255.255.255.255/32"))
	for _, a := range g.cast {
		out = append(out, netip.PrefixFrom(a, 32))
	}
	return uncovered(out)
}
