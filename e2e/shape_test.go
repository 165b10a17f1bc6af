package e2e

import (
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("a lab that init writes", func() {
	for _, what := range [][]string{
		{"--hosts", "2"}, {"--hosts", "50"}, {"--hosts", "300"},
		{"--topo", "single,3"}, {"--topo", "linear"}, {"--topo", "linear,4"}, {"--topo", "linear,3,2"},
		{"--topo", "tree,2,3"}, {"--topo", "tree,4,2"},
		{"--topo", "ring,3"}, {"--topo", "ring,4"}, {"--topo", "torus,3,3"}, {"--topo", "torus,3,4,2"},
	} {
		It("passes at once: "+what[0]+" "+what[1], func() {
			dir := GinkgoT().TempDir()
			file := filepath.Join(dir, "shaped.yaml")
			Expect(labctl(append([]string{"init", file}, what...)...)).To(Exit(0))
			r := labctl("verify", file, "-o", "json")
			Expect(r).To(Exit(0))
			got := decode[verification](r)
			Expect(got.Lab).To(Equal("shaped"))
			Expect(got.Judged).To(BeNumerically(">", 0))
			Expect(got.Differ).To(BeZero())
			Expect(r.err).To(BeEmpty(), "without a warning")
		})
	}

	It("goes on when a cable of a ring fails, by the way that the tree kept shut", func() {
		file := filepath.Join(GinkgoT().TempDir(), "ring.yaml")
		Expect(labctl("init", file, "--topo", "ring,4")).To(Exit(0))
		up(file)
		Expect(labctl("ping", "h1", "h2")).To(Exit(0))
		Expect(labctl("link", "down", "s1:s2")).To(Exit(0))
		Expect(labctl("verify", "ring")).To(Exit(0))
	})

	It("has the name of its folder, so that two of them are up at the same time", func() {
		dir := GinkgoT().TempDir()
		for _, name := range []string{"office-net", "home net"} {
			folder := filepath.Join(dir, name)
			Expect(os.Mkdir(folder, 0o755)).To(Succeed())
			Expect(run(nil, "", "sh", "-ec", `cd "$1"; "$2" init; "$2" up`, "sh", folder, binary)).To(Exit(0))
			DeferCleanup(func() { labctl("down", "--all", "--force") })
		}
		Expect(state("office-net")).To(Equal("running"))
		Expect(state("home-net")).To(Equal("running"))
	})
})
