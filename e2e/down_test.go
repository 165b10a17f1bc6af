package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("down", func() {
	// stranger starts a program in a node of two-hosts that the lab did not start, and returns when it runs.
	stranger := func(ctx SpecContext) *exec.Cmd {
		GinkgoHelper()
		cmd := command(ctx, "exec", "h1", "--", "sleep", "4321.5")
		if root {
			cmd = program(ctx, "ip", "netns", "exec", "two-hosts.h1", "sleep", "4321.5")
		}
		Expect(cmd.Start()).To(Succeed())
		Eventually(func() bool { return running("sleep", "4321.5") }, "5s").Should(BeTrue())
		return cmd
	}

	It("names a stranger's program and leaves the lab; --force ends it", func(ctx SpecContext) {
		before := machine()
		up("two-hosts")
		cmd := stranger(ctx)
		r := labctl("down")
		Expect(r).To(Exit(3))
		Expect(r.err).To(And(ContainSubstring("sleep 4321.5"), ContainSubstring("h1"), ContainSubstring(`"labctl down two-hosts --force"`)))
		r = labctl("up", "two-hosts", "--reset") // which has no --force of its own
		Expect(r).To(Exit(3))
		Expect(r.err).To(ContainSubstring(`"labctl down two-hosts --force"`))
		if root {
			Expect(r.err).To(ContainSubstring(fmt.Sprint(cmd.Process.Pid)))
		}
		Expect(labctl("ping", "h1", "h2")).To(Exit(0), "the lab must be whole")
		Expect(labctl("down", "--force")).To(Exit(0))
		Expect(cmd.Wait()).NotTo(Succeed())
		expectUntouched(before)
	}, SpecTimeout(limit))

	if root { // without root it was in the supervisor's PID namespace, and is dead too
		It("finds the program also when the supervisor is dead", Label("root"), func(ctx SpecContext) {
			up("two-hosts")
			cmd := stranger(ctx)
			p, err := os.FindProcess(supervisor("two-hosts"))
			Expect(err).NotTo(HaveOccurred())
			Expect(p.Kill()).To(Succeed())
			Eventually(func() string { return state("two-hosts") }, "5s").Should(Equal("degraded"))
			Expect(labctl("down")).To(Exit(3))
			Expect(labctl("down", "--force")).To(Exit(0))
			Expect(cmd.Wait()).NotTo(Succeed())
		}, SpecTimeout(limit))
	}

	It("ends what the lab itself runs", func() {
		file := write("lab.yaml", four)
		edit(file, "b: {ip: 10.0.0.2/24}", "b: {ip: 10.0.0.2/24, run: [{sh: exec sleep 5678.5, background: true}]}")
		up(file)
		Eventually(func() bool { return running("sleep", "5678.5") }, "5s").Should(BeTrue())
		Expect(labctl("down")).To(Exit(0))
		Expect(running("sleep", "5678.5")).To(BeFalse())
	})

	It("leaves no name behind when it returns, and gives the names free at once", func() {
		for range 5 {
			Expect(labctl("up", "two-hosts")).To(Exit(0))
			Expect(labctl("down", "two-hosts")).To(Exit(0))
			names, _ := filepath.Glob("/run/netns/two-hosts.*")
			Expect(names).To(BeEmpty())
			Expect(strings.TrimSpace(files(base()))).To(BeEmpty())
			Eventually(func() int { return supervisor("two-hosts") }, "5s").Should(BeZero())
			if root {
				Expect(strings.TrimSpace(run(nil, "", "ip", "netns", "list").out)).To(BeEmpty())
			}
		}
	})

	It("of what is not there is no error", func() {
		Expect(labctl("down")).To(Exit(0))
		Expect(labctl("down", "nobody")).To(Exit(0))
		Expect(labctl("down", "--all")).To(Exit(0))
	})
})
