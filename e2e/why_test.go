package e2e

import (
	"fmt"

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
		By("what others lose is not a cause")
		Expect(labctl("matrix", "--from", "b,c,a", "--to", "a,b,c,d").out).To(MatchRegexp(`# [^\n]*c -> b[^\n]*sw2:rt2 MacForgery`))
		Expect(said("c", "d")).To(And(ContainSubstring("silent"), Not(ContainSubstring("dropped"))))
	})
})

// What is lost at the ends of a pair has three reasons to be nobody's: it was the ping's the other way, it was a
// forger's, or it was of a protocol that no ping has.
var _ = Describe("the reason why a ping got no answer, among the losses of others", func() {
	It("is that of its own direction", func() {
		up(write("sides.yaml", `format: 1
lab: sides
nodes:
  sw: {kind: vswitch}
  d: {kind: vswitch, profile: distributed, pvlans: {301: {isolated: 302}}, vlan: {pvlan: 302}}
  a: {ip: 10.9.0.1/24, neigh: {10.9.0.2: "02:00:00:00:00:77"}, sysctls: {net.ipv4.icmp_echo_ignore_all: 1}}
  b: {ip: 10.9.0.2/24}
  p: {ip: 10.8.0.1/24}
  q: {ip: 10.8.0.2/24}
links: [a b -- sw, p q -- d]
`))
		r := labctl("matrix", "--from", "a,b,p,q", "--to", "a,b,p,q")
		for _, own := range []string{"a -> b: dropped: sw:a UnknownUnicast", "p -> q: dropped: d:q PvlanIsolation", "q -> p: dropped: d:p PvlanIsolation"} {
			Expect(r.out).To(MatchRegexp(`(?m)^ *# %s( \(\d+ frames\))?$`, own))
		}
		Expect(r.out).NotTo(ContainSubstring("b -> a"))
	})

	It("is no frame that somebody else has sent in the name of its ends", func() {
		up(write("forged.yaml", `format: 1
lab: forged
nodes:
  sw: {kind: vswitch}
  a: {ip: 10.1.0.1/24}
  b: {ip: 10.1.0.2/24, sysctls: {net.ipv4.icmp_echo_ignore_all: 1}}
  c: {ip: 10.1.0.3/24}
links: [a b c -- sw]
steps:
  - name: c and a forge
    do:
      - send: {from: c, name: c, src: "02:00:00:00:00:99", dst: b, every: 10ms, icmp: {from: 10.1.0.1, to: 10.1.0.2}}
      - send: {from: a, name: a, src: "02:00:00:00:00:98", dst: b, every: 10ms, icmp: {from: 10.1.0.1, to: 10.1.0.2}}
`))
		Expect(labctl("step")).To(Exit(0))
		Eventually(func() string { return labctl("drops", "sw").out }).Should(And(ContainSubstring("sw:a"), ContainSubstring("sw:c")))
		for _, kept := range [][]string{nil, {"--kept"}} {
			r := labctl(append([]string{"ping", "a", "b"}, kept...)...)
			Expect(r).To(Exit(1))
			Expect(r.out).To(And(ContainSubstring("silent"), Not(ContainSubstring("dropped"))))
		}
	})

	It("is no rule for another protocol, however often that counts", func() {
		up(write("talk.yaml", `format: 1
lab: talk
nodes:
  a: {ip: 10.1.0.1/24, routes: {default: 10.1.0.254}}
  fw:
    kind: router
    interfaces: {eth0: 10.1.0.254/24, eth1: 10.2.0.254/24}
    rules: {f: {iptables: "-A FORWARD -p udp -j DROP   # no-udp"}}
  b: {ip: 10.2.0.2/24, sysctls: {net.ipv4.icmp_echo_ignore_all: 1}}
links: [a -- fw:eth0, fw:eth1 -- b]
steps:
  - name: chatter
    do:
      - run: {node: a, background: true, sh: "exec bash -c 'while :; do echo x >/dev/udp/10.2.0.2/9; sleep 0.002; done'"}
`))
		Expect(labctl("step")).To(Exit(0))
		hits := func() uint64 { return *ruleOf("talk", "f", "no-udp").Packets }
		Eventually(hits).Should(BeNumerically(">", hits()+5))
		r := labctl("ping", "a", "b")
		Expect(r).To(Exit(1))
		Expect(r.out).To(And(ContainSubstring("silent"), Not(ContainSubstring("refused"))))
	})
})

// Finding out what stopped a silent ping takes as long as a ping may be silent, so a table has time for few of them.
var _ = Describe("the reason why pings got no answer, where there are more than there is time for", func() {
	It("is given for some, the rest are counted, and ping says it of each of them", func() {
		file := "# h1 to h12 ─── s1\nformat: 1\nlab: budget\nnodes:\n  s1: {kind: bridge}\n"
		for i := 1; i <= 12; i++ {
			file += fmt.Sprintf("  h%d: {ip: 10.9.0.%d/24, rules: {deny: {iptables: -A INPUT -p icmp -j DROP}}}\n", i, i)
		}
		up(write("budget.yaml", file+"links: [h1 h2 h3 h4 h5 h6 h7 h8 h9 h10 h11 h12 -- s1]\n"))
		const left = `not investigated, to save time: "labctl ping A B" says what stopped it`
		type cell struct{ From, To, Outcome, Why string }
		r := labctl("matrix", "-o", "json")
		Expect(r).To(Exit(0))
		count := map[string]int{}
		var last cell
		for _, c := range decode[struct{ Cells []cell }](r).Cells {
			Expect(c.Outcome).To(Equal("silent"))
			if c.Why == left {
				last = c
				count["left"]++
			} else if c.Why == "refused by "+c.To+"/deny/1" {
				count["refused"]++
			}
		}
		Expect(count["refused"]).To(BeNumerically(">", 0))
		Expect(count["left"]).To(BeNumerically(">", 0))
		Expect(count["refused"] + count["left"]).To(Equal(12 * 11))
		r = labctl("ping", last.From, last.To)
		Expect(r).To(Exit(1))
		Expect(r.out).To(And(ContainSubstring("refused by "+last.To+"/deny/1"), Not(ContainSubstring("to save time"))))
		Expect(labctl("matrix").out).To(MatchRegexp(`(?m)^# h\d+ -> h\d+.*: ` + left + "$"))
	})
})
