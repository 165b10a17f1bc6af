package e2e

import (
	"os"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// aloneVariable names the file by whose lock suites that run side by side leave the machine to a spec that is Serial:
// Ginkgo knows of the processes of one suite only.
const aloneVariable = "LABCTL_TEST_ALONE"

var _ = BeforeEach(func() {
	path := os.Getenv(aloneVariable)
	if path == "" {
		return
	}
	lock, err := os.Open(path)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(lock.Close)
	how := syscall.LOCK_SH
	if CurrentSpecReport().IsSerial {
		how = syscall.LOCK_EX
	}
	Expect(syscall.Flock(int(lock.Fd()), how)).To(Succeed())
})
