package kernel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"labctl/topology"
	"labctl/topology/labfile"
	"labctl/topology/plan"
)

// TestMain runs everything again in namespaces as a supervisor has them, with a private /run, so that nothing is ever
// made in the machine's own; without root in a user namespace too. Each of the three packages that test in such
// namespaces has its own: what all of them may import must not start processes.
func TestMain(m *testing.M) {
	const inside = "LABCTL_KERNEL_INSIDE"
	if os.Getenv(inside) != "" {
		err := errors.Join(
			unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
			unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=755"))
		if err != nil {
			fmt.Fprintln(os.Stderr, "set up private mounts:", err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET, Pdeathsig: unix.SIGKILL}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		os.Exit(0)
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	case os.Getenv("LABCTL_LIVE") == "1":
		fmt.Fprintln(os.Stderr, "LABCTL_LIVE=1, and no private namespaces to test in:", err)
		os.Exit(1)
	}
	// That these tests cannot have namespaces is no excuse as long as somebody else can.
	out, refused := exec.Command("unshare", "--user", "--map-root-user", "--mount", "--net", "true").CombinedOutput()
	if refused == nil || len(out) == 0 {
		fmt.Fprintf(os.Stderr, "no private namespaces to test in: %v; and unshare(1) is not refused them: %v\n", err, refused)
		os.Exit(1)
	}
	noKernel = fmt.Sprintf("%v; %s", err, bytes.TrimSpace(out))
	fmt.Fprintln(os.Stderr, "no private namespaces to test in (run scripts/live.sh), only the tests without a kernel run:", noKernel)
	os.Exit(m.Run())
}

// noKernel says why there are no private namespaces, in these tests' words and in unshare(1)'s; "" where there are. It
// is set once, before any test runs.
var noKernel string

// held is a space with all that a supervisor has of it.
type held struct {
	*Space
	*Builder
	*Rules
	Tables
}

func hold(s *Space) *held {
	r := NewRules(s, nil)
	return &held{s, NewBuilder(s, r), r, s.Tables()}
}

// newSpace is an empty space called "t" that is removed when the test ends, with the path of its journal.
func newSpace(t testing.TB) (*held, string) {
	t.Helper()
	if noKernel != "" {
		t.Skip("private namespaces are not allowed here: " + noKernel)
	}
	path := filepath.Join(t.TempDir(), "journal")
	j, err := openJournal(path, "t", nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSpace("t", true, j)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Remove(); err != nil {
			t.Error(err)
		}
		if left := names(t); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	return hold(s), path
}

// names are the namespaces that have one.
func names(t testing.TB) []string {
	t.Helper()
	entries, err := os.ReadDir(NetnsDir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// noCommands is for plans without any.
var noCommands Runner

func apply(t testing.TB, s *held, ops ...plan.Op) {
	t.Helper()
	if err := s.Apply(context.Background(), &plan.Plan{Instance: "t", Ops: ops}, noCommands); err != nil {
		t.Fatal(err)
	}
}

// ip is iproute2's view, the independent one.
func ip(t testing.TB, args string) string {
	t.Helper()
	out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v\n%s", args, err, out)
	}
	return string(out)
}

// load is a lab.
func load(t testing.TB, src string) *topology.Lab { return loadFile(t, src).Lab }

func loadFile(t testing.TB, src string) *labfile.File {
	t.Helper()
	file, problems := labfile.Load("test.yaml", []byte(src))
	if file == nil {
		t.Fatal(problems)
	}
	return file
}

// openJournal goes on with the journal at path.
func openJournal(path, instance string, before Before) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return OpenJournal(f, instance, true, before)
}

func readJournal(path string) (*State, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadJournal(f)
}
