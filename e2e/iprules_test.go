package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

const twoWays = `#  h ─┬─ n1 ─── r1 ─┬─ far ── t
#     └─ n2 ─── r2 ─┘
format: 1
lab: ways
nodes:
  n1: {kind: bridge}
  n2: {kind: bridge}
  far: {kind: bridge}
  h:
    interfaces: {lo: 10.255.0.1/32, eth1: 10.0.1.1/24, eth2: 10.0.2.1/24}
    routes: {default: [10.0.1.254, {via: 10.0.2.254, table: 100}]}
    ip_rules: {100: {from: 10.0.2.1, table: 100}}
  r1: {kind: router, interfaces: {eth1: 10.0.1.254/24, eth9: 10.0.9.1/24}, routes: {10.255.0.1/32: 10.0.1.1}}
  r2: {kind: router, interfaces: {eth2: 10.0.2.254/24, eth9: 10.0.9.2/24}, routes: {10.255.0.1/32: 10.0.2.1}}
  t: {ip: 10.0.9.9/24, routes: {default: 10.0.9.1, 10.0.2.0/24: 10.0.9.2}}
links:
  - h:eth1 r1:eth1 -- n1
  - h:eth2 r2:eth2 -- n2
  - r1:eth9 r2:eth9 t -- far
expect:
  ping: |
    from\to  h:lo  h:eth2  t
    t        ok    ok      -
    h:eth1   -     -       ok
    h:eth2   -     -       ok
`

// rules are the priorities of a node's rules of IPv4 as iproute2 sees them, but for the kernel's own.
func rulesOf(node string) []string {
	GinkgoHelper()
	r := labctl("exec", node, "--", "ip", "-j", "rule")
	Expect(r).To(Exit(0))
	var out []string
	for _, x := range decode[[]map[string]any](r) {
		if p := fmt.Sprint(x["priority"]); p != "0" && p != "32766" && p != "32767" {
			out = append(out, fmt.Sprintf("%v %v %v", x["priority"], x["src"], x["table"]))
		}
	}
	return out
}

// defaultsOf are a node's default routes of IPv4 in all tables, as iproute2 sees them.
func defaultsOf(node string) []string {
	GinkgoHelper()
	r := labctl("exec", node, "--", "ip", "-j", "-4", "route", "show", "table", "all", "default")
	Expect(r).To(Exit(0))
	var list []struct {
		Gateway, Table string
		Nexthops       []struct{ Gateway string }
	}
	Expect(json.Unmarshal([]byte(r.out), &list)).To(Succeed(), r.String())
	var out []string
	for _, x := range list {
		for _, h := range x.Nexthops {
			x.Gateway = strings.TrimPrefix(x.Gateway+"+"+h.Gateway, "+")
		}
		out = append(out, strings.TrimSpace(x.Gateway+" "+x.Table))
	}
	slices.Sort(out)
	return out
}

var _ = Describe("routing rules and tables", func() {
	It("follow the file, and what is set by hand, without a node rebuilt", func() {
		file := write("ways.yaml", twoWays)
		up(file)
		was := inodes("ways")
		now := func() string { r := labctl("up", file); Expect(r).To(Exit(0)); return r.err }
		Expect(rulesOf("h")).To(Equal([]string{"100 10.0.2.1 100"}))
		Expect(defaultsOf("h")).To(Equal([]string{"10.0.1.254", "10.0.2.254 100"}))
		Expect(labctl("verify", file, "-q")).To(Exit(0))
		Expect(labctl("routes", "h", "--rules").out).To(MatchRegexp(`h +ipv4 +100 +from 10\.0\.2\.1 table 100\n`))
		Expect(labctl("routes", "h").out).To(MatchRegexp(`h +default +10\.0\.2\.254 +eth2 +- +unicast +boot +100\n`))
		Expect(labctl("inspect", "h").out).To(ContainSubstring("10.255.0.1/32"))

		edit(file, "100: {from: 10.0.2.1, table: 100}", "100: {from: 10.0.2.0/24, table: 200}, 50: {to: 10.0.9.8, action: prohibit}")
		Expect(now()).To(And(ContainSubstring("h: ip rule 100: from 10.0.2.1 table 100 -> from 10.0.2.0/24 table 200"),
			ContainSubstring("h: ip rule 50: - -> from all to 10.0.9.8 prohibit")))
		Expect(rulesOf("h")).To(Equal([]string{"50 all <nil>", "100 10.0.2.0 200"}))
		Expect(labctl("ping", "h", "10.0.9.8", "-o", "json").out).To(ContainSubstring("icmp:admin-prohibited@h"))

		edit(file, "[10.0.1.254, {via: 10.0.2.254, table: 100}]", "{nexthops: [{via: 10.0.1.254}, {via: 10.0.2.254, weight: 2}]}")
		Expect(now()).To(ContainSubstring("h: route default: via 10.0.1.254 -> nexthop via 10.0.1.254 weight 1 nexthop via 10.0.2.254 weight 2"))
		Expect(defaultsOf("h")).To(Equal([]string{"10.0.1.254+10.0.2.254"}))
		Expect(labctl("link", "down", "h:eth2")).To(Exit(0))
		Expect(defaultsOf("h")).To(Equal([]string{"10.0.1.254"}))
		Expect(labctl("link", "up", "h:eth2")).To(Exit(0))
		Expect(defaultsOf("h")).To(Equal([]string{"10.0.1.254+10.0.2.254"}))

		Expect(labctl("set", "h.ip_rules.50=null", "h.routes.default=null")).To(Exit(0))
		Expect(rulesOf("h")).To(Equal([]string{"100 10.0.2.0 200"}))
		Expect(defaultsOf("h")).To(BeEmpty())
		Expect(labctl("set", "h.ip_rules.50=null")).To(And(Exit(2), WithTransform(result.String, ContainSubstring("nothing to take away"))))
		Expect(labctl("set", "h.ip_rules.60={action: blackhole}")).To(Exit(0))
		Expect(labctl("set", "h.ip_rules.60=null")).To(Exit(0))
		Expect(rulesOf("h")).To(Equal([]string{"100 10.0.2.0 200"}))
		Expect(labctl("reset", "h")).To(Exit(0))
		Expect(defaultsOf("h")).To(Equal([]string{"10.0.1.254+10.0.2.254"}))

		edit(file, "lo: 10.255.0.1/32", "lo: [10.255.0.2/32, 10.255.0.1/32]")
		Expect(now()).To(ContainSubstring("h: lo: ip [10.255.0.1/32] -> [10.255.0.2/32 10.255.0.1/32]"))
		Expect(labctl("exec", "h", "--", "ip", "-o", "-4", "addr", "show", "lo").out).To(And(ContainSubstring("10.255.0.1/32"), ContainSubstring("10.255.0.2/32")))
		Expect(now()).To(ContainSubstring("nothing to change"))
		Expect(inodes("ways")).To(Equal(was))
	})

	It("take a route, a neighbour, a sysctl, a rule, a static entry and a rule set away in a step", func() {
		Expect(labctl("verify", write("away.yaml", `#  a ── s1 ── b
format: 1
lab: away
sysctls: {rp_filter: 2}
nodes:
  s1: {kind: bridge, fdb: {"02:00:00:00:00:09": b}}
  a:
    ip: 10.0.0.1/24
    neigh: {10.0.0.2: "02:00:00:00:00:09"}
  b:
    interfaces: {eth0: 10.0.0.2/24, lo: 10.9.0.1/32}
    routes: {10.8.0.0/16: {type: prohibit}}
    ip_rules: {7: {to: 10.7.0.0/16, action: prohibit}}
    sysctls: {rp_filter: 0, net.ipv4.icmp_echo_ignore_all: 1}
    rules: {deaf: {iptables: "-A INPUT -s 10.0.0.3 -j DROP"}}
  c: {ip: 10.0.0.3/24, routes: {10.9.0.1/32: 10.0.0.2}}
links:
  - a b c -- s1
expect:
  ping: |
    from\to  b       b:lo
    a        silent  no-route
    c        silent  silent
steps:
  - name: all is taken away
    set:
      s1: {fdb: {"02:00:00:00:00:09": null}}
      a: {neigh: {10.0.0.2: null}}
      b:
        routes: {10.8.0.0/16: null}
        ip_rules: {7: null}
        sysctls: {rp_filter: null, net.ipv4.icmp_echo_ignore_all: null}
        rules: {deaf: null}
    do:
      - run: {node: s1, sh: "! bridge fdb show | grep 02:00:00:00:00:09"}
      - run: {node: a, sh: "! ip neigh show nud permanent | grep 10.0.0.2"}
      - run: {node: b, sh: "! ip route show table all | grep prohibit && ! ip rule | grep prohibit"}
      - run: {node: b, sh: "test $(cat /proc/sys/net/ipv4/conf/eth0/rp_filter) = 2"}      # the lab's own
      - run: {node: b, sh: "! iptables -S INPUT | grep 10.0.0.3"}
    expect:
      ping: |
        from\to  b   b:lo
        a        ok  no-route
        c        ok  ok
`), "--allow-run")).To(Exit(0))
	})

	It("refuse a ping in words that are true, at the sender and on the way", func() {
		file := write("refuse.yaml", `#  a ── s1 ── r ── s2 ── b
format: 1
lab: refuse
ipv6: true
nodes:
  s1: {kind: bridge}
  s2: {kind: bridge}
  a: {ip: [10.0.1.1/24, "fd00:1::1/64"], routes: {default: [10.0.1.254, "fd00:1::fe"]}}
  r: {kind: router, interfaces: {eth1: [10.0.1.254/24, "fd00:1::fe/64"], eth2: [10.0.2.254/24, "fd00:2::fe/64"]}}
  b: {ip: [10.0.2.1/24, "fd00:2::1/64"], routes: {default: [10.0.2.254, "fd00:2::fe"]}}
links:
  - a r:eth1 -- s1
  - b r:eth2 -- s2
steps:
  - name: rules
    cases:
      none: {}
      a-pr: {a: {ip_rules: {9: {action: prohibit}}}}
      a-un: {a: {ip_rules: {9: {action: unreachable}}}}
      a-bl: {a: {ip_rules: {9: {action: blackhole}}}}
      r-pr: {r: {ip_rules: {9: {iif: eth1, action: prohibit}}}}
      r-un: {r: {ip_rules: {9: {iif: eth1, action: unreachable}}}}
      r-bl: {r: {ip_rules: {9: {iif: eth1, action: blackhole}}}}
      icmp: {r: {ip_rules: {9: {iif: eth1, ipproto: icmp, action: prohibit}}}}
      tcp: {r: {ip_rules: {9: {iif: eth1, ipproto: tcp, action: prohibit}}}}
      back: {r: {ip_rules: {9: {iif: eth2, action: prohibit}}}}
      b-from: {b: {ip_rules: {9: {from: 10.0.2.1, action: prohibit}}}}
    expect:
      cases: |
        question     none  a-pr                     a-un      a-bl      r-pr                     r-un                    r-bl    icmp                     tcp  back    b-from
        ping:a->b    ok    icmp:admin-prohibited@a  no-route  no-route  icmp:admin-prohibited@r  icmp:net-unreachable@r  silent  icmp:admin-prohibited@r  ok   silent  silent
        ping6:a->b   ok    icmp:admin-prohibited@a  no-route  no-route  icmp:admin-prohibited@r  icmp:no-route@r         silent  ok                       ok   silent  ok
        route:a->b   r     -                        -         -         r                        r                       r       r                        r    r       r
`)
		Expect(labctl("verify", file)).To(Exit(0))
		// iputils says the same; of what it is refused itself it thinks that it may be a broadcast address.
		up(file)
		for rule, says := range map[string]string{"a.ip_rules.9={action: prohibit}": "check your local firewall rules",
			"r.ip_rules.9={iif: eth1, action: prohibit}":    "Packet filtered",
			"r.ip_rules.9={iif: eth1, action: unreachable}": "Destination Net Unreachable"} {
			Expect(labctl("set", rule)).To(Exit(0))
			Expect(labctl("exec", "a", "--", "ping", "-c1", "-W1", "10.0.2.1").String()).To(ContainSubstring(says), rule)
			Expect(labctl("reset")).To(Exit(0))
		}
	})

	It("share packets among next hops in the same way in every run", func() {
		file := write("hash.yaml", strings.Replace(strings.Replace(twoWays, "[10.0.1.254, {via: 10.0.2.254, table: 100}]",
			"{nexthops: [{via: 10.0.1.254}, {via: 10.0.2.254}], src: 10.255.0.1}", 1), "lab: ways", "lab: hash", 1))
		chosen := func(as string) (out []string) {
			up(file, "--as", as)
			if labctl("exec", "-l", as, "h", "--", "test", "-e", "/proc/sys/net/ipv4/fib_multipath_hash_seed").code != 0 {
				Expect(kernelBefore(6, 11)).To(BeTrue(), "Linux has had the seed since 6.11")
				Skip("this kernel has no seed of its own for each namespace (before Linux 6.11)")
			}
			for i := range 32 {
				r := labctl("exec", "-l", as, "h", "--", "ip", "-j", "route", "get", fmt.Sprintf("10.77.0.%d", i))
				Expect(r).To(Exit(0))
				out = append(out, decode[[]struct{ Gateway string }](r)[0].Gateway)
			}
			return out
		}
		one := chosen("hash1")
		Expect(chosen("hash2")).To(Equal(one))
		Expect(slices.Compact(slices.Sorted(slices.Values(one)))).To(HaveLen(2), "both next hops are in use")
		Expect(labctl("matrix", "-l", "hash1")).To(Exit(0))
	})
})

// kernelBefore tells by its release whether the kernel is older than that.
func kernelBefore(major, minor int) bool {
	GinkgoHelper()
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	Expect(err).NotTo(HaveOccurred())
	var is, isMinor int
	_, err = fmt.Sscanf(string(release), "%d.%d", &is, &isMinor)
	Expect(err).NotTo(HaveOccurred(), string(release))
	return is < major || is == major && isMinor < minor
}
