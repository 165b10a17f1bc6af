package e2e

import (
	"os"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// The frames of a storm take what processors there are, so it has the machine for itself, and is short.
var _ = Describe("a ring without a spanning tree", Serial, func() {
	text, err := os.ReadFile("testdata/loop.yaml")
	var file string
	BeforeEach(func() {
		Expect(err).NotTo(HaveOccurred())
		file = write("loop.yaml", string(text))
	})

	It("is named by validate", func() {
		r := labctl("validate", file)
		Expect(r).To(Exit(0))
		Expect(r.err).To(ContainSubstring("warning: links[3]: a ring without a spanning tree: s1:b -- s2:b, s2:a -- s1:a"))
	})

	It("is why nothing can be measured", func() {
		run, docs := verifyThese(file)
		Expect(run).To(Exit(1))
		Expect(docs).To(HaveLen(1))
		cells := 0
		for _, s := range docs[0].Steps {
			for _, t := range s.Tables {
				for _, c := range t.Cells {
					if !c.Judged {
						continue
					}
					cells++
					Expect(c.OK).To(BeFalse(), c.Question)
					Expect(c.Got).To(Equal("unknown"), c.Detail)
					Expect(c.Detail).To(MatchRegexp(`storm: .*s1:b -- s2:b, s2:a -- s1:a.* (million|thousand) a second at s[12]:[ab]`))
				}
			}
		}
		Expect(cells).To(Equal(2))
	})

	It("is named where a tunnel closes it, and cut by a tree through the tunnel", func() {
		const bridge = "{bridge: [p, c, vx]}"
		lab := "format: 1\nlab: tunnelring\nnodes:\n  h1: {ip: 192.168.7.1/24}\n  h2: {ip: 192.168.7.2/24}\n" +
			"  b1: {interfaces: {u: 10.0.0.1/24, vx: {vxlan: {id: 5, remote: 10.0.0.2, dev: u}}, br: " + bridge + "}}\n" +
			"  b2: {interfaces: {u: 10.0.0.2/24, vx: {vxlan: {id: 5, remote: 10.0.0.1, dev: u}}, br: " + bridge + "}}\n" +
			"links: [b1:u -- b2:u, b1:c -- b2:c, h1 -- b1:p, h2 -- b2:p]\n"
		const tree = "{stp: true, forward_delay: 4s, max_age: 6s, hello_time: 1s, bridge: [p, c, vx]}"
		ring := write("ring.yaml", lab)
		Expect(labctl("validate", ring).err).To(ContainSubstring("a ring without a spanning tree: b1:vx -- b2:vx, b2:c -- b1:c"))
		up(ring)
		r := labctl("ping", "h1", "h2")
		Expect(r).NotTo(Exit(0))
		Expect(r.out).To(ContainSubstring("storm: frames circle in a ring without a spanning tree (b1:vx -- b2:vx, b2:c -- b1:c)"))
		Expect(os.WriteFile(ring, []byte(strings.ReplaceAll(lab, bridge, tree)), 0o644)).To(Succeed())
		Expect(labctl("up", ring)).To(Exit(0))
		Expect(labctl("ping", "h1", "h2")).To(Exit(0))
	})

	It("is told by ping and matrix too, and gone with a tree", func() {
		up(file)
		for _, args := range [][]string{{"ping", "h1", "h2"}, {"matrix"}} {
			r := labctl(args...)
			Expect(r).NotTo(Exit(0))
			Expect(r.out).To(ContainSubstring("unknown"))
			Expect(r.out).To(ContainSubstring("storm: frames circle"))
		}
		Expect(labctl("set", "s1.stp=true", "s1.forward_delay=4s", "s1.max_age=6s")).To(Exit(0))
		r := labctl("ping", "h1", "h2")
		Expect(r).To(Exit(0))
	})
})
