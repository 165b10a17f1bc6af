package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// What was found by trying.
var _ = Describe("verify", func() {
	It("takes down what a supervisor has built that was killed before the lab was ready", func(ctx SpecContext) {
		cmd := command(ctx, "verify", "--new", write("slowup.yaml", `format: 1
lab: slowup
nodes:
  h1: {ip: 10.0.0.1/24, run: ["sleep 60"]}
  h2: {ip: 10.0.0.2/24}
links: [h1 -- h2]
expect: {ping: ok}
`))
		Expect(cmd.Start()).To(Succeed())
		building := func() (pid int) {
			if !strings.Contains(labctl("ls").out, "starting") {
				return 0
			}
			for p, args := range ours() {
				if len(args) > 2 && args[1] == "supervise-instance" && strings.HasPrefix(args[2], "slowup-v") {
					pid = p
				}
			}
			return pid
		}
		var pid int
		Eventually(func() int { pid = building(); return pid }, "10s", "1ms").Should(BeNumerically(">", 1))
		Expect(syscall.Kill(pid, syscall.SIGKILL)).To(Succeed())
		_ = cmd.Wait()
		Expect(exitCode(cmd.ProcessState)).To(Equal(3))
		Expect(labctl("ls").out).NotTo(ContainSubstring("slowup"))
	}, SpecTimeout(limit))

	It("walks through a file that only waits", func() {
		const waits = `format: 1
lab: waits
nodes: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}
links: [h1 -- h2]
steps:
  - name: nobody has asked
    timeout: 100ms
    wait:
      arp: |
        from\to  h2
        h1       WORD
`
		r := labctl("verify", write("holds.yaml", strings.Replace(waits, "WORD", "-", 1)))
		Expect(r).To(Exit(0))
		r = labctl("verify", write("fails.yaml", strings.Replace(waits, "WORD", "h2", 1)))
		Expect(r).To(Exit(1))
		Expect(r.out).To(ContainSubstring("what it waits for did not come within 100ms"))
	})
})

var _ = Describe("labctl", func() {
	It("counts an empty variable as not set", func() {
		for _, name := range []string{"LABCTL_COLOR", "LABCTL_OUTPUT", "LABCTL_QUIET"} {
			Expect(labctlWith([]string{name + "="}, "", "ls")).To(Exit(0), name)
		}
	})

	It("calls no lab what YAML takes for something else", func() {
		dir := filepath.Join(GinkgoT().TempDir(), "true")
		Expect(os.Mkdir(dir, 0o755)).To(Succeed())
		Expect(runIn(dir, binary, "init")).To(Exit(0))
		Expect(runIn(dir, binary, "validate", "lab.yaml")).To(Exit(0))
		Expect(os.ReadFile(filepath.Join(dir, "lab.yaml"))).To(ContainSubstring("lab: true-lab\n"))
	})
})
