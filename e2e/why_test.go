package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("the reason why a ping got no answer", func() {
	BeforeEach(func() { up("nested-esxi") })

	It("may be a drop on the way back", func() {
		r := labctl("ping", "vm0", "esxi1.vm1")
		Expect(r).To(Exit(1))
		Expect(r.out).To(MatchRegexp(`vm0 -> esxi1\.vm1 \(192\.168\.0\.31\): no-arp.*dropped: dvs:esxi1-vmnic0 MacForgery`))
	})

	It("is no drop of before", func() {
		r := labctl("ping", "esxi1.vm1", "vm0")
		Expect(r).To(Exit(1))
		Expect(r.out).To(ContainSubstring("dropped: dvs:esxi1-vmnic0 MacForgery"))
		Expect(labctl("policy", "set", "dvs/Nested", "promiscuous=accept", "forged_transmits=accept")).To(Exit(0))
		Expect(labctl("ping", "esxi1.vm1", "vm0")).To(Exit(0))
		Expect(labctl("exec", "vm0", "--", "sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=1")).To(Exit(0))
		r = labctl("ping", "esxi1.vm1", "vm0")
		Expect(r).To(Exit(1))
		Expect(r.out).To(And(ContainSubstring("silent"), Not(ContainSubstring("dropped")), Not(ContainSubstring("Forgery"))))
		Expect(labctl("drops", "dvs:esxi1-vmnic0").out).To(ContainSubstring("MacForgery"), "what was before is still known")
	})
})

// A router whose leg has another address than its port may send from: nobody hears its ARP there.
var _ = Describe("the reason why a ping got no answer, one hop further", func() {
	It("is looked for at the next hops of both ways, as the outcome has it", func() {
		up(write("further.yaml", `#  a ─┬─ sw1 ── rt  ── sw2 ─── b      b answers c by rt2
#  c ─┘    └─── rt2 ───┘  └── d
format: 1
lab: further
nodes:
  sw1: {kind: vswitch}
  sw2: {kind: vswitch}
  a: {ip: 10.0.10.1/24, routes: {default: 10.0.10.254}}
  c: {ip: 10.0.10.3/24, routes: {default: 10.0.10.252}}
  b: {ip: 10.0.20.1/24, routes: {default: 10.0.20.254, 10.0.10.3/32: 10.0.20.253}}
  d: {ip: 10.0.20.4/24, routes: {default: 10.0.20.252}, sysctls: {net.ipv4.icmp_echo_ignore_all: 1}}
  rt: {kind: router, sysctls: {arp_ignore: 1}, interfaces: {v10: {macvlan: eth0, ip: 10.0.10.254/24}, eth1: 10.0.20.254/24}}
  rt2: {kind: router, sysctls: {arp_ignore: 1}, interfaces: {eth0: 10.0.10.252/24, eth1: 10.0.20.252/24, v20: {macvlan: eth1, ip: 10.0.20.253/24}}}
links:
  - a c rt:eth0 rt2:eth0 -- sw1
  - b d rt:eth1 rt2:eth1 -- sw2
`))
		said := func(from, to string) string { return labctl("ping", from, to).out }
		Expect(said("a", "rt:v10")).To(MatchRegexp(`no-arp.*dropped: sw1:rt MacForgery`))
		By("the sender's next hop does not answer")
		Expect(said("a", "b")).To(MatchRegexp(`no-arp.*dropped: sw1:rt MacForgery`))
		By("nobody answers a router")
		Expect(said("b", "a")).To(MatchRegexp(`icmp:host-unreachable@rt:.*dropped: sw1:rt MacForgery`))
		By("the next hop of the way back does not answer")
		Expect(said("c", "b")).To(MatchRegexp(`silent.*dropped: sw2:rt2 MacForgery`))
		By("what others lose is no cause")
		Expect(labctl("matrix", "--from", "b,c,a", "--to", "a,b,c,d").out).To(MatchRegexp(`# [^\n]*c -> b[^\n]*sw2:rt2 MacForgery`))
		Expect(said("c", "d")).To(And(ContainSubstring("silent"), Not(ContainSubstring("dropped"))))
	})
})
