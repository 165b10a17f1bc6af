package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("a lab keeps nothing open of whoever brought it up", func() {
	It("and neither do its programs: (flock 9; labctl up FILE) 9>lock lets go of the lock", func() {
		path := filepath.Join(GinkgoT().TempDir(), "lock")
		lock, err := os.Create(path)
		Expect(err).NotTo(HaveOccurred())
		Expect(syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)).To(Succeed())
		file := write("lab.yaml", star("light", 2))
		edit(file, "h1: {ip: 10.9.0.2/16}", "h1: {ip: 10.9.0.2/16, run: [{sh: exec sleep 1357.5, background: true}]}")
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		cmd := command(ctx, "up", file)
		for range 7 { // 3 to 9, of which the supervisor knows some by number
			cmd.ExtraFiles = append(cmd.ExtraFiles, lock)
		}
		DeferCleanup(func() { labctl("down", "--all", "--force") })
		out, err := cmd.CombinedOutput()
		Expect(err).NotTo(HaveOccurred(), "%s", out)
		lock.Close()
		again, err := os.Open(path)
		Expect(err).NotTo(HaveOccurred())
		defer again.Close()
		Expect(syscall.Flock(int(again.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)).To(Succeed())
		Expect(labctl("ping", "h1", "h2")).To(Exit(0))

		for _, sleep := range []string{"1357.5", "1357.75"} {
			if sleep == "1357.75" { // and one that exec runs; as root that is this process's own child, and has what it is given
				if root {
					break
				}
				sleeper := command(ctx, "exec", "h2", "--", "sleep", sleep)
				Expect(sleeper.Start()).To(Succeed())
				defer func() { _ = sleeper.Process.Kill(); _ = sleeper.Wait() }()
			}
			Eventually(func() bool { return running("sleep", sleep) }, "10s").Should(BeTrue())
			Expect(openFiles("sleep", sleep)).To(ConsistOf("0", "1", "2"))
		}
	})
})

// openFiles are the numbers of the descriptors of the suite's process with that command line.
func openFiles(args ...string) []string {
	GinkgoHelper()
	pids := processes(args...)
	Expect(pids).To(HaveLen(1), "%q", args)
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pids[0]))
	Expect(err).NotTo(HaveOccurred())
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}
