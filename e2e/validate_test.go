package e2e

import (
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("validate --kernel", func() {
	const bad = `format: 1
lab: ask
nodes:
  s: {kind: bridge}
  a:
    ip: 10.0.0.1/24
    rules:
      xt: {iptables: "-A INPUT -p tcp --dprt 22 -j ACCEPT"}
      off: {load: false, nft: "table ip t { chain c { tcp dport 1-2-3 drop; }; }"}
      dev: {nft: "table netdev t { chain c { type filter hook ingress device \"eth0\" priority 0; }; }"}
links: [a -- s]
steps:
  - name: later
    set: {a: {rules: {xt: {iptables: "-A INPUT -m limit --limit 5/fortnight -j DROP"}}}}
`

	It("finds what only the tools know, in the file and in its steps, and leaves nothing behind", func() {
		file := write("ask.yaml", bad)
		Expect(labctl("validate", file)).To(Exit(0))
		before, _ := filepath.Glob("/run/netns/*")
		r := labctl("validate", "--kernel", file)
		Expect(r).To(Exit(2))
		for _, want := range []string{"ask.yaml:8:23: nodes.a.rules.xt: ", "ask.yaml:9:", "nodes.a.rules.off: ", "ask.yaml:14:", "fortnight"} {
			Expect(r.err).To(ContainSubstring(want))
		}
		Expect(r.err).NotTo(ContainSubstring("rules.dev"))
		doc := decode[struct {
			OK       bool
			Problems []struct{ Path string }
		}](labctl("validate", "--kernel", file, "-o", "json"))
		Expect(doc.OK).To(BeFalse())
		Expect(doc.Problems).To(HaveLen(3))
		after, _ := filepath.Glob("/run/netns/*")
		Expect(after).To(Equal(before))
		Expect(instances()).To(BeEmpty())
	})

	It("agrees to shipped labs", func() {
		Expect(labctl("validate", "--kernel", "port-guard", "mitm-two-bridges")).To(Exit(0))
	})

	if root {
		It("says so where labs cannot run", Label("root"), func() {
			file := write("ask.yaml", bad)
			Expect(run(nil, "", "setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", binary, "validate", "--kernel", file)).To(Exit(4))
		})
	}
})
