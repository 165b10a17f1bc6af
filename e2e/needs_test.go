package e2e

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("programs that a lab needs", func() {
	lab := func(needs string) string {
		return write("needs.yaml", strings.Replace(star("needs", 2), "nodes:\n", needs+"nodes:\n", 1)+
			"expect: {ping: ok}\nsteps:\n  - name: asks it\n    do: [{run: {node: h1, sh: no-such-program-of-anybody}}]\n")
	}

	It("skip it where they are not installed, if it says so", func() {
		file := lab("needs: [sh, no-such-program-of-anybody]\n")
		for _, verb := range []string{"verify", "up"} {
			r := labctl(verb, file)
			Expect(r).To(Exit(4))
			Expect(r.err).To(ContainSubstring("no-such-program-of-anybody is not installed"))
		}
		Expect(instances()).To(BeEmpty())
		Expect(decode[verification](labctl("verify", file, "-o", "json")).Skipped).To(ContainSubstring("no-such-program-of-anybody"))
		Expect(labctl("verify", file, "--require")).To(Exit(1))
	})

	It("are a failure if it does not say so", func() {
		r := labctl("verify", lab("needs: [sh]\n"))
		Expect(r).To(Exit(1))
		Expect(r.out).To(ContainSubstring("127"))
	})

	It("are needed too when a running lab is changed", func() {
		file := lab("")
		up(file)
		edit(file, "nodes:\n", "needs: [no-such-program-of-anybody]\nmtu: 1400\nnodes:\n")
		Expect(labctl("up", file)).To(Exit(4))
		Expect(state("needs")).To(Equal("running"))
	})

	if root {
		It("are not needed by port guards, and by whom they are is skipped", Label("root"), func() {
			without := func(lab string) result {
				return run(nil, "", "unshare", "-m", "--propagation", "private", "sh", "-c", `mount --bind /dev/null "$(command -v nft)" && exec "$0" verify "$1"`, binary, lab)
			}
			r := without("port-guard")
			Expect(r).To(Exit(0))
			Expect(r.out).To(ContainSubstring("cells are as expected"))
			r = without("nested-two-uplinks")
			Expect(r).To(Exit(4))
			Expect(r.err).To(ContainSubstring("nft is not installed"))
		})
	}
})
