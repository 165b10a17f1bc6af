package e2e

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// joined are hosts of a bridge that asks who has joined what.
const joined = `# a, b, c ── br
format: 1
lab: joined
ipv6: true
nodes:
  br: {kind: bridge, mcast_querier: true, mcast_query_interval: 1s, mcast_query_response_interval: 500ms, mcast_startup_query_interval: 1s}
  a: {ip: 10.0.0.1/24, joins: [239.1.1.1, "ff15::1"]}
  b: {ip: 10.0.0.2/24, joins: 239.1.1.1}
  c: {ip: 10.0.0.3/24}
links: [a b c -- br]
expect:
  mdb: |
    group\on   br
    239.1.1.1  a+b
    ff15::1    a
    239.1.1.9  -
`

// membersOf are the ports of br that bridge(8) has for a group, sorted.
func membersOf(group string) string {
	GinkgoHelper()
	r := labctl("exec", "br", "--", "bridge", "-j", "mdb", "show", "dev", "br")
	Expect(r).To(Exit(0))
	var tables []struct{ MDB []struct{ Port, Grp string } }
	Expect(json.Unmarshal([]byte(r.out), &tables)).To(Succeed(), r.String())
	var ports []string
	for _, t := range tables {
		for _, e := range t.MDB {
			if e.Grp == group {
				ports = append(ports, e.Port)
			}
		}
	}
	slices.Sort(ports)
	return strings.Join(ports, "+")
}

// groupsIn are what ip(8) says that eth0 of a node has joined of the groups of these labs.
func groupsIn(node string) string {
	GinkgoHelper()
	r := labctl("exec", node, "--", "ip", "-j", "maddr", "show", "dev", "eth0")
	Expect(r).To(Exit(0))
	var list []struct{ Maddr []struct{ Address string } }
	Expect(json.Unmarshal([]byte(r.out), &list)).To(Succeed(), r.String())
	var groups []string
	for _, m := range list[0].Maddr {
		if strings.HasPrefix(m.Address, "239.") || strings.HasPrefix(m.Address, "ff15:") {
			groups = append(groups, m.Address)
		}
	}
	slices.Sort(groups)
	return strings.Join(groups, " ")
}

var _ = Describe("joins", func() {
	asTheFileSays := func() {
		GinkgoHelper()
		Eventually(func() string { return membersOf("239.1.1.1") }, "20s", "50ms").Should(Equal("a+b"))
		Eventually(func() string { return membersOf("ff15::1") }, "20s", "50ms").Should(Equal("a"))
		Expect(membersOf("239.1.1.9")).To(BeEmpty())
		Expect(labctl("verify", "joined")).To(Exit(0))
		Expect(groupsIn("a")).To(Equal("239.1.1.1 ff15::1"))
		Expect(groupsIn("b")).To(Equal("239.1.1.1"))
		Expect(groupsIn("c")).To(BeEmpty())
	}

	It("are what bridge mdb and ip maddr show, also after a change, a set, a link that was down and a restart", func() {
		file := write("lab.yaml", joined)
		up(file)
		asTheFileSays()

		Expect(os.WriteFile(file, []byte(strings.Replace(joined, "joins: 239.1.1.1", "joins: [239.1.1.9]", 1)), 0o644)).To(Succeed())
		r := labctl("up", file)
		Expect(r).To(Exit(0))
		Expect(r.out + r.err).To(ContainSubstring("b: eth0: joins [239.1.1.1] -> [239.1.1.9]"))
		Expect(groupsIn("b")).To(Equal("239.1.1.9"))
		Eventually(func() string { return membersOf("239.1.1.9") }, "20s", "50ms").Should(Equal("b"))
		Eventually(func() string { return membersOf("239.1.1.1") }, "20s", "50ms").Should(Equal("a"))
		Expect(os.WriteFile(file, []byte(joined), 0o644)).To(Succeed())
		Expect(labctl("up", file)).To(Exit(0))

		Expect(labctl("set", "c.joins=[239.1.1.9]")).To(Exit(0))
		Expect(groupsIn("c")).To(Equal("239.1.1.9"))
		Eventually(func() string { return membersOf("239.1.1.9") }, "20s", "50ms").Should(Equal("c"))
		Expect(labctl("reset")).To(Exit(0))
		Expect(groupsIn("c")).To(BeEmpty())
		Eventually(func() string { return membersOf("239.1.1.9") }, "20s", "50ms").Should(BeEmpty())

		Expect(labctl("link", "down", "a:eth0")).To(Exit(0))
		Expect(labctl("link", "up", "a:eth0")).To(Exit(0))
		asTheFileSays()
	})

	It("are there again after the supervisor was killed", func() {
		file := write("lab.yaml", joined)
		up(file)
		asTheFileSays()
		Expect(syscall.Kill(supervisor("joined"), syscall.SIGKILL)).To(Succeed())
		Eventually(func() string { return state("joined") }, "10s").Should(Equal("degraded"))
		Expect(labctl("up", file)).To(Exit(0))
		asTheFileSays()
	})

	It("have no address of the interface for it, and answer to the group by the node's own", func() {
		up(write("lab.yaml", joined))
		r := labctl("exec", "a", "--", "ip", "addr", "show", "dev", "eth0")
		Expect(r).To(Exit(0))
		Expect(r.out).NotTo(ContainSubstring("239.1.1.1"))
		Expect(r.out).NotTo(ContainSubstring("ff15::1"))
		r = labctl("exec", "c", "--", "ping", "-6", "-c1", "-W2", "-I", "eth0", "ff15::1")
		Expect(r).To(Exit(0))
		Expect(r.out).To(ContainSubstring("from fe80::"))
	})
})
