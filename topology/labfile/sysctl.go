package labfile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v4"

	"labctl/topology"
	"labctl/topology/problem"
	"labctl/topology/rules"
)

// knob is a sysctl that has a short name: one value for all, default and every interface.
type knob struct {
	name   string
	kernel string // the kernel's own default, not the distribution's
	max    int
	all    string // keys
	def    string
}

// knobs are those of net/ipv4/conf, in the order in which they are written; never changed.
var knobs = sync.OnceValue(func() []knob {
	list := []knob{{name: "rp_filter", kernel: "0", max: 2}, {name: "accept_redirects", kernel: "1", max: 1},
		{name: "send_redirects", kernel: "1", max: 1}, {name: "secure_redirects", kernel: "1", max: 1},
		{name: "shared_media", kernel: "1", max: 1}, {name: "arp_ignore", kernel: "0", max: 8},
		{name: "arp_announce", kernel: "0", max: 2}, {name: "arp_filter", kernel: "0", max: 1},
		{name: "arp_accept", kernel: "0", max: 2}, {name: "proxy_arp", kernel: "0", max: 1},
		{name: "accept_local", kernel: "0", max: 1}, {name: "log_martians", kernel: "0", max: 1}}
	for i, k := range list {
		list[i].all, list[i].def = "net/ipv4/conf/all/"+k.name, "net/ipv4/conf/default/"+k.name
	}
	return list
})

var shortNames = sync.OnceValue(func() []string {
	out := []string{"ip_forward"}
	for _, k := range knobs() {
		out = append(out, k.name)
	}
	return out
})

var sysctlRE = regexp.MustCompile(`^net[./][A-Za-z0-9_./-]+$`)

// sysctlKey turns a full name into a path below /proc/sys. Two names of one value have one path.
func sysctlKey(name string) string {
	if !strings.Contains(name, "/") {
		name = strings.ReplaceAll(name, ".", "/")
	}
	if name == "net/ipv4/conf/all/forwarding" { // the same variable (net/ipv4/devinet.c, devinet_sysctl_register and ctl_forward_entry)
		return topology.ForwardKey
	}
	return name
}

// sysctlText says why a name is no sysctl that a node can have, or "".
func sysctlText(s string) string {
	if slices.Contains(shortNames(), s) {
		return ""
	}
	if !strings.ContainsAny(s, "./") {
		return fmt.Sprintf("%q is not a short name of a sysctl%s", problem.Clip(s), problem.Suggest(s, shortNames()))
	}
	key := sysctlKey(s)
	parts := strings.Split(key, "/")
	switch {
	case parts[0] != "net":
		return fmt.Sprintf("%q is the whole machine's; a node has only net.* of its own", problem.Clip(s))
	case !sysctlRE.MatchString(s) || slices.Contains(parts, "") || slices.Contains(parts, "..") || slices.Contains(parts, ".") || len(parts) < 3:
		return fmt.Sprintf("%q is not a sysctl", problem.Clip(s))
	case globalSysctl(key, parts):
		return fmt.Sprintf("%q belongs to the whole machine, not to a namespace", problem.Clip(s))
	}
	return ""
}

// globalSysctl reports whether a net.* value does not exist in a namespace of its own, or is read-only there
// (Documentation/networking/ip-sysctl.rst and net/core/sysctl_net_core.c of the kernel).
func globalSysctl(key string, parts []string) bool {
	switch parts[1] {
	case "ipv4":
		if parts[2] == "neigh" && len(parts) > 3 && parts[3] == "default" {
			return true
		}
		if parts[2] == "route" && !slices.Contains([]string{"flush", "min_pmtu", "mtu_expires", "min_adv_mss"}, parts[len(parts)-1]) {
			return true
		}
		return slices.Contains([]string{"tcp_mem", "udp_mem", "tcp_max_orphans", "inet_peer_threshold", "inet_peer_minttl",
			"inet_peer_maxttl", "tcp_available_congestion_control", "cipso_cache_enable"}, parts[2])
	case "ipv6":
		return parts[2] == "neigh" && len(parts) > 3 && parts[3] == "default"
	case "core":
		return key != "net/core/somaxconn"
	case "bridge", "unix", "netfilter", "mpls", "vrf":
		return key == "net/netfilter/nf_conntrack_max"
	}
	return true
}

// pinned are a node's values in the lab that was made last, and all that they depend on. Labs of steps share them: they are most of
// what a node takes.
type pinned struct {
	own   *yaml.Node
	ipv6  bool
	names []string // of its interfaces
	list  []topology.Sysctl
}

// pins is the list of a node's values while it is made.
type pins struct {
	list  []topology.Sysctl
	place map[string]int
}

// set is labctl's own value, give one that the lab gives.
func (p *pins) set(key, value string)  { p.put(topology.Sysctl{Key: key, Value: value}) }
func (p *pins) give(key, value string) { p.put(topology.Sysctl{Key: key, Value: value, Given: true}) }

func (p *pins) put(s topology.Sysctl) {
	if i, ok := p.place[s.Key]; ok {
		p.list[i] = s
		return
	}
	p.place[s.Key] = len(p.list)
	p.list = append(p.list, s)
}

// ordered lets what touches others stand before them.
func (p *pins) ordered() []topology.Sysctl {
	for i, s := range p.list {
		if !strings.HasPrefix(s.Key, "net/ipv6/conf/all/") || !slices.Contains(topology.Touching, s.Key[len("net/ipv6/conf/all/"):]) {
			continue // ip_forward is the first of all
		}
		if at := slices.IndexFunc(p.list[:i], func(o topology.Sysctl) bool { return strings.HasPrefix(o.Key, "net/ipv6/conf/") && s.Touches(o.Key) }); at >= 0 {
			p.list = slices.Insert(slices.Delete(p.list, i, i+1), at, s)
		}
	}
	return p.list
}

// sysctls pins every value that decides outcomes: distributions differ, and one of them turns half a matrix around. What the lab
// gives comes last, and stays.
func (b *build) sysctls(s *site, n *topology.Node) {
	names := make([]string, 0, len(n.Interfaces))
	for _, i := range n.Interfaces {
		names = append(names, i.Name)
	}
	own := b.key(s, "sysctls")
	if was := b.pinned[s]; was != nil && was.own == own && was.ipv6 == n.IPv6 && slices.Equal(was.names, names) {
		n.Sysctls = was.list
		return
	}
	list := b.askedOf(s)
	if !slices.ContainsFunc(list, func(a asked) bool { return a.full }) {
		defer func() { b.pinned[s] = &pinned{own, n.IPv6, names, slices.Clip(n.Sysctls)} }()
	}
	p := &pins{list: make([]topology.Sysctl, 0, 48+4*len(n.Interfaces)), place: make(map[string]int, 48+4*len(n.Interfaces))}
	b.pinForwarding(s, list, p)
	b.pinLimits(n, p)
	b.pinTimers(n, p)
	for i, a := range list {
		switch {
		case a.full:
			b.fullSysctl(s, n, p, a)
		case i == 0 || list[i-1].full:
			giveShort(n, p, list[i:])
		}
	}
	n.Sysctls = p.ordered()
}

// giveShort sets the values of the short names that the list begins with.
func giveShort(n *topology.Node, p *pins, list []asked) {
	if k := slices.IndexFunc(list, func(a asked) bool { return a.full }); k >= 0 {
		list = list[:k]
	}
	list = slices.DeleteFunc(slices.Clone(list), func(a asked) bool { return a.name == "ip_forward" })
	names := []string{"all", "default"}
	for _, m := range n.Interfaces {
		names = append(names, m.Name)
	}
	for _, name := range names {
		for _, a := range list {
			p.give("net/ipv4/conf/"+name+"/"+a.name, a.value)
		}
	}
}

// pinForwarding pins ip_forward, as the kind or the lab has it, and the values that have short names.
func (b *build) pinForwarding(s *site, list []asked, p *pins) {
	forward := "0"
	if s.kind == topology.Router {
		forward = "1"
	}
	p.set(topology.ForwardKey, forward)
	for _, a := range list {
		if a.name == "ip_forward" || a.full && sysctlKey(a.name) == topology.ForwardKey {
			p.give(topology.ForwardKey, a.value)
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

// pinLimits switches off what would make verdicts depend on luck, and on or off what IPv6 needs.
func (b *build) pinLimits(n *topology.Node, p *pins) {
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

// pinTimers makes a failed neighbour take 0.8 s and not 3. A proxy waits before it answers for another, by chance up to proxy_delay, in
// hundredths of a second: at the kernel's 80 it would now and then answer after the asker has given up, so it is a quarter too. They
// exist only per interface: neigh/default is the machine's.
func (b *build) pinTimers(n *topology.Node, p *pins) {
	if field(b.root, "timers") != nil || n.Kind == topology.VSwitch {
		return
	}
	for _, i := range n.Interfaces {
		for _, family := range []string{"ipv4", "ipv6"} {
			if family == "ipv4" || n.IPv6 {
				p.set("net/"+family+"/neigh/"+i.Name+"/retrans_time_ms", "250")
				p.set("net/"+family+"/neigh/"+i.Name+"/proxy_delay", "20")
			}
		}
	}
}

// fullSysctl sets exactly one value. One for an interface that the node has not is a mistake at the node, and at the top
// means the nodes that have it.
func (b *build) fullSysctl(s *site, n *topology.Node, p *pins, a asked) {
	key := sysctlKey(a.name)
	parts := strings.Split(key, "/")
	if a.near != "" {
		b.warnf(a.key, a.path, "%q may be misspelt: labctl does not know a sysctl of this name, and \"up\" fails where the kernel does not either; did you mean %q?", problem.Clip(a.name), a.near)
	}
	if b.sysctlsGiven++; b.sysctlsGiven > maxGiven {
		b.errorf(a.key, a.path, "the nodes up to this one, and those of the labs that steps and cases make, are given more than %d sysctls in all; give fewer to all nodes, or let fewer steps change the lab", maxGiven)
		b.stop()
	}
	if len(parts) > 4 && (parts[2] == "conf" || parts[2] == "neigh") {
		name := parts[3]
		if name != "all" && name != "default" && name != "lo" && b.made[topology.End{Node: s.full, Interface: name}] == nil {
			if a.node && !b.hasBadIP(s) {
				b.errorf(a.key, a.path, "%s has no interface %q%s", s.full, name, b.Near(name, b.interfaceNames(s)))
			}
			return
		}
	}
	p.give(key, a.value)
	if b.givenAt == nil {
		b.givenAt = map[string]problem.Pos{}
	}
	b.givenAt[s.full+" "+key] = b.at(a.key)
}
