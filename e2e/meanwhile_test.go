package e2e

import (
	"os"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("at the same time", func() {
	It("verbs that only look do not fail while a lab is changed", func() {
		small := star("busy", 3)
		// A node more, an inner bridge more, and one that must be rebuilt, because its commands differ.
		big := strings.NewReplacer("links:", "  vs: {kind: vswitch, profile: learning}\n  h4: {interfaces: {eth0: {ip: 10.9.0.9/16}, eth1: {}, br0: {bridge: [eth1], ip: 10.8.0.1/24}}}\nlinks:\n  - h4:eth1 -- vs\n",
			" -- s1", " h4 -- s1", "h1: {ip: 10.9.0.2/16}", "h1: {ip: 10.9.0.2/16, run: ['true']}").Replace(small)
		file := write("lab.yaml", small)
		up(file)
		done := make(chan bool)
		var wg sync.WaitGroup
		failed := make(chan result, 100)
		for _, verb := range []string{"inspect", "fdb", "neigh", "routes", "ls", "rules", "ports", "inspect h2 s1"} {
			wg.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-done:
						return
					default:
					}
					if r := labctl(strings.Fields(verb)...); r.code != 0 || verb == "ls" && strings.Contains(r.out, "degraded") {
						failed <- r
						return
					}
				}
			})
		}
		for range 4 {
			for _, text := range []string{big, small} {
				Expect(os.WriteFile(file, []byte(text), 0o644)).To(Succeed())
				Expect(labctl("up", file)).To(Exit(0))
				Expect(labctl("set", "h2.mtu=1400")).To(Exit(0))
				Expect(labctl("reset")).To(Exit(0))
			}
		}
		close(done)
		wg.Wait()
		close(failed)
		for r := range failed {
			Fail(r.String())
		}
	})

	It("up waits for a down that is under way, and builds the lab", func() {
		file := write("lab.yaml", star("again", 40))
		up(file)
		for range 3 {
			var wg sync.WaitGroup
			wg.Go(func() {
				defer GinkgoRecover()
				Expect(labctl("down", "again")).To(Exit(0))
			})
			begun := func() bool { st := state("again"); return st == "stopping" || st == "" }
			Eventually(begun, "20s", "1ms").Should(BeTrue())
			Expect(labctl("up", file)).To(Exit(0))
			wg.Wait()
			Expect(state("again")).To(Equal("running"))
			Expect(labctl("ping", "h1", "h40")).To(Exit(0))
		}
	})
})
