package topology

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v4"
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

// sysctlKey turns a full name into a path below /proc/sys.
func sysctlKey(name string) string {
	if strings.Contains(name, "/") {
		return name
	}
	return strings.ReplaceAll(name, ".", "/")
}

// sysctlText says why a name is no sysctl that a node can have, or "".
func sysctlText(s string) string {
	if slices.Contains(shortNames(), s) {
		return ""
	}
	if !strings.ContainsAny(s, "./") {
		return fmt.Sprintf("%q is no short name of a sysctl%s", clip(s), suggestWord(s, shortNames()))
	}
	key := sysctlKey(s)
	parts := strings.Split(key, "/")
	switch {
	case parts[0] != "net":
		return fmt.Sprintf("%q is the whole machine's; a node has only net.* of its own", clip(s))
	case !sysctlRE.MatchString(s) || slices.Contains(parts, "") || slices.Contains(parts, "..") || slices.Contains(parts, ".") || len(parts) < 3:
		return fmt.Sprintf("%q is no sysctl", clip(s))
	case globalSysctl(key, parts):
		return fmt.Sprintf("%q belongs to the whole machine, not to a namespace", clip(s))
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

// pins is the list of a node's values while it is made.
type pins struct {
	list  []Sysctl
	place map[string]int
}

func (p *pins) set(key, value string) {
	if i, ok := p.place[key]; ok {
		p.list[i].Value = value
		return
	}
	p.place[key] = len(p.list)
	p.list = append(p.list, Sysctl{key, value})
}

// asked is a value that the lab gives.
type asked struct {
	name, value string
	key, val    *yaml.Node
	path        string
	node        bool // at the node, not at the top
}

// askedOf are the lab's values for a node, those of the top first, so that the node's own win. Full names stand in the order in
// which they must be written, which is not that of the file: a value of "all" or "default" may set those of the interfaces too
// (net/ipv4/devinet.c, devinet_conf_proc; net/ipv6/addrconf.c, addrconf_fixup_forwarding).
func (b *build) askedOf(s *site) (short, full []asked) {
	for _, from := range []struct {
		n    *yaml.Node
		path string
		node bool
	}{{field(b.root, "sysctls"), "sysctls", false}, {b.key(s, "sysctls"), pathKey(b.path(s), "sysctls"), true}} {
		first := map[string]asked{}
		for k, v := range entries(from.n) {
			if v.Kind != yaml.ScalarNode || sysctlText(k.Value) != "" {
				continue
			}
			a := asked{k.Value, v.Value, k, v, pathKey(from.path, k.Value), from.node}
			if !strings.ContainsAny(k.Value, "./") {
				b.knobOK(a)
				short = append(short, a)
				continue
			}
			key := sysctlKey(k.Value)
			if was, twice := first[key]; twice {
				b.errorf(k, a.path, "this is %s of line %d again; give it once", was.name, was.key.Line)
				continue
			}
			first[key] = a
			full = append(full, a)
		}
	}
	slices.SortStableFunc(full, func(x, y asked) int { return compareSysctls(sysctlKey(x.name), sysctlKey(y.name)) })
	return short, full
}

// compareSysctls puts the values of "all" first, then those of "default", then the others.
func compareSysctls(a, b string) int {
	rank := func(key string) int {
		switch f := strings.Split(key, "/"); {
		case len(f) == 5 && f[3] == "all":
			return 0
		case len(f) == 5 && f[3] == "default":
			return 1
		}
		return 2
	}
	return cmp.Or(rank(a)-rank(b), strings.Compare(a, b))
}

// knobOK checks the value of a short name.
func (b *build) knobOK(a asked) {
	most := 1
	for _, k := range knobs() {
		if k.name == a.name {
			most = k.max
		}
	}
	if v := intOf(a.val, -1); v < 0 || v > most {
		b.errorf(a.val, a.path, "%q does not fit; want a number from 0 to %d", clip(a.value), most)
	}
}

// sysctls pins every value that decides outcomes: distributions differ, and one of them turns half a matrix around.
func (b *build) sysctls(s *site, n *Node) {
	short, full := b.askedOf(s)
	p := &pins{list: make([]Sysctl, 0, 48+4*len(n.Interfaces)), place: make(map[string]int, 48+4*len(n.Interfaces))}
	forward := "0"
	if s.kind == Router {
		forward = "1"
	}
	values := map[string]string{}
	for _, a := range short {
		if a.name == "ip_forward" {
			forward = a.value
			continue
		}
		values[a.name] = a.value
	}
	for _, a := range full {
		if sysctlKey(a.name) == "net/ipv4/ip_forward" {
			forward = a.value
		}
	}
	p.set("net/ipv4/ip_forward", forward)
	for _, k := range knobs() {
		all, def := k.kernel, k.kernel
		// inet_forward_change() of net/ipv4/devinet.c: turning forwarding on turns this off, for "all" only.
		if k.name == "accept_redirects" && forward != "0" {
			all = "0"
		}
		if v, ok := values[k.name]; ok {
			all, def = v, v
		}
		p.set(k.all, all)
		p.set(k.def, def)
	}
	b.pinLimits(n, p)
	b.pinTimers(n, p)
	for _, m := range n.Interfaces {
		for _, k := range knobs() {
			if v, ok := values[k.name]; ok {
				p.set("net/ipv4/conf/"+m.Name+"/"+k.name, v)
			}
		}
	}
	for _, a := range full {
		b.fullSysctl(s, n, p, a)
	}
	n.Sysctls = p.list
}

// pinLimits switches off what would make verdicts depend on luck, and on or off what IPv6 needs.
func (b *build) pinLimits(n *Node, p *pins) {
	p.set("net/ipv4/icmp_ratelimit", "0")
	p.set("net/ipv4/icmp_ratemask", "0")
	p.set("net/ipv4/icmp_msgs_per_sec", "100000")
	p.set("net/ipv4/icmp_msgs_burst", "100000")
	p.set("net/ipv4/icmp_echo_ignore_all", "0")
	p.set("net/ipv4/icmp_echo_ignore_broadcasts", "1")
	p.set("net/bridge/bridge-nf-call-iptables", "0")
	p.set("net/bridge/bridge-nf-call-ip6tables", "0")
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
	if n.Kind == Router {
		p.set("net/ipv6/conf/all/forwarding", "1")
	}
	p.set("net/ipv6/icmp/ratelimit", "0")
}

// pinTimers makes a failed neighbour take 0.8 s and not 3. They exist only per interface: neigh/default is the machine's.
func (b *build) pinTimers(n *Node, p *pins) {
	if field(b.root, "timers") != nil || n.Kind == VSwitch {
		return
	}
	for _, i := range n.Interfaces {
		p.set("net/ipv4/neigh/"+i.Name+"/retrans_time_ms", "250")
		if n.IPv6 {
			p.set("net/ipv6/neigh/"+i.Name+"/retrans_time_ms", "250")
		}
	}
}

// fullSysctl sets exactly one value. One for an interface that the node has not is a mistake at the node, and at the top
// means the nodes that have it.
func (b *build) fullSysctl(s *site, n *Node, p *pins, a asked) {
	key := sysctlKey(a.name)
	parts := strings.Split(key, "/")
	if len(parts) > 4 && (parts[2] == "conf" || parts[2] == "neigh") {
		name := parts[3]
		if name != "all" && name != "default" && name != "lo" && b.made[End{s.full, name}] == nil {
			if a.node && !b.hasBadIP(s) {
				b.errorf(a.key, a.path, "%s has no interface %q%s", s.full, name, suggestWord(name, b.interfaceNames(s)))
			}
			return
		}
	}
	p.set(key, a.value)
}
