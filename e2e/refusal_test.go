package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// Two streams talk: one that a rule refuses, and one to the host that will not answer. b answers no echo, and nothing refuses what
// is sent to it; d is refused.
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
})
