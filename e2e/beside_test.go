package e2e

import (
	"path/filepath"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("several labs", func() {
	It("with equal node names live side by side", func() {
		up("two-hosts", "--as", "left")
		up("two-hosts", "--as", "right")
		for _, lab := range []string{"left", "right"} {
			Expect(labctl("ping", "-l", lab, "h1", "h2")).To(Exit(0))
		}
		Expect(inodes("left")["h1"]).NotTo(Equal(inodes("right")["h1"]))
		r := labctl("matrix")
		Expect(r).To(Exit(2))
		Expect(r.err).To(And(ContainSubstring("left, right"), ContainSubstring("-l")))
		Expect(labctl("down")).To(Exit(2), "which one?")
		Expect(labctl("down", "left")).To(Exit(0))
		Expect(labctl("ping", "h1", "h2")).To(Exit(0))
		Expect(labctl("down")).To(Exit(0))
	})

	It("of the same name from two files are refused, and both are named", func() {
		one, two := write("lab.yaml", four), write("lab.yaml", four)
		up(one)
		was := inodes("four")
		r := labctl("up", two)
		Expect(r).To(Exit(2))
		Expect(r.err).To(And(ContainSubstring(one), ContainSubstring(two), ContainSubstring("--as")))
		Expect(inodes("four")).To(Equal(was))
		Expect(labctl("up", two, "--as", "other")).To(Exit(0))
		Expect(labctl("down", "--all")).To(Exit(0))
	})

	It("are verified ten at once", func() {
		results := make([]result, 10)
		var wg sync.WaitGroup
		for i := range results {
			wg.Add(1)
			go func() {
				defer GinkgoRecover()
				defer wg.Done()
				results[i] = labctl("verify", "two-hosts")
			}()
		}
		wg.Wait()
		for _, r := range results {
			Expect(r).To(Exit(0))
		}
		Expect(instances()).To(BeEmpty())
	})

	It("are verified by one command, in the order given, with one report", func() {
		junit := filepath.Join(GinkgoT().TempDir(), "junit.xml")
		r := labctl("verify", "two-hosts", "nested", write("four.yaml", four+"expect: {ping: ok}\n"), "-j", "3", "--junit", junit)
		Expect(r).To(Exit(0))
		at := -1
		for _, name := range []string{"two-hosts: all", "nested: all", "four: all"} {
			i := strings.Index(r.out, name)
			Expect(i).To(BeNumerically(">", at), "%s in\n%s", name, r.out)
			at = i
		}
		Expect(readJUnit(junit).Suites).To(HaveLen(3))
	})

	It("come up once when ten start the same one", func() {
		file := write("lab.yaml", star("same", 10))
		DeferCleanup(func() { labctl("down", "--all", "--force") })
		results := make([]result, 10)
		var wg sync.WaitGroup
		for i := range results {
			wg.Add(1)
			go func() {
				defer GinkgoRecover()
				defer wg.Done()
				results[i] = labctl("up", file)
			}()
		}
		wg.Wait()
		for _, r := range results {
			Expect(r).To(Exit(0))
		}
		Expect(instances()).To(HaveLen(1))
		Expect(labctl("ping", "h1", "h10")).To(Exit(0))
	})
})
