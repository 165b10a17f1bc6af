package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// Rules that refuse only copies of a ping's frames, on their way to a bystander, have not stopped it.
var _ = Describe("a rule that refuses copies of a ping's frames", func() {
	const guard = "rules: {guard: {port_guard: {h3: h3}}}"
	h := func(kind, body, match string) string {
		return "h3:\n    ip: 10.0.0.3/24\n    rules:\n      f:\n        nft: |\n          table " + kind + " t {\n            chain i {\n              " +
			body + "\n              " + match + " counter drop comment \"innocent\"\n            }\n          }"
	}
	lab := func(s1, h1, h2, h3 string) string {
		if s1 != "" {
			s1 = ", " + s1
		}
		return "# h1 h2 h3 ── s1\nformat: 1\nlab: copies\nnodes:\n  s1: {kind: bridge" + s1 + "}\n  " + h1 + "\n  " + h2 + "\n  " + h3 +
			"\nlinks: [h1 h2 h3 -- s1]\n"
	}
	const h1, h3 = "h1: {ip: 10.0.0.1/24}", "h3: {ip: 10.0.0.3/24}"
	const ignores = "h2: {ip: 10.0.0.2/24, sysctls: {net.ipv4.icmp_echo_ignore_all: 1}}"

	DescribeTable("is not what stopped it", func(file, word string, also ...string) {
		up(write("copies.yaml", file))
		for _, kept := range [][]string{nil, {"--kept"}} {
			r := labctl(append(append([]string{"ping", "h1", "h2"}, also...), kept...)...)
			Expect(r).To(Exit(1))
			Expect(r.out).To(And(ContainSubstring(word), Not(ContainSubstring("refused by"))))
		}
	},
		Entry("where a guarded port is sent what a bridge does not know", lab(guard, `h1: {ip: 10.0.0.1/24, neigh: {10.0.0.2: "02:00:00:00:00:02"}}`,
			`h2: {interfaces: {eth0: {ip: 10.0.0.2/24, mac: "02:00:00:00:00:02", up: false}}}`, h3), "silent"),
		Entry("where a guarded port of a hub is sent everything", lab("ageing: 0s, "+guard, h1, ignores, h3), "silent"),
		Entry("where iptables asks for the port of a hub", lab(`ageing: 0s, rules: {f: {iptables: "-A FORWARD -p icmp -m physdev --physdev-is-bridged --physdev-out h3 -j DROP # innocent"}}`,
			h1, ignores, h3), "silent"),
		Entry("where a bystander refuses what is asked of everybody", lab("", h1, "h2: {ip: 10.0.0.2/24, sysctls: {arp_ignore: 8}}",
			h("arp", "type filter hook input priority 0;", "")), "no-arp"),
		Entry("where a bystander refuses whatever comes", lab("", h1, "h2: {ip: 10.0.0.2/24, routes: {10.0.0.1/32: {type: blackhole}}}",
			h("netdev", "type filter hook ingress device eth0 priority 0;", "")), "silent"),
		Entry("where a bystander refuses IPv6", lab("", "h1: {ip: 'fd00::1/64'}", "h2: {ip: 'fd00::2/64', sysctls: {net.ipv6.icmp.echo_ignore_all: 1}}",
			h("netdev", "type filter hook ingress device eth0 priority 0;", "ether type ip6")), "silent", "-6"),
	)

	It("is not named beside the one that stopped it", func() {
		up(write("copies.yaml", lab("ageing: 0s, "+guard, h1, `h2: {ip: 10.0.0.2/24, rules: {f: {iptables: "-A INPUT -p icmp -j DROP # thetrueone"}}}`, h3)))
		r := labctl("ping", "h1", "h2")
		Expect(r).To(Exit(1))
		Expect(r.out).To(HaveSuffix("; refused by h2/f/thetrueone\n"))
	})
})
