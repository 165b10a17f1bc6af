package e2e

import (
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

const storied = `# a b ── s1
format: 1
lab: storied
nodes:
  s1: {kind: bridge}
  a: {ip: 10.0.0.1/24}
  b: {ip: 10.0.0.2/24}
links: [a b -- s1]
steps:
  - name: they talk
    set: {a: {sysctls: {net.ipv4.ip_default_ttl: 99}}}
    do:
      - stream: {name: chat, from: a, to: b}
    expect: {ping: ok}
  - name: expects what is not
    expect:
      ping: |
        from\to  b
        a        silent
  - name: waits in vain
    timeout: 200ms
    wait:
      arp: |
        from\to  b
        a        a
  - name: goes on
    expect: {ping: ok}
  - name: ends the talk
    do:
      - stop: chat
`

var _ = Describe("steps by hand", func() {
	// states is STATE of "step --list", one line.
	states := func() (out []string) {
		GinkgoHelper()
		r := labctl("step", "--list", "-o", "json")
		Expect(r).To(Exit(0))
		for _, s := range decode[[]struct{ State string }](r) {
			out = append(out, s.State)
		}
		return out
	}
	ttl := func() string {
		return labctl("exec", "a", "--", "cat", "/proc/sys/net/ipv4/ip_default_ttl").out
	}
	var file string
	BeforeEach(func() {
		file = write("storied.yaml", storied)
		up(file)
	})

	It("stop at the first one that is not as it should be, and go on behind one that failed only if told", func() {
		Expect(states()).To(Equal([]string{"next", "", "", "", ""}))
		r := labctl("step", "--all")
		Expect(r).To(Exit(1))
		Expect(r.out).To(And(ContainSubstring("step: they talk"), ContainSubstring("step 2 of 5; next: waits in vain")))
		Expect(states()).To(Equal([]string{"done", "differs", "next", "", ""}))

		r = labctl("step", "--all")
		Expect(r).To(Exit(1))
		Expect(r.out).To(And(ContainSubstring("FAILED"), ContainSubstring(`"labctl step --continue": goes on`)))
		after := []string{"done", "differs", "failed", "next", ""}
		Expect(states()).To(Equal(after))

		for _, args := range [][]string{{"step", "--all"}, {"step"}} {
			r = labctl(args...)
			Expect(r).To(Exit(3))
			Expect(r.err).To(And(ContainSubstring(`step 3, "waits in vain", failed`), ContainSubstring("--continue")))
			Expect(states()).To(Equal(after))
		}
		Expect(labctl("step", "--all", "--continue")).To(Exit(0))
		Expect(states()).To(Equal([]string{"done", "differs", "failed", "done", "done"}))
	})

	It("stay walked through when what was set by hand is taken back", func() {
		Expect(labctl("step")).To(Exit(0))
		Expect(labctl("set", "a.sysctls.net.ipv4.ip_default_ttl=50")).To(Exit(0))
		Expect(ttl()).To(Equal("50\n"))
		Expect(labctl("plan", "-l", "storied").out).To(And(
			ContainSubstring("reset would change a: sysctl net/ipv4/ip_default_ttl: 50 -> 99\n"), ContainSubstring("up --reset would change a:")))
		for _, args := range [][]string{{"reset"}, {"reset", "a"}} {
			Expect(labctl(args...)).To(Exit(0))
			Expect(ttl()).To(Equal("99\n"), "what the step has set")
		}
		Expect(labctl("reset").out).To(ContainSubstring("nothing was set by hand"))
		Expect(labctl("ps").out).To(ContainSubstring("chat"))
		Expect(states()[0]).To(Equal("done"))
		Expect(labctl("up", file, "--reset")).To(Exit(0))
		Expect(states()[0]).To(Equal("next"))
	})

	It("say which of their actions a kill -9 of the supervisor took along", func() {
		Expect(labctl("step")).To(Exit(0))
		Expect(syscall.Kill(supervisor("storied"), syscall.SIGKILL)).To(Succeed())
		Eventually(func() string { return state("storied") }, "5s").Should(Equal("degraded"))
		gone := "ended when the lab broke or was healed, and not started again: chat;"
		for range 2 {
			r := labctl("up", file)
			Expect(r).To(Exit(0))
			Expect(r.err).To(ContainSubstring(gone))
		}
		Expect(labctl("step").err).To(ContainSubstring(gone))
		Expect(labctl("step")).To(Exit(1))
		Expect(labctl("step", "--continue")).To(Exit(0))
		r := labctl("step")
		Expect(r).To(Exit(1))
		Expect(r.out).To(ContainSubstring(`"chat" ended when the lab's supervisor was killed`))

		r = labctl("up", file, "--reset")
		Expect(r).To(Exit(0))
		Expect(r.err).NotTo(ContainSubstring("not started again"))
		Expect(labctl("step").err).NotTo(ContainSubstring("not started again"))
	})

	It("are not walked through when the file is another by the time that a killed lab is healed", func() {
		Expect(labctl("step")).To(Exit(0))
		Expect(syscall.Kill(supervisor("storied"), syscall.SIGKILL)).To(Succeed())
		Eventually(func() string { return state("storied") }, "5s").Should(Equal("degraded"))
		edit(file, "name: expects what is not", "name: expects something else")
		Expect(labctl("up", file)).To(Exit(0))
		Expect(states()[0]).To(Equal("next"))
		Expect(ttl()).To(Equal("64\n"), "as the file says")
	})

	It("name the rule that stopped a ping, also where that was expected", func() {
		up(write("filtered.yaml", filtered))
		named := MatchRegexp(`(?m)^ *# a -> b.*: .*s1/deny/to-b`)
		for _, args := range [][]string{{"step", "-l", "filtered"}, {"matrix", "-l", "filtered", "--from", "a"}} {
			r := labctl(args...)
			Expect(r).To(Exit(0))
			Expect(r.out).To(named)
		}
		for _, c := range decode[struct {
			Cells []struct{ To, Outcome, Why string }
		}](labctl("matrix", "-l", "filtered", "--from", "a", "-o", "json")).Cells {
			Expect(c.Why).To(ContainSubstring("s1/"), c.To)
		}
	})
})
