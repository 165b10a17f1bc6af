package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
)

// Set once, before the first spec.
var (
	binary     string // labctl
	runtimeDir string // $XDG_RUNTIME_DIR of everything that is started here
)

// root says who runs the suite.
var root = os.Geteuid() == 0

// limit is how long one command may take: a hang must fail a spec, not the whole run.
const limit = 90 * time.Second

// rounds is how often something is tried whose failure would be rare: a few times, and all times for "make proof".
func rounds(all, few int) int {
	if os.Getenv("LABCTL_PROOF") != "" {
		return all
	}
	return few
}

// mark is in the environment of everything that the suite starts, and so of what that starts.
const mark = "LABCTL_E2E_MARK"

// result is what a command left.
type result struct {
	args     []string
	out, err string
	code     int // 128+n if signal n killed it
}

func (r result) String() string {
	return fmt.Sprintf("%s\nexit code %d\nstdout:\n%s\nstderr:\n%s", strings.Join(r.args, " "), r.code, r.out, r.err)
}

// environment is this process's without LABCTL_*, with the suite's runtime directory and mark, and the given settings.
func environment(set ...string) []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "LABCTL_") && !strings.HasPrefix(e, "GITHUB_") && !strings.HasPrefix(e, "XDG_RUNTIME_DIR=") {
			env = append(env, e)
		}
	}
	return append(append(env, "XDG_RUNTIME_DIR="+runtimeDir, mark+"="+runtimeDir), set...)
}

// command is labctl, not started yet.
func command(ctx context.Context, args ...string) *exec.Cmd { return program(ctx, binary, args...) }

func program(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = environment()
	cmd.Dir = runtimeDir
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// labctl runs the binary to its end.
func labctl(args ...string) result {
	GinkgoHelper()
	return labctlWith(nil, "", args...)
}

// labctlWith gives it settings of the environment and a standard input too.
func labctlWith(env []string, stdin string, args ...string) result {
	GinkgoHelper()
	return run(env, stdin, binary, args...)
}

func run(env []string, stdin, name string, args ...string) result {
	GinkgoHelper()
	return runFor(limit, env, stdin, name, args...)
}

// runIn runs a program in a folder.
func runIn(dir, name string, args ...string) result {
	GinkgoHelper()
	abs, err := filepath.Abs(dir)
	Expect(err).NotTo(HaveOccurred())
	return run(nil, "", "env", append([]string{"-C", abs, name}, args...)...)
}

// runFor gives a program that runs many commands the time of all of them.
func runFor(limit time.Duration, env []string, stdin, name string, args ...string) result {
	GinkgoHelper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := program(ctx, name, args...)
	cmd.Env = environment(env...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		Fail(fmt.Sprintf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String()))
	}
	if ctx.Err() != nil {
		Fail(fmt.Sprintf("%s %s: not ended within %s\n%s", name, strings.Join(args, " "), limit, stderr.String()))
	}
	return result{append([]string{filepath.Base(name)}, args...), out.String(), stderr.String(), exitCode(cmd.ProcessState)}
}

func exitCode(st *os.ProcessState) int {
	if ws := st.Sys().(syscall.WaitStatus); ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return st.ExitCode()
}

// Exit matches a result with that exit code, and shows all of it when it has another.
func Exit(code int) types.GomegaMatcher { return exitMatcher(code) }

type exitMatcher int

func (m exitMatcher) Match(actual any) (bool, error) {
	r, ok := actual.(result)
	if !ok {
		return false, fmt.Errorf("Exit wants a result, not %T", actual)
	}
	return r.code == int(m), nil
}

func (m exitMatcher) FailureMessage(actual any) string {
	return fmt.Sprintf("wanted exit code %d of %s", int(m), actual)
}

func (m exitMatcher) NegatedFailureMessage(actual any) string {
	return fmt.Sprintf("wanted another exit code than %d of %s", int(m), actual)
}

// decode reads a result's JSON.
func decode[T any](r result) T {
	GinkgoHelper()
	var v T
	Expect(json.Unmarshal([]byte(r.out), &v)).To(Succeed(), r.String())
	return v
}

// keys are the fields of a JSON object, sorted.
func keys(v any) []string {
	GinkgoHelper()
	m, ok := v.(map[string]any)
	Expect(ok).To(BeTrue(), "%v is not an object", v)
	return slices.Sorted(maps.Keys(m))
}

// up brings a lab up and has it taken down when the spec ends.
func up(file string, args ...string) result {
	GinkgoHelper()
	r := labctl(append([]string{"up", file}, args...)...)
	DeferCleanup(func() { labctl("down", "--all", "--force") })
	Expect(r).To(Exit(0))
	return r
}

// write makes a file of the spec's own.
func write(name, text string) string {
	GinkgoHelper()
	path := filepath.Join(GinkgoT().TempDir(), name)
	Expect(os.WriteFile(path, []byte(text), 0o644)).To(Succeed())
	return path
}

// edit replaces one piece of a file that must be there exactly once.
func edit(path, old, new string) {
	GinkgoHelper()
	b, err := os.ReadFile(path)
	Expect(err).NotTo(HaveOccurred())
	Expect(strings.Count(string(b), old)).To(Equal(1), "%q in\n%s", old, b)
	Expect(os.WriteFile(path, []byte(strings.Replace(string(b), old, new, 1)), 0o644)).To(Succeed())
}

// listed is a line of "labctl ls".
type listed struct {
	Lab, State, File, Why string
	Nodes, PID            int
}

func instances() []listed {
	GinkgoHelper()
	r := labctl("ls", "-o", "json")
	Expect(r).To(Exit(0))
	return decode[[]listed](r)
}

// state is what ls says of a lab, "" if it is not there.
func state(lab string) string {
	GinkgoHelper()
	for _, l := range instances() {
		if l.Lab == lab {
			return l.State
		}
	}
	return ""
}

// inodes are the namespaces of a running lab.
func inodes(lab string) map[string]uint64 {
	GinkgoHelper()
	r := labctl("inspect", "-l", lab, "-o", "json")
	Expect(r).To(Exit(0))
	out := map[string]uint64{}
	for _, n := range decode[struct {
		Nodes []struct {
			Name  string
			Inode uint64
		}
	}](r).Nodes {
		Expect(n.Inode).NotTo(BeZero())
		out[n.Name] = n.Inode
	}
	return out
}

// ours are the processes that the suite has started, directly or not, and that run labctl; by PID, with their
// arguments.
func ours() map[int][]string {
	out := map[int][]string{}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		env, err := os.ReadFile(filepath.Join(dir, "environ"))
		if err != nil || !bytes.Contains(env, []byte(mark+"="+runtimeDir+"\x00")) {
			continue
		}
		line, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		args := strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
		if filepath.Base(args[0]) == "labctl" {
			pid, _ := strconv.Atoi(filepath.Base(dir))
			out[pid] = args
		}
	}
	return out
}

// supervisor is the PID of a lab's supervisor, 0 if there is none.
func supervisor(lab string) int {
	for pid, args := range ours() {
		if len(args) > 2 && args[1] == "supervise-instance" && args[2] == lab {
			return pid
		}
	}
	return 0
}

// star is a lab of n hosts on one bridge.
func star(name string, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %d hosts ─── s1\nformat: 1\nlab: %s\nnodes:\n  s1: {kind: bridge}\n", n, name)
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "  h%d: {ip: 10.9.%d.%d/16}\n", i, i/250, i%250+1)
	}
	b.WriteString("links:\n  -")
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, " h%d", i)
	}
	return b.String() + " -- s1\n"
}
