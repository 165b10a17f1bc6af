package e2e

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// drawing is "graph -o json".
type drawing struct {
	Format int
	Lab    string
	Nodes  []struct {
		Name, Holder, Kind string
		Settings           []string
		Groups             []struct {
			Name     string
			Settings []string
		}
		Interfaces []struct {
			Name      string
			Addresses []string
			Down      bool
		}
	}
	Cables []struct{ Ends []string }
}

var _ = Describe("graph", func() {
	It("draws a file in every language", func() {
		r := labctl("graph", "nested")
		Expect(r).To(Exit(0))
		Expect(r.out).To(ContainSubstring("hv1 (host)\n├─ br0 (bridge)\n│  ├─ vm1 ── hv1.vm1:eth0\n"))
		Expect(labctl("graph", "nested", "-o", "mermaid").out).To(HavePrefix("flowchart LR\n"))
		Expect(labctl("graph", "nested", "-o", "dot").out).To(HavePrefix("graph \"nested\" {\n"))
		got := decode[drawing](labctl("graph", "nested", "-o", "json"))
		Expect(got.Format).To(Equal(1))
		Expect(got.Nodes).To(HaveLen(10))
		Expect(got.Nodes[3].Name).To(Equal("hv1.br0"))
		Expect(got.Nodes[3].Holder).To(Equal("hv1"))
		Expect(got.Cables).To(HaveLen(7))
		Expect(labctl("graph", "nested", "-o", "yaml").out).To(HavePrefix("format: 1\nlab: nested\n"))
		Expect(labctlWith([]string{"LABCTL_OUTPUT=json"}, "", "graph", "nested").out).To(HavePrefix("{"))
		Expect(labctlWith([]string{"LABCTL_OUTPUT=table"}, "", "graph", "nested").out).To(Equal(r.out))
		r = labctlWith(nil, "format: 1\nlab: a\nnodes: {a: {}}\n", "graph", "-")
		Expect(r).To(Exit(0))
		Expect(r.out).To(Equal("a\n\na (host)\n"))
	})

	It("says that a drawing is too large for Mermaid", func() {
		file := filepath.Join(GinkgoT().TempDir(), "large.yaml")
		Expect(labctl("init", file, "--hosts", "501")).To(Exit(0))
		r := labctl("graph", file, "-o", "mermaid")
		Expect(r).To(Exit(0))
		Expect(r.err).To(ContainSubstring("Mermaid refuses more than 500 links"))
		Expect(labctl("graph", file, "-o", "dot").err).To(BeEmpty())
		Expect(labctl("graph", "vlan-modes", "-o", "mermaid").err).To(BeEmpty())
	})

	It("draws SVG by Graphviz, and says how to get it", func() {
		r := labctl("graph", "vlan-modes", "-o", "svg")
		Expect(r).To(Exit(0))
		d, drawn := xml.NewDecoder(strings.NewReader(r.out)), 0
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			Expect(err).NotTo(HaveOccurred())
			if s, ok := token.(xml.StartElement); ok && s.Name.Local == "g" {
				for _, a := range s.Attr {
					if a.Name.Local == "class" && a.Value == "node" {
						drawn++
					}
				}
			}
		}
		Expect(drawn).To(Equal(18))
		r = labctlWith([]string{"PATH=" + GinkgoT().TempDir()}, "", "graph", "vlan-modes", "-o", "svg")
		Expect(r).To(Exit(4))
		Expect(r.err).To(ContainSubstring("apt-get install graphviz"))
		Expect(r.out).To(BeEmpty())
	})

	It("says what is wrong", func() {
		Expect(labctl("graph", "nested", "-o", "png").err).To(ContainSubstring(`--output "png": there are text, mermaid, dot, svg, json or yaml`))
		Expect(labctl("graph", "nested", "-o", "png")).To(Exit(2))
		Expect(labctl("graph", "no-such-lab")).To(Exit(2))
		Expect(labctl("graph", "-l", "no-such-lab")).To(Exit(2))
		Expect(labctl("graph", "-l", "one", "nested")).To(Exit(2))
		Expect(labctl("graph", "nested", "routed")).To(Exit(2))
		Expect(labctl("graph")).To(Exit(2))
		Expect(labctl("graph", write("bad.yaml", "format: 1\nlab: bad\nnodes: {a: {kind: cloud}}\n"))).To(Exit(2))
	})

	It("draws a running lab as it is now, and its file as it is written", func() {
		up("forged-transmits", "--as", "drawn")
		Expect(labctl("set", "-l", "drawn", "gw.ip=192.168.0.77/24")).To(Exit(0))
		Expect(labctl("policy", "set", "vSwitch0", "forged_transmits=accept")).To(Exit(0))
		Expect(labctl("link", "down", "vSwitch0:guest")).To(Exit(0))
		for _, args := range [][]string{{"drawn"}, {"-l", "drawn"}, {}} {
			r := labctl(append([]string{"graph", "-o", "json"}, args...)...)
			Expect(r).To(Exit(0))
			got := decode[drawing](r)
			Expect(got.Nodes[0].Settings).To(ContainElement("forged_transmits accept"))
			Expect(r.out).To(ContainSubstring("192.168.0.77/24"))
			for _, i := range got.Nodes[0].Interfaces {
				Expect(i.Down).To(Equal(i.Name == "guest"), i.Name)
			}
		}
		Expect(labctl("graph", "forged-transmits").out).NotTo(Or(ContainSubstring("192.168.0.77"), ContainSubstring("forged_transmits accept")))
		Expect(labctl("reset", "-l", "drawn")).To(Exit(0))
		Expect(labctl("graph", "drawn").out).To(Equal(labctl("graph", "forged-transmits").out))
	})

	It("wants to know which lab, where several are running", func() {
		up("two-hosts", "--as", "left")
		up("two-hosts", "--as", "right")
		r := labctl("graph")
		Expect(r).To(Exit(2))
		Expect(r.err).To(ContainSubstring("which lab? 2 are running: left, right"))
		Expect(labctl("graph", "left").out).To(HavePrefix("two-hosts: "))
	})

	It("follows the steps that a lab was walked through", func() {
		up("spanning-tree")
		was := labctl("graph", "-l", "spanning-tree").out
		Expect(labctl("step", "-l", "spanning-tree")).To(Exit(0))
		now := labctl("graph", "-l", "spanning-tree").out
		Expect(now).NotTo(Equal(was))
		Expect(now).To(ContainSubstring("s3 (down) ── s3:s1"))
	})

	It("takes ./lab.yaml before a running lab", func() {
		up("two-hosts")
		dir := GinkgoT().TempDir()
		Expect(os.WriteFile(filepath.Join(dir, "lab.yaml"), []byte("format: 1\nlab: here\nnodes: {a: {}}\n"), 0o644)).To(Succeed())
		Expect(run(nil, "", "sh", "-ec", `cd "$1"; "$2" graph`, "sh", dir, binary).out).To(HavePrefix("here\n"))
		Expect(labctl("graph").out).To(HavePrefix("two-hosts: "))
	})
})
