package e2e

import (
	"encoding/json"
	"os"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("the action link", func() {
	const lab = `# r ── s1 ── a:h:b ── s2
format: 1
lab: unplug
nodes:
  s1: {kind: bridge}
  s2: {kind: bridge}
  h:
    interfaces:
      a: {ip: [10.0.0.1/24, "fd00::1/64"]}
      b: {ip: 10.1.0.1/24}
    routes: {default: 10.0.0.254}
  r: {kind: router, ip: [10.0.0.254/24, "fd00::fe/64"]}
links:
  - h:a r -- s1
  - h:b -- s2
steps:
  - name: unplugged
    do:
      - link: {h:a: down, s2:h: down}
  - name: rebuilt
    do:
      - restart: [h]
  - name: plugged in, and one left
    do:
      - link: {h:a: up}
      - link: {h:b: down}
  - name: as before
    reset: [h, s2]
`
	// flags are what iproute2 shows of an interface.
	flags := func(node, name string) []string {
		GinkgoHelper()
		r := labctl("exec", "-l", "unplug", node, "--", "ip", "-j", "link", "show", "dev", name)
		Expect(r).To(Exit(0))
		var links []struct{ Flags []string }
		Expect(json.Unmarshal([]byte(r.out), &links)).To(Succeed())
		return links[0].Flags
	}
	isUp := func(node, name string) bool {
		GinkgoHelper()
		return slices.Contains(flags(node, name), "UP")
	}
	routes := func() string {
		GinkgoHelper()
		r := labctl("exec", "-l", "unplug", "h", "--", "ip", "route")
		Expect(r).To(Exit(0))
		return r.out
	}

	It("stays over a restart and further steps, until a reset", func() {
		file := write("unplug.yaml", lab)
		up(file)
		whole := routes()
		Expect(whole).To(ContainSubstring("default via 10.0.0.254 dev a"))

		Expect(labctl("step", "-l", "unplug")).To(Exit(0))
		Expect([]bool{isUp("h", "a"), isUp("s2", "h"), isUp("h", "b")}).To(Equal([]bool{false, false, true}))
		Expect(flags("h", "b")).To(ContainElement("NO-CARRIER"))
		Expect(routes()).NotTo(ContainSubstring("default"))
		Expect(labctl("up", "--dry-run", file)).To(Exit(0), "and up has nothing to change")

		Expect(labctl("step", "-l", "unplug")).To(Exit(0))
		Expect([]bool{isUp("h", "a"), isUp("s2", "h"), isUp("h", "b")}).To(Equal([]bool{false, false, true}))

		Expect(labctl("step", "-l", "unplug")).To(Exit(0))
		Expect([]bool{isUp("h", "a"), isUp("s2", "h"), isUp("h", "b")}).To(Equal([]bool{true, false, false}))
		Expect(routes()).To(ContainSubstring("default via 10.0.0.254 dev a"))
		Expect(labctl("ping", "-l", "unplug", "-6", "h", "r")).To(Exit(0))

		Expect(labctl("step", "-l", "unplug")).To(Exit(0))
		Expect([]bool{isUp("h", "a"), isUp("s2", "h"), isUp("h", "b")}).To(Equal([]bool{true, true, true}))
		Expect(routes()).To(Equal(whole))
	})

	It("does not undo what was set by hand", func() {
		up(write("unplug.yaml", lab))
		Expect(labctl("link", "down", "-l", "unplug", "h:b")).To(Exit(0))
		Expect(labctl("step", "-l", "unplug", "--all").out).To(ContainSubstring("h:b was set by hand (h.interfaces.b.up=false)"))
	})

	It("goes on with what was set by hand elsewhere", func() {
		up(write("unplug.yaml", lab))
		Expect(labctl("set", "-l", "unplug", "h.interfaces.b.mtu=1400")).To(Exit(0))
		Expect(labctl("step", "-l", "unplug")).To(Exit(0))
		Expect(isUp("h", "a")).To(BeFalse())
		Expect(labctl("plan", "-l", "unplug").out).To(ContainSubstring("h.interfaces.b.mtu=1400"))
		Expect(labctl("reset", "-l", "unplug")).To(Exit(0))
		Expect(isUp("h", "a")).To(BeFalse())
	})

	It("is waited for by link up, and not with --no-wait", func() {
		text, err := os.ReadFile("../labs/port-delay.yaml")
		Expect(err).NotTo(HaveOccurred())
		up(write("port-delay.yaml", string(text)))
		state := func() string {
			GinkgoHelper()
			r := labctl("exec", "br0", "--", "bridge", "-j", "link", "show", "dev", "vm")
			Expect(r).To(Exit(0))
			var ports []struct{ State string }
			Expect(json.Unmarshal([]byte(r.out), &ports)).To(Succeed())
			return ports[0].State
		}
		Expect(state()).To(Equal("forwarding"))
		Expect(labctl("link", "down", "vm:eth0")).To(Exit(0))
		Expect(labctl("link", "up", "--no-wait", "vm:eth0")).To(Exit(0))
		Expect(state()).To(Equal("listening"))
		Expect(labctl("link", "down", "vm:eth0")).To(Exit(0))
		Expect(labctl("link", "up", "vm:eth0")).To(Exit(0))
		Expect(state()).To(Equal("forwarding"))
	})
})
