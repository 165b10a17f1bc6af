package e2e

import (
	"context"
	"os/exec"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

const four = `# a, b, c ── s1 ── r
format: 1
lab: four
nodes:
  s1: {kind: bridge}
  a: {ip: 10.0.0.1/24}
  b: {ip: 10.0.0.2/24}
  c: {ip: 10.0.0.3/24}
  r: {ip: 10.0.0.254/24}
links:
  - a b c r -- s1
`

var _ = Describe("up of a changed file", func() {
	var file string
	var was map[string]uint64
	var witness *exec.Cmd

	BeforeEach(func() {
		file = write("four.yaml", four)
		up(file)
		was = inodes("four")
		// A process in a node that no change is about: it must live through all of them.
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		DeferCleanup(cancel)
		witness = command(ctx, "exec", "b", "--", "sh", "-c", "echo here; read line; echo $line")
		in, err := witness.StdinPipe()
		Expect(err).NotTo(HaveOccurred())
		out, err := witness.StdoutPipe()
		Expect(err).NotTo(HaveOccurred())
		Expect(witness.Start()).To(Succeed())
		b := make([]byte, 100)
		n, _ := out.Read(b)
		Expect(string(b[:n])).To(Equal("here\n"))
		DeferCleanup(func() {
			_, err := in.Write([]byte("alive\n"))
			Expect(err).NotTo(HaveOccurred())
			n, _ := out.Read(b)
			Expect(string(b[:n])).To(Equal("alive\n"), "the process in b did not survive")
			Expect(witness.Wait()).To(Succeed())
		})
	})

	changed := func() string {
		GinkgoHelper()
		r := labctl("up", file)
		Expect(r).To(Exit(0))
		return r.err
	}
	expectKept := func(nodes ...string) {
		GinkgoHelper()
		now := inodes("four")
		for _, n := range nodes {
			Expect(now[n]).To(Equal(was[n]), n)
		}
	}

	It("says that there is nothing to change", func() {
		Expect(changed()).To(ContainSubstring("nothing to change"))
		expectKept("s1", "a", "b", "c", "r")
		r := labctl("up", file, "-o", "json")
		Expect(r).To(Exit(0))
		Expect(keys(decode[any](r))).To(Equal([]string{"changes", "format", "lab", "pid"}))
		Expect(decode[map[string]any](r)["changes"]).To(BeEmpty())
	})

	It("changes an address in place", func() {
		edit(file, "10.0.0.1/24", "10.0.0.11/24")
		Expect(changed()).To(ContainSubstring("a: eth0: ip [10.0.0.1/24] -> [10.0.0.11/24]"))
		expectKept("s1", "a", "b", "c", "r")
		r := labctl("exec", "a", "--", "ip", "-4", "-o", "addr", "show", "dev", "eth0")
		Expect(r.out).To(ContainSubstring("10.0.0.11/24"))
		Expect(r.out).NotTo(ContainSubstring("10.0.0.1/24"))
		Expect(labctl("ping", "b", "a")).To(Exit(0))
	})

	It("adds a host, and takes it away", func() {
		edit(file, "  r: {ip", "  d: {ip: 10.0.0.4/24}\n  r: {ip")
		edit(file, "a b c r --", "a b c d r --")
		Expect(changed()).To(ContainSubstring("d: made"))
		expectKept("s1", "a", "b", "c", "r")
		Expect(labctl("ping", "d", "b")).To(Exit(0))
		edit(file, "  d: {ip: 10.0.0.4/24}\n", "")
		edit(file, "a b c d r --", "a b c r --")
		Expect(changed()).To(ContainSubstring("d: removed"))
		expectKept("s1", "a", "b", "c", "r")
		Expect(inodes("four")).NotTo(HaveKey("d"))
		Expect(labctl("ping", "a", "b")).To(Exit(0))
	})

	It("changes a sysctl in place", func() {
		edit(file, "c: {ip: 10.0.0.3/24}", "c: {ip: 10.0.0.3/24, sysctls: {rp_filter: 1}}")
		Expect(changed()).To(ContainSubstring("c: sysctl"))
		expectKept("s1", "a", "b", "c", "r")
		r := labctl("exec", "c", "--", "cat", "/proc/sys/net/ipv4/conf/eth0/rp_filter", "/proc/sys/net/ipv4/conf/all/rp_filter")
		Expect(r.out).To(Equal("1\n1\n"))
		edit(file, ", sysctls: {rp_filter: 1}", "")
		Expect(changed()).To(ContainSubstring("c: sysctl"))
		r = labctl("exec", "c", "--", "cat", "/proc/sys/net/ipv4/conf/eth0/rp_filter", "/proc/sys/net/ipv4/conf/all/rp_filter")
		Expect(r.out).To(Equal("0\n0\n"))
	})

	It("turns a host into a router, and a host into a bridge", func() {
		edit(file, "r: {ip: 10.0.0.254/24}", "r: {kind: router, ip: 10.0.0.254/24}")
		Expect(changed()).To(ContainSubstring("r: "))
		expectKept("s1", "a", "b", "c")
		Expect(labctl("exec", "r", "--", "cat", "/proc/sys/net/ipv4/ip_forward").out).To(Equal("1\n"))
		edit(file, "r: {kind: router, ip: 10.0.0.254/24}", "r: {kind: bridge, ip: 10.0.0.254/24}")
		Expect(changed()).To(ContainSubstring("r: rebuilt: kind router -> bridge"))
		expectKept("s1", "a", "b", "c")
		Expect(labctl("ping", "a", "r")).To(Exit(0))
	})

	It("leaves a lab as it is when the file is wrong", func() {
		edit(file, "a b c r -- s1", "a b c q -- s1")
		r := labctl("up", file)
		Expect(r).To(Exit(2))
		Expect(r.err).To(MatchRegexp(`four\.yaml:\d+:\d+: `))
		expectKept("s1", "a", "b", "c", "r")
		Expect(labctl("ping", "a", "b")).To(Exit(0))
	})

	It("keeps counters of what it does not touch", func() {
		Expect(labctl("exec", "b", "--", "ping", "-c3", "-i0.01", "10.0.0.3")).To(Exit(0))
		packets := func() int {
			r := labctl("exec", "c", "--", "ip", "-s", "-j", "link", "show", "eth0")
			list := decode[[]struct {
				Stats64 struct{ Rx struct{ Packets int } }
			}](r)
			Expect(list).To(HaveLen(1), r.String())
			return list[0].Stats64.Rx.Packets
		}
		count := packets()
		Expect(count).To(BeNumerically(">=", 3))
		edit(file, "10.0.0.1/24", "10.0.0.11/24")
		changed()
		Expect(packets()).To(BeNumerically(">=", count))
	})
})
