package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// Which lab a verb means that is given none, or a file.
var _ = Describe("which lab", func() {
	lab := func(name string) string {
		return "format: 1\nlab: " + name + "\nnodes:\n  a: {ip: 10.0.0.1/24}\n  b: {ip: 10.0.0.2/24}\nlinks: [a -- b]\nexpect: {ping: x}\n"
	}

	It("verify judges ./lab.yaml before a lab that runs from another file, and writes into no other", func() {
		other := write("other.yaml", lab("other"))
		up(other)
		Expect(labctl("verify", "-o", "json").out).To(ContainSubstring(`"lab": "other"`))
		r := labctl("verify", "--new", "-o", "json")
		Expect(r.out).To(And(ContainSubstring(`"lab": "other"`), Not(ContainSubstring(`"running": true`))), "%s", r)
		here := filepath.Join(runtimeDir, "lab.yaml") // where the suite runs labctl
		Expect(os.WriteFile(here, []byte(lab("here")), 0o644)).To(Succeed())
		DeferCleanup(os.Remove, here)
		Expect(labctl("verify", "-o", "json").out).To(ContainSubstring(`"lab": "here"`))
		Expect(labctl("verify", "--update")).To(Exit(0))
		text, err := os.ReadFile(other)
		Expect(err).NotTo(HaveOccurred())
		Expect(string(text)).To(Equal(lab("other")))
		text, err = os.ReadFile(here)
		Expect(err).NotTo(HaveOccurred())
		Expect(string(text)).To(ContainSubstring("ping: ok"))
		r = labctl("verify", here, "-l", "other")
		Expect(r).To(Exit(2))
		Expect(r.err).To(ContainSubstring("which lab? -l other and " + here))
		r = labctl("verify", "-l", "othr")
		Expect(r).To(Exit(2))
		Expect(r.err).To(ContainSubstring(`no lab "othr" is running; did you mean "other"?`))
	})

	It("down FILE takes down one instance of the file", func() {
		file := write("down.yaml", lab("shown"))
		names := func() string {
			var out []string
			for _, i := range instances() {
				out = append(out, i.Lab)
			}
			return strings.Join(out, " ")
		}
		up(file)
		up(file, "--as", "second")
		up(file, "--as", "third")
		Expect(labctl("down", file)).To(Exit(0))
		Expect(names()).To(Equal("second third"))
		r := labctl("down", file)
		Expect(r).To(Exit(2))
		Expect(r.err).To(And(ContainSubstring("second, third"), ContainSubstring("--all")))
		Expect(names()).To(Equal("second third"))
		Expect(labctl("down", "second")).To(Exit(0))
		edit(file, "format: 1", "format: one")
		Expect(labctl("down", file)).To(Exit(0))
		Expect(names()).To(BeEmpty())
	})

	It("up that is interrupted while it waits for a tree says so, and nothing of a labctl that is gone", func(ctx SpecContext) {
		file := write("tree.yaml", "format: 1\nlab: tree\nnodes:\n  s1: {kind: bridge, stp: true}\n  s2: {kind: bridge, stp: true}\nlinks: [s1 -- s2]\n")
		DeferCleanup(func() { labctl("down", "--all", "--force") })
		cmd := command(ctx, "up", file)
		var said strings.Builder
		cmd.Stderr = &said
		Expect(cmd.Start()).To(Succeed())
		Eventually(func() string { return state("tree") }, "20s").Should(Equal("starting"))
		Eventually(func() string { return labctl("inspect", "-o", "json").out }, "20s").Should(ContainSubstring("s2"))
		Expect(cmd.Process.Signal(syscall.SIGINT)).To(Succeed())
		_ = cmd.Wait()
		Expect(exitCode(cmd.ProcessState)).To(Equal(130))
		Expect(said.String()).To(MatchRegexp(`^labctl: interrupted; taking tree down\nlabctl: interrupted(: not ready: .*[a-z])?\n$`))
		Expect(said.String()).NotTo(Or(ContainSubstring("is gone"), ContainSubstring("canceled")))
	}, SpecTimeout(limit))
})
