package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("questions of ports", func() {
	It("hear of every one that a router knows no route, although it says so five times and then once a second", func() {
		r := labctl("verify", write("paced.yaml", `format: 1
lab: paced
nodes:
  a: {ip: 10.1.0.2/24, routes: {default: 10.1.0.1}}
  r: {kind: router, ip: 10.1.0.1/24}
  s: {ip: 10.9.0.1/24}
  br: {kind: bridge}
links: [a r s -- br]
expect:
  tcp: |
    from\to  s:1                    s:2                    s:3                    s:4                    s:5                    s:6                    s:7
    a        icmp:net-unreachable@r icmp:net-unreachable@r icmp:net-unreachable@r icmp:net-unreachable@r icmp:net-unreachable@r icmp:net-unreachable@r icmp:net-unreachable@r
  udp: |
    from\to  s:1
    a        icmp:net-unreachable@r
`))
		Expect(r).To(Exit(0))
	})
})
