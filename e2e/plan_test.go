package e2e

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"labctl/labs"
	"labctl/topology"
	"labctl/topology/labfile"
)

// The printed plan, run by sh, must build what up builds. iproute2 reads both back.
var _ = func() bool {
	if !root {
		return false
	}
	Describe("plan", Label("root"), func() {
		for _, name := range labs.Names() {
			It("of "+name+", run by sh, builds what up builds", func() {
				src, err := labs.Read(name)
				Expect(err).NotTo(HaveOccurred())
				comparePlan(name, src)
			})
		}
		It("of a lab with everything builds what up builds", func() {
			comparePlan(write("all.yaml", everything), []byte(everything))
		})
	})
	return true
}()

// everything that this kernel must have for labs at all, with settings that are not the kernel's own.
const everything = `# a ─┬─ s1 ── b (guest on macvlan, inner bridge)
#     └─ c
format: 1
lab: everything
mtu: 1400
nodes:
  s1:
    kind: bridge
    ageing: 30s
    mcast_snooping: false
    priority: 4096
    group_fwd_mask: 8
    ports: {a: {learning: false, flood: false}, b: {isolated: true, cost: 7}, c: {hairpin: true, bpdu_guard: true}}
  a:
    ipv6: true
    ip: [10.0.0.1/24, 10.0.0.11/24, "fd00::1/64"]
    interfaces: {lo: [10.255.0.1/32, "fd00:ff::1/128"]}
    ip_rules:
      100: {from: 10.0.0.11, table: 100}
      101: {not: true, to: 10.7.0.0/16, iif: lo, oif: eth0, fwmark: 0x1/0xff, tos: 0x10, table: 4294967295}
      102: {ipproto: tcp, dport: 80, sport: 1024-2000, table: main, suppress_prefixlength: 0}
      103: {from: "fd00::7", action: blackhole}
      40000: {action: prohibit, ipproto: 89}
    routes: {default: [10.0.0.254, {via: 10.0.0.253, table: 100}, {via: "fd00::2", table: 70000}], 10.7.0.0/16: {type: blackhole}, 10.8.0.0/16: {via: 10.0.0.2, metric: 50, src: 10.0.0.11},
      10.9.0.0/16: {nexthops: [{via: 10.0.0.2, weight: 256}, {via: 10.0.0.4}, {dev: eth0}], table: 100, src: 10.255.0.1},
      "fd09::/32": {nexthops: [{via: "fd00::2", weight: 2}, {via: "fe80::2", dev: eth0, onlink: true}]}, 10.10.0.0/16: {type: prohibit, table: local}}
    neigh: {10.0.0.77: "02:00:00:00:00:77"}
    sysctls: {rp_filter: 1, net.ipv4.neigh.eth0.gc_stale_time: 17}
  b:
    kind: router
    sysctls: {arp_ignore: 1}
    interfaces:
      eth0: {mac: "00:50:56:00:00:02", effective_mac: "00:50:56:00:00:22"}
      br0: {bridge: [eth0, v0], ip: 10.0.0.2/24}
      v0: {veth: v1}
      v1: {ip: 10.0.0.3/24}
  c: {ip: 10.0.0.4/24, promisc: true}
  guest: {interfaces: {eth0: {macvlan: "c:eth0", mode: bridge, ip: 10.0.0.5/24}}}
links:
  - a b c -- s1
`

func comparePlan(arg string, src []byte) {
	GinkgoHelper()
	lab, problems := labfile.Load(arg, src)
	Expect(lab).NotTo(BeNil(), "%v", problems)
	script := labctl("plan", arg, "--as", "byhand")
	Expect(script).To(Exit(0))
	DeferCleanup(func() {
		for _, n := range lab.Nodes {
			_ = exec.Command("ip", "netns", "delete", "byhand."+n.Name).Run()
		}
	})
	Expect(run(nil, script.out, "sh", "-e")).To(Exit(0))
	up(arg, "--as", "bylabctl")
	for _, n := range lab.Nodes {
		for _, look := range looks {
			// The carrier of a bridge is seen up to a second late.
			Eventually(func() string {
				return difference(readBack("byhand."+n.Name, look, uplinks(lab.Lab, n)), readBack("bylabctl."+n.Name, look, uplinks(lab.Lab, n)))
			}, "5s", "100ms").Should(BeEmpty(), "%s: %s: by hand -, by labctl +", n.Name, look)
		}
	}
}

// looks are the commands that read a namespace back.
var looks = []string{
	"ip -d -j link", "ip -d -j addr", "ip -d -j -4 route show table all", "ip -d -j -6 route show table all",
	"ip -d -j -4 rule", "ip -d -j -6 rule", "ip -j neigh show nud permanent", "bridge -d -j link", "sysctl -a --pattern ^net",
}

// passing are fields that depend on the order of making, on time, or on the name of the instance.
var passing = []string{
	"ifindex", "link_index", "link_netnsid", "link_netns", "hello_timer", "tcn_timer", "topology_change_timer", "gc_timer", "valid_life_time",
	"preferred_life_time", "message_age_timer", "forward_delay_timer", "hold_timer", "expires", "port_id", "port_no", "no", "designated_port", "id",
}

// uplinks are the node's interfaces that a switch which runs does something to: it asks them for all frames.
func uplinks(lab *topology.Lab, n *topology.Node) []string {
	var out []string
	for _, s := range lab.Nodes {
		if s.Switch == nil {
			continue
		}
		for i, p := range s.Switch.Ports {
			if s.Switch.Config.Ports[i].Uplink && p.At.Node == n.Name {
				out = append(out, p.At.Interface)
			}
		}
	}
	return out
}

// inletName is in the name of an interface that a switch makes, to send into one that it shares.
var inletName = regexp.MustCompile(`(^|\.)l[cx]-`)

func readBack(ns, look string, uplinks []string) string {
	GinkgoHelper()
	r := run(nil, "", "ip", append([]string{"netns", "exec", ns}, strings.Fields(look)...)...)
	Expect(r.out).NotTo(BeEmpty(), r.String())
	if !strings.Contains(look, "-j") {
		lines := strings.Split(r.out, "\n")
		lines = slices.DeleteFunc(lines, func(l string) bool {
			// Random, or a count of what happens to be there; stable_secret refuses to be read.
			return strings.Contains(l, "nf_conntrack_count") || strings.Contains(l, "flowlabel") || strings.Contains(l, "stable_secret") ||
				strings.Contains(l, "fastopen_key") || inletName.MatchString(l)
		})
		return strings.Join(lines, "\n")
	}
	var v any
	Expect(json.Unmarshal([]byte(r.out), &v)).To(Succeed(), r.String())
	if list, ok := v.([]any); ok {
		list = slices.DeleteFunc(list, func(x any) bool { return inletName.MatchString(ifname(x)) })
		v = list
		for _, x := range list {
			m := x.(map[string]any)
			if slices.Contains(uplinks, ifname(x)) {
				delete(m, "promiscuity")
			}
			// Which of the two is shown depends on what has the far end's index here (default_operstate in
			// net/core/link_watch.c).
			if m["operstate"] == "LOWERLAYERDOWN" {
				m["operstate"] = "DOWN"
			}
		}
	}
	if strings.HasPrefix(look, "bridge") {
		// bridge(8) looks the index of a veth's far end up in the wrong namespace.
		for _, port := range v.([]any) {
			delete(port.(map[string]any), "link")
		}
	}
	b, err := json.MarshalIndent(without(v), "", " ")
	Expect(err).NotTo(HaveOccurred())
	return string(b)
}

// without takes the passing fields out; lists of interfaces are ordered by name, since their order is that of the
// indexes.
func without(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range passing {
			delete(v, k)
		}
		for k := range v {
			v[k] = without(v[k])
		}
	case []any:
		for i := range v {
			v[i] = without(v[i])
		}
		slices.SortStableFunc(v, func(a, b any) int { return strings.Compare(ifname(a), ifname(b)) })
	}
	return v
}

func ifname(v any) string {
	if m, ok := v.(map[string]any); ok {
		s, _ := m["ifname"].(string)
		return s
	}
	return ""
}
