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
		Expect(r.out).To(MatchRegexp(`vm0 -> esxi1\.vm1: no-arp.*dropped: dvs:esxi1-vmnic0 MacForgery`))
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
