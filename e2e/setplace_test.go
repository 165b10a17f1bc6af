package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("a mistake in what is set by hand", func() {
	const lab = `# a ── b
format: 1
lab: places
nodes:
  a: {ip: 10.0.0.1/24}
  b:
    ip: 10.0.0.2/24
    rules:
      off: {load: false, nft: "table inet t { }"}
links: [a -- b]
steps:
  - name: fails
    do:
      - run: {node: a, sh: "echo why; exit 3"}
`

	DescribeTable("is shown where it was typed", func(set, want string) {
		up(write("lab.yaml", lab))
		r := labctl("set", set)
		Expect(r).To(Exit(2))
		Expect(r.err).To(Equal(want))
	},
		Entry("when there is no value", "a.routes",
			"labctl: a.routes has no value: write a.routes=VALUE; want a map from destinations to gateways, as {default: 10.0.0.254}\n"),
		Entry("in a key of the file", "a.routes={default: via 10.0.0.2}", `labctl: set a.routes.default: "via 10.0.0.2" has one word too many; write 10.0.0.2
   1 | a.routes={default: via 10.0.0.2}
     |           ^^^^^^^^^^^^^^^^^^^^^
`),
		Entry("in text for nft", "b.rules.off={load: true, nft: 'table inet t { chain c { tcp dport 1-2-3 drop; } }'}",
			`labctl: set b.rules.off: syntax error, unexpected -, expecting newline or semicolon
   1 | b.rules.off={load: true, nft: 'table inet t { chain c { tcp dport 1-2-3 drop; } }'}
     |                                                                      ^
`),
		Entry("in a command of iptables", "b.rules.y={iptables: '-A INPUT -m limit --limit 5/fortnight -j DROP'}",
			`labctl: set b.rules.y: bad rate "5/fortnight"'
   1 | b.rules.y={iptables: '-A INPUT -m limit --limit 5/fortnight -j DROP'}
     |                                                 ^^^^^^^^^^^
`),
	)

	It("and a command of a step that fails are told with their places", func() {
		file := write("lab.yaml", lab)
		up(file)
		r := labctl("step")
		Expect(r).To(Exit(1))
		Expect(r.out).To(ContainSubstring("  FAILED: " + file + ":14:9: a: echo why; exit 3: exit status 3: why\n"))
	})
})
