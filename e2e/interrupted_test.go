package e2e

import (
	"math/rand"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

const interrupted = `format: 1
lab: cut
nodes:
  s1: {kind: bridge}
  s2: {kind: vswitch, profile: learning}
  a: {ip: 10.0.0.1/24}
  b: {ip: 10.0.0.2/24}
  c: {interfaces: {eth0: {ip: 10.0.0.3/24}, eth1: {ip: 10.0.1.3/24}}, run: [ip link show eth0]}
  d: {ip: 10.0.1.4/24}
links:
  - a b -- s1
  - c:eth0 -- s1
  - c:eth1 d -- s2
expect:
  ping: |
    from\to  a         b         c:eth1    d
    a        -         ok        no-route  no-route
    b        ok        -         no-route  no-route
    d        no-route  no-route  ok        -
steps:
  - name: one
    set: {a: {mtu: 1400}}
    do: [{run: {node: a, sh: "for i in 1 2 3; do ip neigh flush all; done"}}, {restart: [c]}]
    expect:
      ping: |
        from\to  a   b   c:eth0
        a        -   ok  ok
        b        ok  -   ok
  - name: two
    set: {b: {ip: 10.0.0.9/24}}
    do: [{run: {node: b, sh: "exit 0"}}]
`

// A command line that changes a lab is ended at any moment. What it had begun the lab finishes, and "up" needs no
// --reset.
var _ = Describe("a change whose command line is ended", func() {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL} {
		It("by "+sig.String()+" leaves a lab that is whole", func(ctx SpecContext) {
			file := write("lab.yaml", interrupted)
			moments := rand.New(rand.NewSource(GinkgoRandomSeed()))
			up(file)
			began := time.Now()
			Expect(labctl("step")).To(Exit(0))
			whole := time.Since(began) // of an undisturbed step
			Expect(labctl("down", "cut")).To(Exit(0))
			finished := 0
			for n := 0; n < rounds(12, 6) || finished == 0 && sig != syscall.SIGKILL && n < 24; n++ {
				up(file)
				changed := [][]string{{"step"}, {"set", "b.mtu=1450"}, {"up", file}}[n%3]
				if changed[0] == "up" {
					edit(file, "10.0.1.4/24", "10.0.1.5/24")
				}
				cmd := command(ctx, changed...)
				var said strings.Builder
				cmd.Stderr = &said
				Expect(cmd.Start()).To(Succeed())
				moment := time.Duration(moments.Int63n(int64(whole)))
				ended := make(chan time.Time, 1)
				time.AfterFunc(moment, func() { ended <- time.Now(); _ = cmd.Process.Signal(sig) })
				_ = cmd.Wait()
				took := time.Since(<-ended)
				By(strings.Join(changed, " ") + " ended after " + moment.String() + ": " + said.String())
				if exitCode(cmd.ProcessState) == 130 {
					begin := time.Now() // what a busy machine takes for any command is not the lab's doing
					Expect(labctl("version")).To(Exit(0))
					Expect(took).To(BeNumerically("<", time.Second+time.Since(begin)))
				}
				if strings.Contains(said.String(), "by itself") {
					finished++
				}
				Eventually(func() string { return labctl("ls", "-o", "json").out }, "20s").ShouldNot(ContainSubstring(`"doing"`))
				Expect(state("cut")).To(Equal("running"))
				if strings.Contains(said.String(), "by itself") && changed[0] == "step" {
					Expect(labctl("step", "--list").out).To(MatchRegexp(`1 +done +one`))
				}
				if changed[0] == "up" {
					edit(file, "10.0.1.5/24", "10.0.1.4/24")
				}
				Expect(labctl("up", file)).To(Exit(0))
				if changed[0] == "step" { // whose tables are not the file's
					Expect(labctl("up", file, "--reset")).To(Exit(0))
				}
				Expect(labctl("verify", "cut")).To(Exit(0), "the table of the file is true again")
				Expect(labctl("step", "--all")).To(Exit(0))
				Expect(labctl("down", "cut")).To(Exit(0))
			}
			if sig != syscall.SIGKILL {
				Expect(finished).NotTo(BeZero(), "no moment fell into a change")
			}
		}, SpecTimeout(5*time.Minute))
	}
})
