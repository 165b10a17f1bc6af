package labfile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
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
	// the same variable (net/ipv4/devinet.c, devinet_sysctl_register and ctl_forward_entry)
	if name == "net/ipv4/conf/all/forwarding" {
		return topology.ForwardKey
	}
	return name
}

// sysctlText says why a name is not a sysctl that a node can have, or "".
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
	case !sysctlRE.MatchString(s) || slices.Contains(parts, "") || slices.Contains(parts, "..") ||
		slices.Contains(parts, ".") || len(parts) < 3:
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
		if parts[2] == "route" && !slices.Contains([]string{"flush", "min_pmtu", "mtu_expires", "min_adv_mss"},
			parts[len(parts)-1]) {
			return true
		}
		return slices.Contains([]string{"tcp_mem", "udp_mem", "tcp_max_orphans", "inet_peer_threshold",
			"inet_peer_minttl",
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

// sysctlsShape is "sysctls", at the top or of a node.
func sysctlsShape(set bool) *grammar.Shape {
	value := &grammar.Shape{Form: grammar.Either, Want: "a number or text", Any: []*grammar.Shape{
		grammar.NumberOf("a number", 0, 999999999), grammar.AnyText("a text")}}
	return &grammar.Shape{Form: grammar.Dict, Want: "a map from names to values", Of: value,
		Doc: "a short name (rp_filter) or a full one (net.ipv4.ip_default_ttl)", Removed: "sysctl", Removes: set,
		Name: &grammar.Shape{Form: grammar.Text, Want: "a sysctl", Test: sysctlText,
			RE: regexp.MustCompile(`^(` + strings.Join(shortNames(), "|") + `|net[./][A-Za-z0-9_./-]+)$`)}}
}
