package e2e

import (
	"fmt"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// A supervisor that is stopped holds its lock and its socket takes connections, and nobody greets there.
var _ = Describe("a stopped supervisor", func() {
	// stop stops a lab's supervisor once it is there, and has it go on when the spec ends, if anything still holds it.
	stop := func(lab string) int {
		GinkgoHelper()
		var pid int
		Eventually(func() int { pid = supervisor(lab); return pid }, "20s", "5ms").ShouldNot(BeZero())
		Expect(syscall.Kill(pid, syscall.SIGSTOP)).To(Succeed())
		DeferCleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
		return pid
	}
	// interrupted starts a verb, stops the supervisor when the lab has got as far as wanted, sends SIGINT, and says how
	// it ended.
	interrupted := func(ctx SpecContext, lab func() string, args ...string) (string, int) {
		GinkgoHelper()
		cmd := command(ctx, args...)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		Expect(cmd.Start()).To(Succeed())
		DeferCleanup(func() { labctl("down", "--all", "--force") })
		stop(lab())
		Expect(cmd.Process.Signal(syscall.SIGINT)).To(Succeed())
		_ = cmd.Wait()
		return stderr.String(), exitCode(cmd.ProcessState)
	}

	It("is named by every verb, does not hold up ls, and down --force ends it", func() {
		before := machine()
		file := write("lab.yaml", star("frozen", 3))
		up(file)
		up("two-hosts")
		pid := stop("frozen")
		for _, l := range instances() {
			if l.Lab == "two-hosts" {
				Expect(l.State).To(Equal("running"))
				continue
			}
			Expect(l.State).To(Equal("not answering"))
			Expect(l.PID).To(Equal(pid))
			Expect(l.Why).To(ContainSubstring(fmt.Sprintf("kill -CONT %d", pid)))
		}
		for _, verb := range []string{"inspect -l frozen", "fdb -l frozen", "ping -l frozen h1 h2", "set -l frozen h1.ip=10.9.9.9/16", "watch -l frozen",
			"capture -l frozen h1", "verify frozen", "down frozen", "up " + file} {
			r := labctl(strings.Fields(verb)...)
			Expect(r).To(Exit(3))
			Expect(r.err).To(And(ContainSubstring("not answering"), ContainSubstring("labctl down --force frozen")))
		}
		Expect(syscall.Kill(pid, syscall.SIGCONT)).To(Succeed())
		Expect(labctl("ping", "-l", "frozen", "h1", "h2")).To(Exit(0), "nothing that gave up may come true afterwards")
		stop("frozen")
		Expect(labctl("down", "--force", "frozen")).To(Exit(0))
		Expect(state("frozen")).To(BeEmpty())
		Expect(labctl("down", "two-hosts")).To(Exit(0))
		expectUntouched(before)
	})

	It("does not keep an interrupted verify, which takes its lab down and says so", func(ctx SpecContext) {
		before := machine()
		file := write("lab.yaml", star("frozen", 2)+"expect:\n  ping: ok\nsteps:\n  - name: wait\n    do: [{run: {node: h1, sh: exec sleep 987.25}}]\n")
		said, code := interrupted(ctx, func() string {
			Eventually(func() bool { return running("sleep", "987.25") }, "20s").Should(BeTrue())
			return instances()[0].Lab
		}, "verify", file)
		Expect(code).To(Equal(130), said)
		Expect(said).To(ContainSubstring("interrupted; taking frozen-v"))
		Expect(instances()).To(BeEmpty())
		Expect(running("sleep", "987.25")).To(BeFalse())
		expectUntouched(before)
	}, SpecTimeout(limit))

	It("does not keep an interrupted up, which says how to end it", func(ctx SpecContext) {
		file := write("lab.yaml", star("frozen", 2))
		edit(file, "h1: {ip: 10.9.0.2/16}", "h1: {ip: 10.9.0.2/16, run: [exec sleep 987.5]}")
		said, code := interrupted(ctx, func() string {
			Eventually(func() bool { return running("sleep", "987.5") }, "20s").Should(BeTrue())
			return "frozen"
		}, "up", file)
		Expect(code).To(Equal(130), said)
		Expect(said).To(And(ContainSubstring("interrupted; taking frozen down"), ContainSubstring("labctl down --force frozen")))
		Expect(labctl("down", "--force", "frozen")).To(Exit(0))
		Expect(instances()).To(BeEmpty())
		Expect(running("sleep", "987.5")).To(BeFalse())
	}, SpecTimeout(limit))
})
