package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
)

// strange keeps a lab up until its standard input ends. $1 is labctl, $2 the file; root's gets a /run of its own, as
// another suite's has.
const strange = `set -e
[ "$(id -u)" != 0 ] || mount -t tmpfs -o mode=755 tmpfs /run
"$1" up "$2" >&2
trap '"$1" down --all --force >&2' EXIT
"$1" ls
read -r line || :
`

var _ = Describe("a stranger's lab on the same machine", func() {
	It("is neither taken for a trace of the suite's labs, nor for one of them", func() {
		lasting := fmt.Sprintf("6543.%d", os.Getpid())
		file := servedBy("{sh: exec sleep " + lasting + ", background: true}")
		dir, err := os.MkdirTemp("", "st")
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(os.RemoveAll, dir)
		before := machine()

		cctx, cancel := context.WithTimeout(context.Background(), limit)
		DeferCleanup(cancel)
		args := []string{"sh", "-c", strange, "sh", binary, file}
		if root {
			args = append([]string{"unshare", "--mount", "--propagation", "private"}, args...)
		}
		cmd := program(cctx, args[0], args[1:]...)
		cmd.Env = append(slices.DeleteFunc(environment(), func(e string) bool {
			return strings.HasPrefix(e, mark+"=") || strings.HasPrefix(e, "XDG_RUNTIME_DIR=")
		}), "XDG_RUNTIME_DIR="+dir)
		cmd.Stderr = GinkgoWriter
		in, err := cmd.StdinPipe()
		Expect(err).NotTo(HaveOccurred())
		out := gbytes.NewBuffer()
		cmd.Stdout = out
		Expect(cmd.Start()).To(Succeed())
		DeferCleanup(func() { _ = in.Close(); _ = cmd.Wait() })
		Eventually(out, "20s").Should(gbytes.Say(`(?m)^served .*running`))
		Expect(sleepers(lasting)).To(Equal(1))

		Expect(instances()).To(BeEmpty())
		Expect(running("sleep", lasting)).To(BeFalse())
		expectUntouched(before)
		Expect(labctl("up", file)).To(Exit(0), "one of the same name")
		Eventually(func() []int { return processes("sleep", lasting) }, "10s").Should(HaveLen(1))
		Expect(labctl("down", "served")).To(Exit(0))
		expectUntouched(before)
		Expect(sleepers(lasting)).To(Equal(1), "the stranger's goes on")

		Expect(in.Close()).To(Succeed())
		Expect(cmd.Wait()).To(Succeed())
		Expect(sleepers(lasting)).To(BeZero())
		expectUntouched(before)
	})
})

var _ = Describe("the mounts that a lab could have left", func() {
	It("are not a stranger's", func() {
		const theirs = `22 1 0:1 / / rw - ext4 /dev/root rw
30 22 0:25 / /run rw - tmpfs tmpfs rw
31 30 0:25 /netns /run/netns rw - tmpfs tmpfs rw
32 31 0:4 net:[4026532745] /run/netns/theirs.h1 rw - nsfs nsfs rw
33 22 0:44 / /var/lib/containers/overlay/merged rw - overlay overlay rw
`
		Expect(mounts(theirs)).To(Equal(map[bool]string{true: "0:4 net:[4026532745] /run/netns/theirs.h1 rw - nsfs nsfs rw\n", false: ""}[root]))
		const covered = theirs + `40 30 0:50 / /run rw - tmpfs tmpfs rw
41 40 0:50 /netns /run/netns rw - tmpfs tmpfs rw
42 41 0:4 net:[4026532746] /run/netns/ours.h1 rw - nsfs nsfs rw
`
		Expect(mounts(covered)).To(Equal(map[bool]string{true: "0:4 net:[4026532746] /run/netns/ours.h1 rw - nsfs nsfs rw\n", false: ""}[root]))
		Expect(mounts("50 22 0:60 / "+runtimeDir+"/labctl/x rw - tmpfs tmpfs rw\n")).To(HavePrefix("0:60 / "), "what is his own")
	})
})

// sleepers is how many processes sleep for so long, whoever's they are.
func sleepers(seconds string) (n int) {
	paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range paths {
		if b, err := os.ReadFile(path); err == nil && string(b) == "sleep\x00"+seconds+"\x00" {
			n++
		}
	}
	return n
}
