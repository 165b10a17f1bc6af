package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// A rule refuses what h3 sends to h1, another the copies of ARP requests that go from h1 to h2: h1's ping of h3 makes
// both count.
const bystander = `# h1 h2 h3 ── s1
format: 1
lab: bystander
nodes:
  s1:
    kind: bridge
    rules:
      f:
        nft: |
          table bridge f {
            chain c {
              type filter hook forward priority 0; policy accept;
              iifname h1 oifname h2 ether type arp counter drop comment "arp12"
              iifname h3 oifname h1 ip protocol icmp counter drop comment "icmp31"
            }
          }
  h1: {ip: 10.0.0.1/24}
  h2: {ip: 10.0.0.2/24}
  h3: {ip: 10.0.0.3/24}
links: [h1 h2 h3 -- s1]
`

// Two streams talk: one that a rule refuses, and one to the host that will not answer. b answers no echo, and nothing
// refuses what is sent to it; d is refused.
const refusals = `# a b c d ── s1
format: 1
lab: refusals
nodes:
  s1:
    kind: bridge
    rules:
      f:
        nft: |
          table bridge f {
            chain c {
              type filter hook forward priority 0; policy accept;
              ip protocol icmp ip daddr 10.0.0.4 counter drop comment "to-d"
              arp operation request arp daddr ip 10.0.0.5 counter drop comment "who-has-e"
            }
          }
  a: {ip: 10.0.0.1/24}
  b: {ip: 10.0.0.2/24, sysctls: {net.ipv4.icmp_echo_ignore_all: 1}}
  c: {ip: 10.0.0.3/24}
  d: {ip: 10.0.0.4/24}
  e: {ip: 10.0.0.5/24}
links: [a b c d e -- s1]
steps:
  - name: noise
    do:
      - stream: {from: c, to: d, name: noise, every: 20ms}
`

var _ = Describe("the rule that stopped a ping", func() {
	It("is named, and no other that refuses packets at the same time", func() {
		up(write("refusals.yaml", refusals))
		Expect(labctl("step")).To(Exit(0))
		hits := func() uint64 { return *ruleOf("refusals", "f", "to-d").Packets }
		before := hits()
		Eventually(hits).Should(BeNumerically(">", before+5), "the noise is refused all the time")
		for _, kept := range []bool{false, true} {
			args := func(to string) []string {
				if kept {
					return []string{"ping", "a", to, "--kept"}
				}
				return []string{"ping", "a", to}
			}
			r := labctl(args("d")...)
			Expect(r).To(Exit(1))
			Expect(r.out).To(ContainSubstring("; refused by s1/f/to-d"))
			r = labctl(args("e")...)
			Expect(r).To(Exit(1))
			Expect(r.out).To(And(ContainSubstring("; refused by s1/f/who-has-e"), Not(ContainSubstring("to-d"))))
			r = labctl(args("b")...)
			Expect(r).To(Exit(1))
			Expect(r.out).To(And(ContainSubstring("silent"), Not(ContainSubstring("refused"))))
		}
	})

	It("is not one that only the search for neighbours meets", func() {
		up(write("bystander.yaml", bystander))
		for range 3 {
			r := labctl("ping", "h1", "h3")
			Expect(r).To(Exit(1))
			Expect(r.out).To(And(ContainSubstring("; refused by s1/f/icmp31"), Not(ContainSubstring("arp12"))))
			r = labctl("ping", "h1", "h2")
			Expect(r).To(Exit(1))
			Expect(r.out).To(And(ContainSubstring("; refused by s1/f/arp12"), Not(ContainSubstring("icmp31"))))
		}
	})
})
