package e2e

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// requests is how many echo requests a node's kernel has made out of what sockets sent (RFC 2011).
func requests(node string) (n int) {
	GinkgoHelper()
	r := labctl("exec", node, "--", "cat", "/proc/net/snmp")
	Expect(r).To(Exit(0))
	var names []string
	for line := range strings.Lines(r.out) {
		f := strings.Fields(line)
		if f[0] != "Icmp:" {
			continue
		}
		for i, name := range names {
			if name == "OutEchos" {
				_, err := fmt.Sscan(f[i], &n)
				Expect(err).NotTo(HaveOccurred())
				return n
			}
		}
		names = f
	}
	Fail("no OutEchos in " + r.out)
	return 0
}

// A ping that nothing came for is sent for a moment and for as long as it takes, and once a round where rules or
// policies may be why.
var _ = DescribeTable("what nobody answers is asked once, right after up too", func(lab, from, to string, rounds int) {
	if strings.HasPrefix(lab, "format") {
		lab = write("once.yaml", lab)
	}
	up(lab)
	before := requests(from)
	r := labctl("ping", from, to)
	Expect(r.out).To(ContainSubstring("silent"))
	Expect(requests(from)-before).To(Equal(2+rounds), r.out)
	before = requests(from)
	Expect(labctl("ping", from, to, "--kept").out).To(ContainSubstring("silent"))
	Expect(requests(from)-before).To(Equal(1+rounds), "from kept tables")
},
	Entry("a host with too narrow a mask", `format: 1
lab: once
nodes:
  s1: {kind: bridge}
  h1: {ip: 10.0.0.1/24}
  h2: {ip: 10.0.0.130/25}
links: [h1 h2 -- s1]
`, "h1", "h2", 0),
	Entry("a switch that sends it to nobody", `format: 1
lab: once
nodes:
  s1: {kind: bridge}
  sw: {kind: vswitch}
  a: {ip: 10.0.0.1/24, neigh: {10.0.0.2: "02:00:00:00:00:77"}}
  b: {ip: 10.0.0.2/24}
  c: {ip: 10.0.0.3/24}
  d: {ip: 10.0.0.4/24}
links: [a b -- sw, c d -- s1]
`, "a", "b", 0),
	Entry("a filter on source addresses", "subnet-mask-rp-filter", "h0", "h2", 0),
	Entry("a rule", "persistent-names", "kali1", "kali3", 3),
)
