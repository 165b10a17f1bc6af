package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("the visibility matrix", func() {
	It("says who overhears whom", func() {
		up("promiscuous")
		seen := func(args ...string) string {
			GinkgoHelper()
			r := labctl(append([]string{"matrix", "--probe", "sees", "--from", "win1", "--to", "win2"}, args...)...)
			Expect(r).To(Exit(0))
			return r.out
		}
		Expect(seen()).To(HavePrefix("flow\\at     pc  win1  win2  sniffer  win3  win4  probe\nwin1->win2  no  .     .     no       no    no    no\n"))
		Expect(labctl("policy", "set", "vSwitch0", "promiscuous=accept")).To(Exit(0))
		Expect(seen("--at", "sniffer,win2")).To(HavePrefix("flow\\at     sniffer  win2\nwin1->win2  yes      yes\n"))
		Expect(labctl("matrix", "--at", "pc")).To(Exit(2))
	})

	It("has a line for whoever is answered for more than once", func() {
		up("mitm-two-bridges")
		Expect(labctl("matrix", "--probe", "answers", "--from", "kali3", "--to", "host").out).NotTo(ContainSubstring("answers:"))
		Expect(labctl("set", "host.sysctls.rp_filter=0")).To(Exit(0))
		Expect(labctl("matrix", "--probe", "answers", "--from", "kali3", "--to", "host").out).To(ContainSubstring("# kali3 -> host: 3 answers: 192.168.50.1 is at "))
	})
})
