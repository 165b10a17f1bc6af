package state

import (
	"maps"
	"slices"
	"strings"

	"labctl/topology"
	"labctl/topology/rules"
)

// knob is a sysctl that decides, with the kernel's own default.
type knob struct{ name, kernel string }

// The sysctls that decide what becomes of a packet (Documentation/networking/ip-sysctl.rst). What is not here decides
// nothing that a table of a lab can ask, or is the whole machine's.
var (
	knobs4 = []knob{{"accept_local", "0"}, {"accept_redirects", "1"}, {"arp_accept", "0"}, {"arp_announce", "0"},
		{"arp_filter", "0"}, {"arp_ignore", "0"}, {"arp_notify", "0"}, {"bc_forwarding", "0"},
		{"drop_gratuitous_arp", "0"}, {"drop_unicast_in_l2_multicast", "0"}, {"forwarding", "0"},
		{"ignore_routes_with_linkdown", "0"}, {"log_martians", "0"}, {"medium_id", "0"}, {"proxy_arp", "0"},
		{"proxy_arp_pvlan", "0"}, {"route_localnet", "0"}, {"rp_filter", "0"}, {"secure_redirects", "1"},
		{"send_redirects", "1"}, {"shared_media", "1"}, {"src_valid_mark", "0"}}
	knobs6 = []knob{{"accept_dad", "1"}, {"accept_ra", "1"}, {"accept_redirects", "1"}, {"addr_gen_mode", "0"},
		{"disable_ipv6", "0"}, {"drop_unicast_in_l2_multicast", "0"}, {"drop_unsolicited_na", "0"},
		{"forwarding", "0"}, {"hop_limit", "64"}, {"ignore_routes_with_linkdown", "0"}, {"ndisc_notify", "0"},
		{"proxy_ndp", "0"}}
	knobsNeigh = []knob{{"mcast_solicit", "3"}, {"proxy_delay", "80"}, {"retrans_time_ms", "1000"},
		{"ucast_solicit", "3"}}
	knobsNode = []knob{{"net/ipv4/fib_multipath_hash_policy", "0"}, {"net/ipv4/icmp_echo_ignore_all", "0"},
		{"net/ipv4/icmp_echo_ignore_broadcasts", "1"}, {"net/ipv4/icmp_errors_use_inbound_ifaddr", "0"},
		{"net/ipv4/icmp_msgs_burst", "50"}, {"net/ipv4/icmp_msgs_per_sec", "1000"},
		{"net/ipv4/icmp_ratelimit", "1000"}, {"net/ipv4/icmp_ratemask", "6168"}, {"net/ipv4/ip_default_ttl", "64"},
		{topology.ForwardKey, "0"}, {"net/ipv4/ip_forward_use_pmtu", "0"}, {"net/ipv4/ip_no_pmtu_disc", "0"},
		{"net/ipv4/ip_nonlocal_bind", "0"}}
	knobsNode6 = []knob{{"net/ipv6/fib_multipath_hash_policy", "0"}, {"net/ipv6/icmp/echo_ignore_all", "0"},
		{"net/ipv6/icmp/ratelimit", "1000"}}
	knobsBridge = []knob{{"net/bridge/bridge-nf-call-arptables", "0"}, {rules.BridgeCall("ip6tables"), "0"},
		{rules.BridgeCall("iptables"), "0"}, {rules.BridgeTagged, "0"}}
)

// Sysctls are the sysctls of a node that decide, each with the default of the kernel itself, which a distribution may
// have changed. Interfaces are the node's but lo. The map is the caller's.
func Sysctls(ipv6 bool, interfaces []string) map[string]string {
	out := map[string]string{}
	add := func(dir string, list []knob) {
		for _, k := range list {
			out[dir+k.name] = k.kernel
		}
	}
	add("", knobsNode)
	add("", knobsBridge)
	if ipv6 {
		add("", knobsNode6)
	}
	for _, name := range append([]string{"all", "default"}, interfaces...) {
		add("net/ipv4/conf/"+name+"/", knobs4)
		if ipv6 {
			add("net/ipv6/conf/"+name+"/", knobs6)
		} else {
			add("net/ipv6/conf/"+name+"/", []knob{{"disable_ipv6", "0"}})
		}
	}
	delete(out, "net/ipv4/conf/all/forwarding") // it is ip_forward
	for _, name := range interfaces {
		add("net/ipv4/neigh/"+name+"/", knobsNeigh)
		if ipv6 {
			add("net/ipv6/neigh/"+name+"/", knobsNeigh)
		}
	}
	return out
}

// sysctlWriter follows what is written to the sysctls of a node.
type sysctlWriter struct{ values map[string]string }

// sysctlsOf are the values of a node after "up": what the lab sets, what an interface takes over from "default" when it
// is made (inetdev_init, net/ipv4/devinet.c; ipv6_add_dev, net/ipv6/addrconf.c), what one value does to others
// ([topology.Sysctl.Touches]), and else the kernel's own default.
func sysctlsOf(node *Node, n *topology.Node) map[string]string {
	var interfaces []string
	for _, i := range node.Interfaces {
		if i.Kind != Loopback {
			interfaces = append(interfaces, i.Name)
		}
	}
	w := &sysctlWriter{Sysctls(n.IPv6, interfaces)}
	for _, s := range n.Sysctls {
		if dev := linkOfKey(s.Key, interfaces); dev == "" {
			w.write(s)
		}
	}
	for key := range w.values {
		if f := strings.Split(key, "/"); linkOfKey(key, interfaces) != "" && f[2] == "conf" {
			w.values[key] = w.values["net/"+f[1]+"/conf/default/"+f[4]]
		}
	}
	for _, s := range n.Sysctls {
		if dev := linkOfKey(s.Key, interfaces); dev != "" {
			w.write(s)
		}
	}
	for _, key := range topology.BridgeCallKeys() {
		w.values[key] = n.BridgeCall(key).Value
	}
	for k := range node.Interfaces {
		i := &node.Interfaces[k]
		if i.Own && n.IPv6 {
			w.values["net/ipv6/conf/"+i.Name+"/addr_gen_mode"] = "1" // none: it would announce itself
		}
		maps.DeleteFunc(w.values, func(key, _ string) bool { // with less than IPv6 needs it has none of its values
			return i.MTU < minMTU6 && strings.HasPrefix(key, "net/ipv6/") && linkOfKey(key, []string{i.Name}) != ""
		})
	}
	return w.values
}

// linkOfKey is the interface that a key belongs to, of a list, or "".
func linkOfKey(key string, interfaces []string) string {
	if f := strings.Split(key, "/"); len(f) == 5 && slices.Contains(interfaces, f[3]) {
		return f[3]
	}
	return ""
}

func (w *sysctlWriter) write(s topology.Sysctl) {
	w.values[s.Key] = s.Value
	if s.Key == topology.ForwardKey {
		w.values["net/ipv4/conf/default/forwarding"] = s.Value
	}
	for key := range w.values {
		// accept_redirects, which ip_forward changes too, the lab writes itself
		if s.Touches(key) && !strings.HasSuffix(key, "/accept_redirects") {
			w.values[key] = s.Value
		}
	}
}
