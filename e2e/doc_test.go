// Package e2e drives the built labctl over every shipped lab, and over the labs of LABCTL_LABS, and holds it to what
// the documents promise. It runs as root and as an ordinary user; the promises that only root is given are marked
// "root".
//
// Environment: LABCTL_BIN is the binary to test (built from the tree if unset); LABCTL_LABS lists more lab files and
// directories of them, separated by colons. A JUnit report comes with "go test ./e2e -args -ginkgo.junit-report=FILE".
package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"
)

// TestMain gives root a private /run, so that labs that are up on the machine are neither seen nor disturbed. The
// network namespace is the machine's own: nothing may come of that, and the specs look.
func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) == changerRole {
		os.Exit(changeAddresses(os.Args[1:]))
	}
	const inside = "LABCTL_E2E_INSIDE"
	if os.Geteuid() != 0 {
		os.Exit(m.Run())
	}
	if os.Getenv(inside) != "" {
		err := errors.Join(
			unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
			unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=755"))
		if err != nil {
			fmt.Fprintln(os.Stderr, "set up a private /run:", err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS, Pdeathsig: unix.SIGKILL}
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		os.Exit(exit.ExitCode())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "no private mount namespace to test in:", err)
		os.Exit(1)
	}
}

func TestE2E(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "labctl")
}

var _ = SynchronizedBeforeSuite(func() []byte {
	if bin := os.Getenv("LABCTL_BIN"); bin != "" {
		abs, err := filepath.Abs(bin)
		Expect(err).NotTo(HaveOccurred())
		return []byte(abs)
	}
	bin := filepath.Join(GinkgoT().TempDir(), "labctl")
	out, err := exec.Command("go", "build", "-o", bin, "labctl/cmd/labctl").CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(out))
	return []byte(bin)
}, func(bin []byte) {
	binary = string(bin)
	dir, err := os.MkdirTemp("", "lc")
	Expect(err).NotTo(HaveOccurred())
	runtimeDir = dir
	DeferCleanup(os.RemoveAll, dir)
})

// Nothing of a spec is left to the next one, whatever became of it. Cleanups run last in, first out, so this one ends a
// spec.
var _ = BeforeEach(func() {
	DeferCleanup(func() {
		if CurrentSpecReport().Failed() {
			labctl("down", "--all", "--force")
			return
		}
		Expect(instances()).To(BeEmpty(), "the spec left labs standing")
	})
})
