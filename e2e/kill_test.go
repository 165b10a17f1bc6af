package e2e

import (
	"bytes"
	"context"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"
)

var _ = Describe("kill -9", func() {
	const lab = "many"
	var file string
	var before map[string]string
	var whole time.Duration // of an undisturbed up
	var moments *rand.Rand

	BeforeEach(func() {
		file = write("lab.yaml", star(lab, 60))
		before = machine()
		began := time.Now()
		Expect(labctl("up", file)).To(Exit(0))
		whole = time.Since(began)
		Expect(labctl("down", lab)).To(Exit(0))
		moments = rand.New(rand.NewSource(GinkgoRandomSeed()))
	})

	// recovers holds what must be true whatever was killed at whatever moment.
	recovers := func() {
		GinkgoHelper()
		Eventually(func() string { return state(lab) }, "10s").Should(BeElementOf("", "running", "degraded"))
		Expect(labctl("down", lab)).To(Exit(0))
		Expect(instances()).To(BeEmpty())
		Expect(labctl("down", lab)).To(Exit(0), "down of what is gone is no error")
		expectUntouched(before)
		Expect(labctl("up", file)).To(Exit(0))
		Expect(state(lab)).To(Equal("running"))
		Expect(labctl("ping", "h1", "h60")).To(Exit(0))
		Expect(labctl("down", lab)).To(Exit(0))
		expectUntouched(before)
	}

	It("of labctl up leaves nothing that down does not find", func(ctx SpecContext) {
		for range rounds(6, 2) {
			cmd := command(ctx, "up", file)
			Expect(cmd.Start()).To(Succeed())
			moment := time.Duration(moments.Int63n(int64(whole)))
			time.AfterFunc(moment, func() { _ = cmd.Process.Kill() })
			_ = cmd.Wait()
			By("killed after " + moment.String())
			recovers()
		}
	}, SpecTimeout(5*time.Minute))

	It("of the supervisor while it builds leaves nothing that down does not find", func(ctx SpecContext) {
		for range rounds(6, 2) {
			cmd := command(ctx, "up", file)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			Expect(cmd.Start()).To(Succeed())
			var pid int
			Eventually(func() int { pid = supervisor(lab); return pid }, "10s", "1ms").ShouldNot(BeZero())
			moment := time.Duration(moments.Int63n(int64(whole)))
			killed := make(chan bool)
			time.AfterFunc(moment, func() { _ = syscall.Kill(pid, syscall.SIGKILL); close(killed) })
			_ = cmd.Wait()
			<-killed
			By("killed after " + moment.String())
			Expect(exitCode(cmd.ProcessState)).To(BeElementOf(0, 3), stderr.String())
			Expect(state(lab)).To(BeElementOf("", "degraded"))
			recovers()
		}
	}, SpecTimeout(5*time.Minute))

	It("of a running supervisor is told, and up heals", func() {
		Expect(labctl("up", file)).To(Exit(0))
		was := inodes(lab)
		pid := instances()[0].PID
		Expect(pid).To(Equal(supervisor(lab)))
		Expect(syscall.Kill(pid, syscall.SIGKILL)).To(Succeed())
		Eventually(func() string { return state(lab) }, "5s").Should(Equal("degraded"))
		r := labctl("matrix")
		Expect(r).To(Exit(3))
		Expect(r.err).To(ContainSubstring("degraded"))

		Expect(labctl("up", file)).To(Exit(0))
		Expect(state(lab)).To(Equal("running"))
		if root {
			Expect(inodes(lab)).To(Equal(was), "healing must not touch what is whole")
		}
		Expect(labctl("ping", "h1", "h60")).To(Exit(0))
		recovers()
	})

	It("of a running supervisor is no obstacle for down", func() {
		Expect(labctl("up", file)).To(Exit(0))
		Expect(syscall.Kill(supervisor(lab), syscall.SIGKILL)).To(Succeed())
		recovers()
	})

	It("does not make down give up while the killed process still holds the lock", func() {
		Expect(labctl("up", file)).To(Exit(0))
		dir := filepath.Join(base(), lab)
		Expect(syscall.Kill(supervisor(lab), syscall.SIGKILL)).To(Succeed())
		lock, err := os.Open(dir)
		Expect(err).NotTo(HaveOccurred())
		defer lock.Close()
		Eventually(func() error { return unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) }, "10s").Should(Succeed())
		cmd := command(context.Background(), "down", lab)
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		Expect(cmd.Start()).To(Succeed())
		// It looks at the lock when it has found nobody to talk to.
		Eventually(func() []string {
			var open []string
			fds, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", cmd.Process.Pid))
			for _, fd := range fds {
				to, _ := os.Readlink(fd)
				open = append(open, to)
			}
			return open
		}, "10s", "1ms").Should(ContainElement(dir))
		Expect(unix.Flock(int(lock.Fd()), unix.LOCK_UN)).To(Succeed())
		Expect(cmd.Wait()).To(Succeed(), said.String())
		recovers()
	})

	if root {
		It("and a lost node: up builds that one anew and no other", Label("root"), func() {
			Expect(labctl("up", file)).To(Exit(0))
			was := inodes(lab)
			// The inode says nothing of the lost one: the kernel gives its number away again.
			Expect(labctl("exec", "h7", "--", "sysctl", "-qw", "net.ipv4.ip_default_ttl=77")).To(Exit(0))
			Expect(syscall.Kill(supervisor(lab), syscall.SIGKILL)).To(Succeed())
			Expect(run(nil, "", "ip", "netns", "delete", lab+".h7")).To(Exit(0))
			Expect(labctl("up", file)).To(Exit(0))
			now := inodes(lab)
			Expect(labctl("exec", "h7", "--", "sysctl", "-n", "net.ipv4.ip_default_ttl").out).To(Equal("64\n"))
			delete(was, "h7")
			delete(now, "h7")
			Expect(now).To(Equal(was))
			Expect(labctl("ping", "h7", "h8")).To(Exit(0))
			recovers()
		})

		It("does not let down remove a namespace that took a dead lab's name", Label("root"), func() {
			Expect(labctl("up", file)).To(Exit(0))
			Expect(syscall.Kill(supervisor(lab), syscall.SIGKILL)).To(Succeed())
			Expect(run(nil, "", "ip", "netns", "delete", lab+".h9")).To(Exit(0))
			Expect(run(nil, "", "ip", "netns", "add", lab+".h9")).To(Exit(0))
			DeferCleanup(func() { _ = os.Remove("/run/netns/" + lab + ".h9") })
			Expect(labctl("down", lab)).To(Exit(0))
			Expect(filepath.Join("/run/netns", lab+".h9")).To(BeAnExistingFile())
			Expect(run(nil, "", "ip", "netns", "delete", lab+".h9")).To(Exit(0))
			expectUntouched(before)
		})
	}
})
