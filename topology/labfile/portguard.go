package labfile

import (
	"net/netip"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/problem"
	"labctl/topology/rules"
)

// portGuard makes the rules of a port guard.
func (b *build) portGuard(s *site, n *topology.Node, set *rules.Set, v *yaml.Node, path string) {
	var ports []rules.Guard
	for k, who := range entries(v) {
		at := problem.PathKey(path, k.Value)
		if !b.guardPort(n, k, at) {
			continue
		}
		g := rules.Guard{Port: k.Value, VLANs: tagged(n, k.Value), PairsSoFar: &b.guardPairs}
		list := items(who)
		if who.Kind != yaml.SequenceNode {
			list = []*yaml.Node{who}
		}
		for _, x := range list {
			b.behind(s, n, &g, x, at)
		}
		if g.TooMany {
			b.errorf(k, at, "the MACs and the addresses behind the guarded ports up to this one make more than %s, each of which a rule names; let fewer MACs speak for fewer addresses", problem.Count(rules.MaxGuarded, "pair"))
			b.stop()
		}
		if g.Tidy(); b.overlay != nil {
			b.built += 2 + 2*g.Pairs() // which are written out again
		}
		ports = append(ports, g)
	}
	slices.SortFunc(ports, func(x, y rules.Guard) int { return strings.Compare(x.Port, y.Port) }) // the order of the file means nothing
	if set.Level == "l3" {
		set.GuardLines(len(n.Rules)+1, ports)
		return
	}
	set.GuardText(ports)
}

// guardPort reports whether the key is a port of a bridge.
func (b *build) guardPort(n *topology.Node, k *yaml.Node, path string) bool {
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
		b.errorf(k, path, "%s is not a port of a bridge, and only those can be guarded", k.Value)
	case len(ports) == 0 && !b.failed():
		b.errorf(k, path, "%s has no port of a bridge to guard", n.Name)
	case len(ports) > 0:
		b.errorf(k, path, "%s has no port %q%s", n.Name, k.Value, b.Near(k.Value, func() []string { return ports }))
	}
	return false
}

// behind adds what one entry says of a port.
func (b *build) behind(s *site, n *topology.Node, g *rules.Guard, x *yaml.Node, path string) {
	if x.Kind == yaml.MappingNode {
		b.given(g, x, path)
		return
	}
	if x.Kind != yaml.ScalarNode {
		return
	}
	if e := b.names[x.Value]; e != nil {
		addName(g, e)
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
		b.errorf(x, path, "%s has no interface %q%s", far.Name, ifname, b.Near(ifname, b.interfaceNames(where)))
		return
	case ifname == "":
		if p := n.Interface(g.Port); p.Peer.Node == far.Name && far != n {
			ifname = p.Peer.Interface
		}
	}
	macs, addrs := speakers(far, ifname)
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
			g.Cast = append(g.Cast, lastOf(a))
		}
	}
	g.VLANs = append(g.VLANs, vlansOn(far, ifname)...)
	g.Add(macs, ips)
}

// tagged are the VLANs that a port of a bridge with VLAN filtering takes with a tag.
func tagged(n *topology.Node, port string) []switchcore.VLANRange {
	i := n.Interface(port)
	if m := n.Interface(i.Master); m == nil || m.Bridge == nil || !m.Bridge.VLANFiltering || i.Port.VLAN == nil {
		return nil
	}
	return slices.Clone(i.Port.VLAN.Tagged)
}

// vlansOn are the VLANs of the VLAN interfaces on one of the node's interfaces, on what is stacked on it, and on the bridge
// that it is a port of; with "", of all the node's.
func vlansOn(n *topology.Node, ifname string) (out []switchcore.VLANRange) {
	in := reachedBy(n, ifname)
	for _, i := range n.Interfaces {
		if i.Type == topology.VLAN && (ifname == "" || in[i.Name]) {
			out = append(out, switchcore.VLANRange{First: i.VLANID, Last: i.VLANID})
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
func speakers(n *topology.Node, ifname string) (macs []switchcore.MAC, addrs []netip.Prefix) {
	in := reachedBy(n, ifname)
	addressed := slices.ContainsFunc(n.Interfaces, func(i *topology.Interface) bool { return len(i.Addrs) > 0 })
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
func reachedBy(n *topology.Node, ifname string) map[string]bool {
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
func (b *build) given(g *rules.Guard, x *yaml.Node, path string) {
	list := func(key string) []*yaml.Node {
		n := field(x, key)
		if n != nil && n.Kind == yaml.ScalarNode {
			return []*yaml.Node{n}
		}
		return items(n)
	}
	var macs []switchcore.MAC
	for _, n := range list("mac") {
		if m := b.mac(n, problem.PathKey(path, "mac")); !m.IsZero() {
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
	g.AnyMAC = g.AnyMAC || field(x, "mac") == nil
	g.AnyIP = g.AnyIP || field(x, "ip") == nil
	g.Add(macs, ips)
}

// addName adds an entry of "names".
func addName(g *rules.Guard, e *topology.NamedEnd) {
	var macs []switchcore.MAC
	var ips []netip.Prefix
	if e.MAC.IsZero() {
		g.AnyMAC = true
	} else {
		macs = []switchcore.MAC{e.MAC}
	}
	if e.IP.Is4() {
		ips = []netip.Prefix{netip.PrefixFrom(e.IP, 32)}
	} else {
		g.AnyIP = true
	}
	g.Add(macs, ips)
}
