package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("up --dry-run", func() {
	type foreseen struct {
		State    string
		Build    bool
		Changes  []struct{ Node, What string }
		Kept     []string
		Commands []string
	}
	// changes are the lines of an output that say what becomes of nodes.
	changes := func(out string) []string { return regexp.MustCompile(`(?m)^  [^ :]+: .*$`).FindAllString(out, -1) }

	It("says what up then does, touches nothing, and leaves what was set by hand and steps", func() {
		file := write("lab.yaml", star("dry", 2)+"steps:\n  - name: one\n    set: {h2: {mtu: 1300}}\n")
		dry := func(code int, flags ...string) result {
			GinkgoHelper()
			r := labctl(append([]string{"up", "--dry-run", file}, flags...)...)
			Expect(r).To(Exit(code))
			return r
		}
		r := dry(1)
		Expect(r.out).To(And(ContainSubstring("h1: made"), ContainSubstring("dry is not up")))
		Expect(dry(1, "--script").out).To(ContainSubstring("ip netns add dry.h1"))
		Expect(instances()).To(BeEmpty())
		up(file)
		was := inodes("dry")
		Expect(dry(0).out).To(ContainSubstring("nothing to change"))
		Expect(decode[foreseen](dry(0, "-o", "json"))).To(Equal(foreseen{State: "running", Changes: []struct{ Node, What string }{}, Commands: []string{}}))

		Expect(labctl("set", "h1.mtu=1400")).To(Exit(0))
		Expect(labctl("step")).To(Exit(0))
		Expect(dry(0).out).To(ContainSubstring("kept, set by hand: h1.mtu=1400"))
		edit(file, "10.9.0.3/16", "10.9.0.33/16") // which also takes the step back
		r = dry(1)
		Expect(r.out).To(And(ContainSubstring("10.9.0.33/16"), ContainSubstring("mtu 1300 -> 1500"), ContainSubstring("kept, set by hand: h1.mtu=1400")))
		Expect(dry(1, "--script").out).To(ContainSubstring("10.9.0.33/16"))
		d := decode[foreseen](dry(1, "-o", "json"))
		Expect(d.Build).To(BeFalse())
		Expect(d.Kept).To(ConsistOf("h1.mtu=1400"))
		Expect(labctl("exec", "h2", "--", "ip", "-br", "addr").out).To(ContainSubstring("10.9.0.3/16"))
		Expect(inodes("dry")).To(Equal(was))

		edited := labctl("plan", "-l", "dry")
		Expect(edited).To(Exit(0))
		Expect(edited.out).To(And(ContainSubstring(file+" as it was at the last"), ContainSubstring("was edited since, at 20"), ContainSubstring("--dry-run")))
		Expect(dry(1, "--reset").out).To(ContainSubstring("build it from nothing"))

		now := labctl("up", file)
		Expect(now).To(Exit(0))
		Expect(changes(now.err)).To(Equal(changes(r.out)))
		Expect(dry(0).out).To(ContainSubstring("nothing to change"))
		edited = labctl("plan", "-l", "dry")
		Expect(edited.out).NotTo(ContainSubstring("edited"))
		Expect(os.Remove(file)).To(Succeed())
		Expect(labctl("plan", "-l", "dry").out).To(ContainSubstring(filepath.Base(file) + " is not there any more"))
	})

	It("says what healing would be", func() {
		file := write("lab.yaml", star("dry", 2))
		up(file)
		Expect(labctl("set", "h1.mtu=1400")).To(Exit(0))
		if root {
			Expect(run(nil, "", "ip", "netns", "delete", "dry.h2")).To(Exit(0))
			r := labctl("up", "--dry-run", file)
			Expect(r).To(Exit(1))
			Expect(r.out).To(ContainSubstring("h2: rebuilt: its namespace was gone"))
		}
		Expect(syscall.Kill(supervisor("dry"), syscall.SIGKILL)).To(Succeed())
		Eventually(func() string { return state("dry") }, "5s").Should(Equal("degraded"))
		r := labctl("up", "--dry-run", file)
		Expect(r).To(Exit(1))
		Expect(r.out).To(And(ContainSubstring("dry is degraded"), ContainSubstring("kept, set by hand: h1.mtu=1400")))
		if root {
			Expect(changes(r.out)).To(HaveLen(1), "h1 and s1 are whole")
			Expect(r.out).To(And(ContainSubstring("h2: rebuilt: its namespace is gone"), ContainSubstring("up would heal it")))
		} else {
			Expect(r.out).To(And(ContainSubstring("h1: made"), ContainSubstring("build it from nothing")))
		}
		Expect(strings.Contains(labctl("up", "--dry-run", "--script", file).out, "ip netns add dry.h1")).To(Equal(!root))
		Expect(state("dry")).To(Equal("degraded"))
		Expect(labctl("up", file)).To(Exit(0))
		Expect(labctl("up", "--dry-run", file)).To(Exit(0))
	})
})
