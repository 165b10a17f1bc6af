//go:build linux

// Package runtest gives tests run directories that are theirs alone: root's are below /run for everybody, so root's
// tests go on in a process with a /run of its own, beside the machine's network.
package runtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/wire"
	"labctl/topology/kernel"
)

// Main runs the tests of a package and returns its exit status. Others than root need no other place: what they start
// makes its own.
func Main(m *testing.M) int {
	const inside = "LABCTL_TEST_INSIDE"
	if os.Geteuid() != 0 || os.Getenv(inside) != "" {
		if os.Geteuid() == 0 {
			err := errors.Join(
				unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
				unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=755"))
			if err != nil {
				fmt.Fprintln(os.Stderr, "set up private mounts:", err)
				return 1
			}
		}
		return m.Run()
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET, Pdeathsig: unix.SIGKILL}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return exit.ExitCode()
	case err != nil && os.Getenv("LABCTL_LIVE") == "1":
		fmt.Fprintln(os.Stderr, "LABCTL_LIVE=1, and no private namespaces to test in:", err)
		return 1
	case err != nil:
		return m.Run() // without labs
	}
	return 0
}

// Directory is an empty directory that only its owner may look into, as a run directory is.
func Directory(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Home puts the test's run directories where nobody else's are: root's are there already, see [Main].
func Home(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Setenv("XDG_RUNTIME_DIR", Directory(t))
	}
}

// Without ends a test that err keeps from its run directory: root's may not be writable where there is no private /run.
func Without(t *testing.T, err error) {
	t.Helper()
	var f *wire.Failure
	if os.Getenv("LABCTL_LIVE") != "1" && errors.As(err, &f) && f.Class == wire.Unsupported {
		t.Skip("no run directory: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// StoppedWith starts a process that holds an open file, and stops it.
func StoppedWith(t *testing.T, f *os.File) int {
	t.Helper()
	cmd := exec.Command("sh", "-c", "kill -STOP $$")
	cmd.ExtraFiles = []*os.File{f}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for end := time.Now().Add(10 * time.Second); !kernel.Stopped(cmd.Process.Pid); {
		if time.Now().After(end) {
			t.Fatal("it does not stop")
		}
	}
	return cmd.Process.Pid
}
