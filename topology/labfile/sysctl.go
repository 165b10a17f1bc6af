package labfile

import (
	"slices"
	"strings"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
	"labctl/topology/rules"
)

// maxGiven is how many sysctls all nodes may be given, in all labs.
const maxGiven = 1 << 18

// sysctlMemory is what the labs of one file share of sysctls.
type sysctlMemory struct {
	pinned map[*nodeDecl]*pinned
	given  int // of maxGiven
}

// sysctls pins every value that decides outcomes: distributions differ, and one of them turns half a matrix around.
// What the lab gives comes last, and stays.
type sysctls struct {
	*ifaces
	*sysctlMemory
	root    grammar.Value
	ofAll   []sysctlGiven          // of the top; see givenTo
	givenAt map[string]problem.Pos // see File.GivenAt
}

// pinned are a node's values in the lab that was made last, and all that they depend on. Labs of steps share them: they
// are most of what a node takes.
type pinned struct {
	own   grammar.Identity
	ipv6  bool
	hops  bool     // it has a route with several next hops
	names []string // of its interfaces
	list  []topology.Sysctl
}

// pins is the list of a node's values while it is made.
type pins struct {
	list  []topology.Sysctl
	index map[string]int
}

// set is labctl's own value, give one that the lab gives.
func (p *pins) set(key, value string)  { p.put(topology.Sysctl{Key: key, Value: value}) }
func (p *pins) give(key, value string) { p.put(topology.Sysctl{Key: key, Value: value, Given: true}) }

func (p *pins) put(s topology.Sysctl) {
	if i, ok := p.index[s.Key]; ok {
		p.list[i] = s
		return
	}
	p.index[s.Key] = len(p.list)
	p.list = append(p.list, s)
}

// ordered lets what touches others be before them.
func (p *pins) ordered() []topology.Sysctl {
	for i, s := range p.list {
		if !strings.HasPrefix(s.Key, "net/ipv6/conf/all/") ||
			!slices.Contains(topology.Touching, s.Key[len("net/ipv6/conf/all/"):]) {
			continue // ip_forward is the first of all
		}
		touched := func(o topology.Sysctl) bool {
			return strings.HasPrefix(o.Key, "net/ipv6/conf/") &&
				s.Touches(o.Key)
		}
		if at := slices.IndexFunc(p.list[:i], touched); at >= 0 {
			p.list = slices.Insert(slices.Delete(p.list, i, i+1), at, s)
		}
	}
	return p.list
}

// pin makes a node's values.
func (y *sysctls) pin(s *nodeDecl, n *topology.Node) {
	names := make([]string, 0, len(n.Interfaces))
	for _, i := range n.Interfaces {
		names = append(names, i.Name)
	}
	own := y.bodyOf(s).Field("sysctls")
	was := y.pinned[s]
	hops := slices.ContainsFunc(n.Routes, func(r topology.Route) bool { return len(r.NextHops) > 0 })
	if was != nil && was.own == own.Identity() && was.ipv6 == n.IPv6 && was.hops == hops &&
		slices.Equal(was.names, names) {
		n.Sysctls = was.list
		return
	}
	list := y.givenTo(own)
	if !slices.ContainsFunc(list, func(a sysctlGiven) bool { return a.full }) {
		defer func() { y.pinned[s] = &pinned{own.Identity(), n.IPv6, hops, names, slices.Clip(n.Sysctls)} }()
	}
	size := 48 + 4*len(n.Interfaces)
	p := &pins{list: make([]topology.Sysctl, 0, size), index: make(map[string]int, size)}
	p.forwarding(s.is(topology.Router), list)
	p.limits(n)
	if hops {
		p.multipath(n)
	}
	if !y.root.Has("timers") && s.body != switchBody {
		p.timers(n)
	}
	for i, a := range list {
		switch {
		case a.full:
			y.full(s, p, a)
		case i == 0 || list[i-1].full:
			p.short(n, list[i:])
		}
	}
	n.Sysctls = p.ordered()
}

// short sets the values of the short names that the list begins with.
func (p *pins) short(n *topology.Node, list []sysctlGiven) {
	if k := slices.IndexFunc(list, func(a sysctlGiven) bool { return a.full }); k >= 0 {
		list = list[:k]
	}
	list = slices.DeleteFunc(slices.Clone(list), func(a sysctlGiven) bool { return a.name() == "ip_forward" })
	names := []string{"all", "default"}
	for _, m := range n.Interfaces {
		names = append(names, m.Name)
	}
	for _, name := range names {
		for _, a := range list {
			p.give("net/ipv4/conf/"+name+"/"+a.name(), a.value.Word())
		}
	}
}

// forwarding pins ip_forward, as the kind or the lab has it, and the values that have short names.
func (p *pins) forwarding(router bool, list []sysctlGiven) {
	forward := "0"
	if router {
		forward = "1"
	}
	p.set(topology.ForwardKey, forward)
	for _, a := range list {
		if a.name() == "ip_forward" || a.full && sysctlKey(a.name()) == topology.ForwardKey {
			p.give(topology.ForwardKey, a.value.Word())
		}
	}
	for _, k := range knobs() {
		p.set(k.all, k.kernel)
		p.set(k.def, k.kernel)
		// inet_forward_change() of net/ipv4/devinet.c: turning forwarding on turns this off, for "all" only.
		if k.name == "accept_redirects" && p.list[0].Value != "0" {
			p.set(k.all, "0")
		}
	}
}

// limits switches off what would make verdicts depend on luck, and on or off what IPv6 needs.
func (p *pins) limits(n *topology.Node) {
	p.set("net/ipv4/icmp_ratelimit", "0")
	p.set("net/ipv4/icmp_ratemask", "0")
	p.set("net/ipv4/icmp_msgs_per_sec", "100000")
	p.set("net/ipv4/icmp_msgs_burst", "100000")
	p.set("net/ipv4/icmp_echo_ignore_all", "0")
	p.set("net/ipv4/icmp_echo_ignore_broadcasts", "1")
	p.set(rules.BridgeCall("iptables"), "0") // loaded rules switch them on, see bridgeCalls
	p.set(rules.BridgeCall("ip6tables"), "0")
	p.set("net/bridge/bridge-nf-call-arptables", "0")
	off := "1"
	if n.IPv6 {
		off = "0"
	}
	p.set("net/ipv6/conf/all/disable_ipv6", off)
	p.set("net/ipv6/conf/default/disable_ipv6", off)
	if !n.IPv6 {
		return
	}
	for _, k := range []string{"accept_dad", "accept_ra"} {
		p.set("net/ipv6/conf/all/"+k, "0")
		p.set("net/ipv6/conf/default/"+k, "0")
	}
	p.set("net/ipv6/conf/all/forwarding", map[bool]string{true: "1", false: "0"}[n.Kind == topology.Router])
	p.set("net/ipv6/icmp/ratelimit", "0")
}

// multipath lets a packet take the same of several next hops in every run: by its two addresses alone, and by a seed
// that is not drawn by chance.
func (p *pins) multipath(n *topology.Node) {
	for _, key := range topology.MultipathKeys() {
		value := "0"
		if strings.HasSuffix(key, "_seed") {
			value = "1"
		}
		if n.IPv6 || strings.HasPrefix(key, "net/ipv4/") {
			p.set(key, value)
		}
	}
}

// timers makes a failed neighbour take 0.8 s and not 3. A proxy waits before it answers for another, by chance up to
// proxy_delay, in hundredths of a second: at the kernel's 80 it would now and then answer after the asker has given up,
// so it is a quarter too. They exist only per interface: neigh/default is the machine's.
func (p *pins) timers(n *topology.Node) {
	for _, i := range n.Interfaces {
		for _, family := range []string{"ipv4", "ipv6"} {
			if family == "ipv4" || n.IPv6 {
				p.set("net/"+family+"/neigh/"+i.Name+"/retrans_time_ms", "250")
				p.set("net/"+family+"/neigh/"+i.Name+"/proxy_delay", "20")
			}
		}
	}
}

// full sets exactly one value. One for an interface that the node has not is a mistake at the node, and at the top
// means the nodes that have it.
func (y *sysctls) full(s *nodeDecl, p *pins, a sysctlGiven) {
	key := sysctlKey(a.name())
	parts := strings.Split(key, "/")
	if a.near != "" {
		a.value.Key().Warnf("%q may be misspelt: labctl does not know a sysctl of this name, and \"up\" fails where "+
			"the "+
			"kernel does not either; did you mean %q?",
			problem.Clip(a.name()), a.near)
	}
	if y.given++; y.given > maxGiven {
		a.value.Key().Errorf("the nodes up to this one, and those of the labs that steps and cases make, are given "+
			"more "+
			"than %d sysctls in all; "+
			"give fewer to all nodes, or let fewer steps change the lab", maxGiven)
		y.doc.Stop()
	}
	if len(parts) > 4 && (parts[2] == "conf" || parts[2] == "neigh") {
		name := parts[3]
		if name != "all" && name != "default" && name != "lo" && y.at(s, name) == nil {
			if a.node && !y.mayHaveMore(s) {
				a.value.Key().Errorf("%s has no interface %q%s", s.full, name, y.doc.Near(name, y.namesOf(s)))
			}
			return
		}
	}
	p.give(key, a.value.Word())
	if y.givenAt == nil {
		y.givenAt = map[string]problem.Pos{}
	}
	y.givenAt[s.full+" "+key] = a.value.Key().Pos()
}
