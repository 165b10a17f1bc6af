package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"labctl/topology"
	"labctl/topology/labfile"
)

const callIPv4, callIPv6 = "net/bridge/bridge-nf-call-iptables", "net/bridge/bridge-nf-call-ip6tables"

// called are the values of br_netfilter that a plan writes at the bridge, in its order, without those that are 0 from
// the beginning.
func called(plan *Plan) []string {
	var out []string
	write := func(s topology.Sysctl) {
		if strings.HasPrefix(s.Key, "net/bridge/") {
			out = append(out, strings.TrimPrefix(s.Key, "net/bridge/bridge-nf-")+"="+s.Value)
		}
	}
	for _, op := range plan.Ops {
		switch o := op.(type) {
		case SetSysctl:
			if o.Node == "s1" && o.Given {
				write(o.Sysctl)
			} else if o.Node == "s1" && o.Value != "0" {
				write(o.Sysctl)
			}
		case SetRules:
			for _, s := range o.Sysctls {
				write(s)
			}
		}
	}
	return out
}

// TestBridgeCallsAreDefaults: what labctl switches on for a loaded set never overrides what the file gives.
func TestBridgeCallsAreDefaults(t *testing.T) {
	nft := func(family string) string {
		return "      text: {nft: \"table " + family + " t { chain c { counter drop; } }\"}\n"
	}
	guard := "      guard: {level: l3, port_guard: {a: a}}\n"
	for _, c := range []struct{ name, rules, given, want string }{
		{"iptables", denyA, "", "call-iptables=1"},
		{"ip6tables", sixSet, "", "call-ip6tables=1"},
		{"nft ip", nft("ip"), "", "call-iptables=1"},
		{"nft ip6", nft("ip6"), "", "call-ip6tables=1"},
		{"nft inet", nft("inet"), "", "call-iptables=1 call-ip6tables=1"},
		{"nft bridge", nft("bridge"), "", ""},
		{"nft arp", nft("arp"), "", ""},
		{"guard", guard, "", "call-iptables=1 filter-vlan-tagged=1"},
		{"not loaded", denyOff, "", ""},
		{"iptables, 0 given", denyA, "bridge-nf-call-iptables: 0", "call-iptables=0"},
		{"inet, 0 given", nft("inet"), "bridge-nf-call-iptables: 0", "call-iptables=0 call-ip6tables=1"},
		{"guard, 0 given", guard, "bridge-nf-filter-vlan-tagged: 0", "filter-vlan-tagged=0 call-iptables=1"},
		{"1 given", denyOff, "bridge-nf-call-iptables: 1", "call-iptables=1"},
	} {
		rules := c.rules
		if c.given != "" {
			rules += "    sysctls: {net.bridge." + c.given + "}\n"
		}
		if got := strings.Join(called(New(rulesLab(t, rules).Lab, "x")), " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestGivenBridgeCallsChange: from any state to any other the value is the one that the new state says.
func TestGivenBridgeCallsChange(t *testing.T) {
	states := map[string]struct{ src, call, tagged string }{}
	for _, given := range []string{"", "0", "1"} {
		for _, rules := range []string{denyA, denyOff, "      guard: {level: l3, port_guard: {a: a}}\n"} {
			src, call, tagged := rules, "0", "0"
			if !strings.Contains(rules, "load: false") {
				call = "1"
			}
			if strings.Contains(rules, "guard") {
				tagged = "1"
			}
			if given != "" {
				src += fmt.Sprintf("    sysctls: {net.bridge.bridge-nf-call-iptables: %s, net.bridge.bridge-nf-filter-vlan-tagged: %s}\n", given, given)
				call, tagged = given, given
			}
			states[fmt.Sprintf("given %q, %s", given, strings.TrimSpace(rules))] = struct{ src, call, tagged string }{src, call, tagged}
		}
	}
	for a, from := range states {
		for b, to := range states {
			plan, changes := Diff(rulesLab(t, from.src).Lab, rulesLab(t, to.src).Lab, "x")
			now := map[string]string{"call-iptables": from.call, "filter-vlan-tagged": from.tagged}
			for _, op := range plan.Ops {
				var written []topology.Sysctl
				switch o := op.(type) {
				case SetSysctl:
					written = []topology.Sysctl{o.Sysctl}
				case SetRules:
					written = o.Sysctls
				default:
					t.Errorf("%s -> %s: %T", a, b, op)
				}
				for _, s := range written {
					now[strings.TrimPrefix(s.Key, "net/bridge/bridge-nf-")] = s.Value
				}
			}
			if now["call-iptables"] != to.call || now["filter-vlan-tagged"] != to.tagged {
				t.Errorf("%s -> %s: %v, want %s %s", a, b, now, to.call, to.tagged)
			}
			if (len(plan.Ops) == 0) != (a == b || len(changes) == 0) || from.call != to.call && len(changes) == 0 {
				t.Errorf("%s -> %s: %d operations, and it says %v", a, b, len(plan.Ops), changes)
			}
		}
	}
}

// TestGivenValuesAreLast: whatever labctl sets by itself, and whatever the kernel changes along with a value, a value
// that the lab gives is written behind it.
func TestGivenValuesAreLast(t *testing.T) {
	lab := load(t, `
sysctls: {net.ipv4.conf.all.rp_filter: 2, ip_forward: 1}
nodes:
  s: {kind: bridge}
  r: {kind: router, ipv6: true, sysctls: {net.ipv4.conf.default.forwarding: 0, net.ipv6.conf.default.forwarding: 0, net.ipv6.conf.all.forwarding: 0}}
  f: {sysctls: {net.ipv4.conf.all.forwarding: 0, accept_redirects: 1}}
  h: {ipv6: true, sysctls: {rp_filter: 1, net.ipv6.conf.default.forwarding: 0, net.ipv6.conf.all.forwarding: 1, net.ipv4.neigh.eth0.retrans_time_ms: 700, net.ipv4.icmp_msgs_per_sec: 7}}
links: [r f h -- s]
`)
	for _, c := range []struct{ node, key, want string }{
		{"r", "net/ipv4/conf/default/forwarding", "0"}, {"r", "net/ipv6/conf/all/forwarding", "0"},
		{"f", "net/ipv4/ip_forward", "0"}, {"f", "net/ipv4/conf/all/accept_redirects", "1"}, {"f", "net/ipv4/conf/all/forwarding", ""},
		{"h", "net/ipv4/ip_forward", "1"}, {"h", "net/ipv4/conf/all/rp_filter", "1"}, {"h", "net/ipv4/conf/eth0/rp_filter", "1"},
		{"h", "net/ipv4/neigh/eth0/retrans_time_ms", "700"}, {"h", "net/ipv4/icmp_msgs_per_sec", "7"},
	} {
		if got := values(lab.Node(c.node))[c.key]; got != c.want {
			t.Errorf("%s %s = %q, want %q", c.node, c.key, got, c.want)
		}
	}
	for _, n := range lab.Nodes {
		for i, s := range n.Sysctls {
			for _, before := range n.Sysctls[:i] {
				if s.Touches(before.Key) {
					t.Errorf("%s: %s is written behind %s, and changes it", n.Name, s.Key, before.Key)
				}
			}
		}
	}
	for _, s := range []topology.Sysctl{{Key: callIPv4, Value: "1", Given: true}, {Key: "net/ipv4/icmp_msgs_per_sec", Value: "7", Given: true}} {
		if s.Optional() {
			t.Errorf("%s is given, and a kernel may lack it", s.Key)
		}
		if s.Given = false; !s.Optional() {
			t.Errorf("%s is not optional", s.Key)
		}
	}
}

// TestForwardingTakesOthersWithIt: what the kernel changes with forwarding is put back to what the lab gives.
func TestForwardingTakesOthersWithIt(t *testing.T) {
	const src = "nodes: {a: {sysctls: {ip_forward: %d, net.ipv4.conf.eth0.forwarding: 0, net.ipv4.conf.default.forwarding: 1, accept_redirects: 1}}, b: {}}\nlinks: [a -- b]\n"
	plan, _ := Diff(load(t, fmt.Sprintf(src, 0)).Lab, load(t, fmt.Sprintf(src, 1)).Lab, "x")
	var got []string
	for _, op := range plan.Ops {
		got = append(got, op.(SetSysctl).Key+"="+op.(SetSysctl).Value)
	}
	want := []string{"net/ipv4/ip_forward=1", "net/ipv4/conf/all/accept_redirects=1", "net/ipv4/conf/default/forwarding=1", "net/ipv4/conf/eth0/forwarding=0"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// TestOverriddenWithAWord: what cannot be obeyed, or makes another thing useless, is said.
func TestOverriddenWithAWord(t *testing.T) {
	guard := `
nodes:
  s1:
    kind: bridge
%s    rules: {guard: {level: l3, port_guard: {a: a}}}
  a: {ip: 10.0.0.1/24}
  b: {ip: 10.0.0.2/24}
links: [a b -- s1]
steps:
  - name: blind
    set: {s1: {sysctls: %s}}
`
	call, tagged := "{net.bridge.bridge-nf-call-iptables: 0}", "{net.bridge.bridge-nf-filter-vlan-tagged: 0}"
	for _, c := range []struct{ src, want string }{
		{fmt.Sprintf(guard, "    sysctls: "+call+"\n", "{}"), "nodes.s1.rules.guard: has no effect: net.bridge.bridge-nf-call-iptables is 0 here"},
		{fmt.Sprintf(guard, "", call), "steps[0].set.s1.rules.guard: has no effect: net.bridge.bridge-nf-call-iptables is 0 here"},
		{fmt.Sprintf(guard, "", tagged), "lets every frame with a VLAN tag pass"},
		{fmt.Sprintf(guard, "", "{}"), ""},
		{"nodes: {a: {ipv6: false, ip: 2001:db8::1/64}, b: {}}\nlinks: [a -- b]\n", "nodes.a.ipv6: is false, but eth0 has an IPv6 address"},
		{"nodes: {a: {sysctls: {ip_forward: 1, net.ipv4.ip_forward: 0}}, b: {}}\nlinks: [a -- b]\n", "this is ip_forward of line 3 again"},
		{"nodes: {a: {sysctls: {net.ipv4.tcp_ecn: 1, net/ipv4/tcp_ecn: 0}}, b: {}}\nlinks: [a -- b]\n", "this is net.ipv4.tcp_ecn of line 3 again"},
	} {
		lab, problems := labfile.Load("x.yaml", []byte("format: 1\nlab: x\n"+c.src))
		text := problems.Error()
		if c.want == "" && text != "" || !strings.Contains(text, c.want) {
			t.Errorf("%s\nsays %q\nwant %q", c.src, text, c.want)
		}
		if lab != nil && len(lab.Steps) > 0 {
			_, changes := Diff(lab.Lab, lab.Steps[0].Lab, "x")
			said := fmt.Sprint(changes)
			if want := strings.Contains(c.want, "steps[0]"); want != strings.Contains(said, "rules guard: warning: has no effect") {
				t.Errorf("%s\nset says %s", c.src, said)
			}
		}
	}
}
