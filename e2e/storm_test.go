package e2e

import (
	"os"

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
