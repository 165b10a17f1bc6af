package labfile

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
	"labctl/topology/rules"
)

// guardShape is "port_guard": who is behind which port.
func guardShape() *grammar.Shape {
	one := func() *grammar.Shape {
		return &grammar.Shape{Form: grammar.Text, Want: "a node, node:interface or a name",
			RE: regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*(:[A-Za-z][A-Za-z0-9_.-]*)?$`)}
	}
	ip := func() *grammar.Shape {
		return &grammar.Shape{Form: grammar.Text, Want: "an address or a prefix of IPv4", Test: guardIPText,
			RE: regexp.MustCompile(`^[0-9]{1,3}(\.[0-9]{1,3}){3}(/[0-9]+)?$`)}
	}
	pair := func() *grammar.Shape {
		return &grammar.Shape{Form: grammar.Object, Min: 1, Want: "{mac, ip}", Keys: []grammar.Key{
			{Name: "mac", Shape: &grammar.Shape{Form: grammar.Either, Want: "a MAC address, a name, or a list of them",
				Any: []*grammar.Shape{
					grammar.MACOrName(""), {Form: grammar.List, Want: "a list of MAC addresses",
						Of: grammar.MACOrName(""), Min: 1}}}},
			{Name: "ip", Shape: &grammar.Shape{Form: grammar.Either, Want: "an address, a prefix or a list of them",
				Any: []*grammar.Shape{
					ip(), {Form: grammar.List, Want: "a list of addresses", Of: ip(), Min: 1}}}}}}
	}
	either := func() *grammar.Shape {
		return &grammar.Shape{Form: grammar.Either, Want: "a node or {mac, ip}", Any: []*grammar.Shape{one(), pair()}}
	}
	return &grammar.Shape{Form: grammar.Dict, Want: "a map from ports to who is behind them",
		Name: grammar.InterfaceName(),
		Min:  1, Max: maxPorts, Doc: "ports tied to the addresses of the nodes behind them",
		Of: &grammar.Shape{Form: grammar.Either, Want: "a node, {mac, ip}, or a list of them",
			Any: []*grammar.Shape{one(), pair(),
				{Form: grammar.List, Want: "a list of nodes", Of: either(), Min: 1}}}}
}

// guardIPText says why s is not an address or a prefix of IPv4, or "".
func guardIPText(s string) string {
	if !strings.Contains(s, "/") {
		if a, err := netip.ParseAddr(s); err == nil && a.Is4() {
			return ""
		}
		return problem.Quoted(problem.Clip(s)) + " is not an IPv4 address; a port guard knows no other"
	}
	if p, err := netip.ParsePrefix(s); err != nil || !p.Addr().Is4() {
		return problem.Quoted(problem.Clip(s)) + " is not a prefix of IPv4 addresses; a port guard knows no other"
	}
	return ""
}

// guardReader makes the rules of port guards, of what the nodes behind the ports are called and have.
type guardReader struct {
	*ifaces
	nodes  map[*nodeDecl]*topology.Node
	memory *ruleMemory
	budget *budget
}

// read makes the rules of a port guard.
func (r *guardReader) read(s *nodeDecl, n *topology.Node, set *rules.Set, v grammar.Value) {
	var ports []rules.Guard
	for who := range v.Fields() {
		if !r.portOK(n, who) {
			continue
		}
		g := rules.Guard{Port: who.Name(), VLANs: tagged(n, who.Name()), PairsSoFar: &r.memory.pairs}
		if who.IsList() {
			for _, x := range who.Items() {
				r.guarded(s, n, &g, x.Under(who.Path()))
			}
		} else {
			r.guarded(s, n, &g, who)
		}
		if g.TooMany {
			who.Key().Errorf("the MACs and the addresses behind the guarded ports up to this one make more than %s, "+
				"each of "+
				"which a rule names; "+
				"let fewer MACs speak for fewer addresses", problem.Count(rules.MaxGuarded, "pair"))
			r.doc.Stop()
		}
		if g.Tidy(); r.doc.Laying() {
			r.budget.built += 2 + 2*g.Pairs() // which are written out again
		}
		ports = append(ports, g)
	}
	// the order of the file means nothing
	slices.SortFunc(ports, func(x, y rules.Guard) int { return strings.Compare(x.Port, y.Port) })
	if set.Level == "l3" {
		set.GuardLines(len(n.Rules)+1, ports)
		return
	}
	set.GuardText(ports)
}

// portOK reports whether a key is a port of a bridge.
func (r *guardReader) portOK(n *topology.Node, v grammar.Value) bool {
	name := v.Name()
	i := n.Interface(name)
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
	case grammar.InterfaceName().Refuses(name) != "":
	case i != nil:
		v.Key().Errorf("%s is not a port of a bridge, and only those can be guarded", name)
	case len(ports) == 0 && !r.doc.Failed():
		v.Key().Errorf("%s has no port of a bridge to guard", n.Name)
	case len(ports) > 0:
		v.Key().Errorf("%s has no port %q%s", n.Name, name, r.doc.Near(name, func() []string { return ports }))
	}
	return false
}

// guarded adds what one entry says of a port.
func (r *guardReader) guarded(s *nodeDecl, n *topology.Node, g *rules.Guard, v grammar.Value) {
	if v.IsMap() {
		r.pair(g, v)
		return
	}
	if !v.IsSingle() {
		return
	}
	if e := r.names.by[v.Word()]; e != nil {
		addName(g, e)
		return
	}
	name, ifname, _ := strings.Cut(v.Word(), ":")
	where, why := r.lookup(s, name)
	if where == nil {
		v.Errorf("%s", why)
		return
	}
	far := r.nodes[where]
	switch {
	case far == nil:
		return
	case ifname != "" && far.Interface(ifname) == nil:
		v.Errorf("%s has no interface %q%s", far.Name, ifname, r.doc.Near(ifname, r.namesOf(where)))
		return
	case ifname == "":
		if p := n.Interface(g.Port); p.Peer.Node == far.Name && far != n {
			ifname = p.Peer.Interface
		}
	}
	macs, addrs := speakers(far, ifname)
	if len(macs) == 0 {
		if !r.doc.Failed() {
			v.Errorf("%s has no MAC that the file knows; write {mac: …, ip: …}", v.Word())
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

// pair adds {mac, ip}.
func (r *guardReader) pair(g *rules.Guard, v grammar.Value) {
	var macs []switchcore.MAC
	for x := range v.Field("mac").OneOrMore() {
		if m := r.names.mac(x); !m.IsZero() {
			macs = append(macs, m)
		}
	}
	var ips []netip.Prefix
	for x := range v.Field("ip").OneOrMore() {
		if p, err := netip.ParsePrefix(x.Word()); err == nil {
			ips = append(ips, p.Masked())
		} else if a, err := netip.ParseAddr(x.Word()); err == nil {
			ips = append(ips, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	g.AnyMAC = g.AnyMAC || !v.Has("mac")
	g.AnyIP = g.AnyIP || !v.Has("ip")
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
