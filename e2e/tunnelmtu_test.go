package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("the longest packet", func() {
	It("is no black hole where the sender's own tunnel teaches it the path MTU by a loss", func() {
		up(write("taught.yaml", `format: 1
lab: taught
nodes:
  a: {interfaces: {eth0: 10.0.0.1/24, vx: {vxlan: {id: 5, remote: 10.0.0.2, df: set}, ip: 10.7.0.1/24, mtu: 1500}}}
  b: {interfaces: {eth0: 10.0.0.2/24, vx: {vxlan: {id: 5, remote: 10.0.0.1}, ip: 10.7.0.2/24, mtu: 1500}}}
links: [a:eth0 -- b:eth0]
`))
		r := labctl("exec", "a", "--", "ping", "-n", "-M", "do", "-c", "2", "-W", "1", "-s", "1472", "10.7.0.2")
		Expect(r.out+r.err).To(ContainSubstring("mtu=1450"), "ping is told by the second request")
		r = labctl("matrix", "--probe", "mtu", "--from", "a", "--to", "b:vx")
		Expect(r).To(Exit(0))
		Expect(r.out).To(MatchRegexp(`a +1450\n`))
	})
})
