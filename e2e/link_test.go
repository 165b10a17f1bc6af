package e2e

import (
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("link down", func() {
	// routes is what iproute2 shows, but for the links' own.
	routes := func() string {
		GinkgoHelper()
		r := labctl("exec", "-l", "behind", "h", "--", "sh", "-c", "ip route; ip -6 route")
		Expect(r).To(Exit(0))
		lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(r.out), "\n"), func(l string) bool { return strings.HasPrefix(l, "fe80::/64") })
		slices.Sort(lines)
		return strings.Join(lines, "\n")
	}

	It("takes the routes behind the interface along, and link up brings them back", func() {
		file := write("behind.yaml", `# r1 ── s1 ── a:h:b ── s2 ── r2
format: 1
lab: behind
nodes:
  s1: {kind: bridge}
  s2: {kind: bridge}
  h:
    interfaces:
      a: {ip: [10.0.0.1/24, "fd00::1/64"]}
      b: {ip: 10.1.0.1/24}
    routes: {default: [10.0.0.254, "fd00::fe"], 10.2.0.0/16: 10.1.0.254, 10.3.0.0/16: {via: 10.9.9.9, dev: b, onlink: true}, "fd02::/64": {dev: b, src: "fd00::1"}}
  r1: {kind: router, ip: [10.0.0.254/24, "fd00::fe/64"]}
  r2: {kind: router, ip: 10.1.0.254/24}
links:
  - h:a r1 -- s1
  - h:b r2 -- s2
`)
		up(file)
		whole := routes()
		Expect(whole).To(And(ContainSubstring("default via 10.0.0.254 dev a"), ContainSubstring("default via fd00::fe dev a"), ContainSubstring("10.3.0.0/16 via 10.9.9.9 dev b")))
		for _, order := range [][2]string{{"h:a", "h:b"}, {"h:b", "h:a"}} {
			Expect(labctl("link", "down", order[0])).To(Exit(0))
			Expect(routes()).NotTo(ContainSubstring(" dev " + strings.TrimPrefix(order[0], "h:")))
			Expect(routes()).To(ContainSubstring(" dev " + strings.TrimPrefix(order[1], "h:")))
			Expect(labctl("link", "down", order[1])).To(Exit(0))
			Expect(routes()).To(BeEmpty())
			Expect(labctl("link", "up", order[0])).To(Exit(0))
			Expect(labctl("link", "up", order[1])).To(Exit(0))
			Expect(routes()).To(Equal(whole))
		}
		Expect(labctl("link", "down", "h:a")).To(Exit(0))
		Expect(labctl("reset")).To(Exit(0))
		Expect(routes()).To(Equal(whole))
		Expect(labctl("ping", "h", "r1")).To(Exit(0))

		edit(file, "a: {ip: [", "a: {up: false, ip: [")
		Expect(labctl("up", "--reset", file)).To(Exit(0))
		Expect(routes()).To(And(ContainSubstring("10.2.0.0/16 via 10.1.0.254 dev b"), Not(ContainSubstring("default"))))
	})
})

var _ = Describe("a change of what is not there", func() {
	It("is refused with what is there", func() {
		up(write("absent.yaml", `# h1 ── s1 ── h2
format: 1
lab: messages
nodes:
  h1: {ip: 10.0.0.1/24}
  h2: {ip: 10.0.0.2/24}
  s1: {kind: bridge}
links: [h1 h2 -- s1]
`))
		for _, c := range []struct{ line, want string }{
			{"link down h1:eth1", `labctl: h1 has no interface "eth1"; it has eth0`},
			{"policy set s1 forged_transmits=accept", "labctl: s1 is a bridge; policies need kind: vswitch"},
			{"send h1 --dst h2 --icmp 10.0.0.1", `labctl: --icmp "10.0.0.1": write FROM,TO, as 10.0.0.1,10.0.0.2`},
			{"plan messages", "labctl: messages: no such file; of the running lab of that name: labctl plan -l messages"},
		} {
			r := labctl(strings.Fields(c.line)...)
			Expect(r).To(Exit(2))
			Expect(strings.TrimSpace(r.err)).To(Equal(c.want))
		}
		Expect(labctl("link", "down", "h1:eth0")).To(Exit(0))
		Expect(labctl("link", "up", "h1:eth0")).To(Exit(0))
	})
})
