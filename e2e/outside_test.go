package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// outside runs a program of root's with the machine's own network and files, where something can be fetched: the suite
// has a /run of its own, and of scripts/live.sh a network.
func outside(limit time.Duration, argv ...string) result {
	GinkgoHelper()
	pid := os.Getenv("LABCTL_TEST_OUTSIDE")
	if pid == "" {
		pid = strconv.Itoa(os.Getppid()) // TestMain's first process
	}
	dir, err := os.Getwd()
	Expect(err).NotTo(HaveOccurred())
	argv = append([]string{"--target", pid, "--mount", "--net", "sh", "-c", `cd "$1" && shift && exec nice "$@"`, "sh", dir}, argv...)
	return runFor(limit, nil, "", "nsenter", argv...)
}

// enter begins a command that runs with another root directory, as it would in a container: a process whose root is not
// that of its mount namespace can have no user namespace (user_namespaces(7), EPERM). /run and /tmp are new each time.
func enter(root string) []string {
	return []string{"unshare", "--mount", "--propagation", "private", "sh", "-ec", `
root=$1
shift
mount --rbind "$root" "$root"
for dir in proc sys dev; do mount --rbind /$dir "$root/$dir"; done
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
cd "$root"
pivot_root . mnt
umount -l /mnt
cd /
exec env -u XDG_RUNTIME_DIR PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"`, "sh", root}
}

// within runs a command with another root directory.
func within(root string, argv ...string) result {
	GinkgoHelper()
	argv = append(enter(root), argv...)
	return run(nil, "", argv[0], argv[1:]...)
}

// matching is the only file that a pattern finds.
func matching(pattern ...string) string {
	GinkgoHelper()
	found, err := filepath.Glob(filepath.Join(pattern...))
	Expect(err).NotTo(HaveOccurred())
	Expect(found).To(HaveLen(1), filepath.Join(pattern...))
	return found[0]
}
