package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/creack/pty"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
)

var _ = Describe("exec", func() {
	BeforeEach(func() { up("two-hosts") })

	It("passes the exit code on", func() {
		Expect(labctl("exec", "h1", "--", "sh", "-c", "exit 7")).To(Exit(7))
		Expect(labctl("exec", "h1", "--", "true")).To(Exit(0))
	})

	It("says 127 for what is not there, 126 for what may not run, 2 for no such node", func() {
		Expect(labctl("exec", "h1", "--", "no-such-program")).To(Exit(127))
		Expect(labctl("exec", "h1", "--", "/no/such/program")).To(Exit(127))
		Expect(labctl("exec", "h1", "--", write("text", "not a program\n"))).To(Exit(126))
		r := labctl("exec", "h9", "--", "true")
		Expect(r).To(Exit(2))
		Expect(r.err).To(And(ContainSubstring(`"h9"`), ContainSubstring("h1")))
	})

	It("passes a megabyte through cat unchanged", func() {
		data := make([]byte, 1<<20)
		for i := range data {
			data[i] = byte(i * i >> 7)
		}
		r := labctlWith(nil, string(data), "exec", "h1", "--", "cat")
		Expect(r.code).To(Equal(0), r.err)
		Expect(sha256.Sum256([]byte(r.out))).To(Equal(sha256.Sum256(data)))
	})

	It("keeps standard output and standard error apart", func() {
		r := labctl("exec", "h1", "--", "sh", "-c", "echo one; echo two >&2")
		Expect(r.out).To(Equal("one\n"))
		Expect(r.err).To(Equal("two\n"))
	})

	It("runs inside the node, with its interfaces in /sys and the names of all in /etc/hosts", func() {
		if strings.Contains(labctl("doctor").out, "absent   a /sys of each node's own") {
			Expect(labctl("exec", "h1", "--", "ls", "-A", "/sys").out).To(BeEmpty())
		} else {
			Expect(labctl("exec", "h1", "--", "ls", "/sys/class/net").out).To(Equal("eth0\nlo\n"))
		}
		Expect(labctl("exec", "h1", "--", "ping", "-c1", "-W2", "h2")).To(Exit(0))
		Expect(labctl("exec", "h2", "--", "ip", "-o", "-4", "addr", "show", "eth0").out).To(ContainSubstring("10.0.0.2/24"))
	})

	It("keeps the environment, the directory and the user", func() {
		r := labctlWith([]string{"COLOUR=blue green"}, "", "exec", "h1", "--", "sh", "-c", `echo "$COLOUR"; pwd; id -u`)
		Expect(r.out).To(Equal(fmt.Sprintf("blue green\n%s\n%d\n", runtimeDir, os.Getuid())))
	})

	It("passes signals on", func(ctx SpecContext) {
		cmd := command(ctx, "exec", "h1", "--", "sh", "-c", `trap 'echo caught; exit 9' TERM; echo ready; while :; do read x || :; done`)
		in, err := cmd.StdinPipe() // never written to: read waits
		Expect(err).NotTo(HaveOccurred())
		defer in.Close()
		out := gbytes.NewBuffer()
		cmd.Stdout = out
		Expect(cmd.Start()).To(Succeed())
		Eventually(out, "10s").Should(gbytes.Say("ready"))
		Expect(cmd.Process.Signal(syscall.SIGTERM)).To(Succeed())
		if _, err = io.WriteString(in, "\n"); err != nil {
			Expect(err).To(MatchError(syscall.EPIPE)) // the trap was faster: the signal ends read too
		}
		_ = cmd.Wait()
		Expect(exitCode(cmd.ProcessState)).To(Equal(9))
		Expect(out).To(gbytes.Say("caught"))
	}, SpecTimeout(limit))

	It("is known to be over when it returns", func() {
		for range 20 {
			Expect(labctl("exec", "h1", "--", "true")).To(Exit(0))
			// At once, not by another process: the time that one takes to start would hide what is late.
			conn, err := net.Dial("unix", filepath.Join(base(), "two-hosts", "sock"))
			Expect(err).NotTo(HaveOccurred())
			defer conn.Close()
			fmt.Fprintln(conn, `{"method": "ps"}`)
			in := bufio.NewReader(conn)
			_, err = in.ReadString('\n') // the greeting
			Expect(err).NotTo(HaveOccurred())
			Expect(in.ReadString('\n')).To(Equal(`{"result":[]}` + "\n"))
		}
		Expect(labctl("down")).To(Exit(0))
	})

	It("may be killed right before down", func(ctx SpecContext) {
		cmd := command(ctx, "exec", "h1", "--", "sleep", "1234.6")
		Expect(cmd.Start()).To(Succeed())
		Eventually(func() bool { return running("sleep", "1234.6") }, "5s").Should(BeTrue())
		Expect(cmd.Process.Kill()).To(Succeed())
		_ = cmd.Wait()
		Expect(labctl("down")).To(Exit(0))
	}, SpecTimeout(limit))

	It("lets the command have every signal, as a shell would", func() {
		ignored := []string{"grep", "SigIgn", "/proc/self/status"}
		Expect(labctl(append([]string{"exec", "h1", "--"}, ignored...)...).out).To(Equal(run(nil, "", ignored[0], ignored[1:]...).out))
	})

	It("tells how the command was killed", func() {
		Expect(labctl("exec", "h1", "--", "sh", "-c", "kill -KILL $$").code).To(Equal(137))
	})

	It("leaves nothing running when it is killed", func(ctx SpecContext) {
		cmd := command(ctx, "exec", "h1", "--", "sleep", "1234.5")
		Expect(cmd.Start()).To(Succeed())
		Eventually(func() bool { return running("sleep", "1234.5") }, "5s").Should(BeTrue())
		Expect(cmd.Process.Kill()).To(Succeed())
		_ = cmd.Wait()
		Eventually(func() bool { return running("sleep", "1234.5") }, "5s").Should(BeFalse())
	}, SpecTimeout(limit))

	Describe("on a terminal", func() {
		It("has its size", func() {
			cmd := fmt.Sprintf("stty rows 33 cols 77; %s exec h1 -- stty size", binary)
			r := run(nil, "", "script", "-qec", cmd, "/dev/null")
			Expect(r).To(Exit(0))
			Expect(r.out).To(ContainSubstring("33 77")) // beside the echo of script's own end of file
		})

		It("passes the exit code on", func() {
			r := run(nil, "", "script", "-qec", binary+" exec h1 -- sh -c 'test -t 0 && exit 7'", "/dev/null")
			Expect(r).To(Exit(7))
		})

		It("follows when the window changes", func() {
			// The change crosses processes; ask until it has arrived.
			t := open(binary, "exec", "h1", "--", "sh", "-c", `echo ready; until stty size | grep "11 22"; do sleep 0.05; done`)
			Eventually(t.out, "10s").Should(gbytes.Say("ready"))
			Expect(pty.Setsize(t.tty, &pty.Winsize{Rows: 11, Cols: 22})).To(Succeed())
			Eventually(t.out, "10s").Should(gbytes.Say("11 22"))
			Expect(t.wait()).To(Equal(0))
		})

		It("ends a command by Ctrl-C", func() {
			t := open(binary, "exec", "h1", "--", "sh", "-c", "echo ready; exec sleep 100")
			Eventually(t.out, "10s").Should(gbytes.Say("ready"))
			t.send("\x03")
			Expect(t.wait()).To(Equal(130))
		})

		It("suspends a command by Ctrl-Z, and goes on", func() {
			t := open("bash", "--norc", "--noprofile", "-i")
			t.send("PS1='$ '\r")
			t.send(binary + " exec h1 -- sh -c 'echo rea\"\"dy; read x; echo got $x; exit 5'\r")
			Eventually(t.out, "10s").Should(gbytes.Say("ready"))
			t.send("\x1a")
			Eventually(t.out, "10s").Should(gbytes.Say("Stopped"))
			t.send("echo shell is $((20+3))\r")
			Eventually(t.out, "10s").Should(gbytes.Say("shell is 23"))
			t.send("fg\r")
			t.send("bread\n") // not \r, which only a terminal that the shell has given back turns into a newline
			Eventually(t.out, "10s").Should(gbytes.Say("got bread"))
			Eventually(t.out, "10s").Should(gbytes.Say(`\$ `)) // what comes before belongs to the command
			t.send("exit $?\r")
			Expect(t.wait()).To(Equal(5))
		})

		It("gives a shell", func() {
			t := open("env", "SHELL=/bin/sh", binary, "shell", "h2")
			t.send("ip -o -4 addr show eth0; exit 3\r")
			Eventually(t.out, "10s").Should(gbytes.Say(`10\.0\.0\.2/24`))
			Expect(t.wait()).To(Equal(3))
		})
	})
})

// running reports whether a process with these arguments, started by the suite, is there.
func running(args ...string) bool { return len(processes(args...)) > 0 }

// processes are those of the suite with that command line.
func processes(args ...string) (pids []int) {
	want := strings.Join(args, "\x00") + "\x00"
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range lines {
		if b, err := os.ReadFile(path); err == nil && string(b) == want {
			env, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "environ"))
			if bytes.Contains(env, []byte(mark+"="+runtimeDir+"\x00")) {
				pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// terminal is a program on a pty.
type terminal struct {
	cmd *exec.Cmd
	tty *os.File
	out *gbytes.Buffer
}

func open(name string, args ...string) *terminal {
	GinkgoHelper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	cmd := program(ctx, name, args...)
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 100})
	Expect(err).NotTo(HaveOccurred())
	t := &terminal{cmd, tty, gbytes.NewBuffer()}
	copied := make(chan bool)
	go func() {
		_, _ = io.Copy(t.out, tty) // ends with EIO when the last process has closed its side
		close(copied)
	}()
	DeferCleanup(func() {
		cancel()
		_ = cmd.Process.Kill()
		tty.Close()
		<-copied
	})
	return t
}

func (t *terminal) send(s string) {
	GinkgoHelper()
	_, err := io.WriteString(t.tty, s)
	Expect(err).NotTo(HaveOccurred())
}

func (t *terminal) wait() int {
	GinkgoHelper()
	ended := make(chan bool)
	go func() { _ = t.cmd.Wait(); close(ended) }()
	Eventually(ended, "10s").Should(BeClosed(), string(t.out.Contents()))
	return exitCode(t.cmd.ProcessState)
}
