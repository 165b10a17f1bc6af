package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("listeners that are not promiscuous", func() {
	const lab = `# a, b, c and m on a hub; g is a guest of m; w1, w2 and w3 on a switch that lets promiscuous guests listen
format: 1
lab: hears
nodes:
  hub: {kind: bridge, ageing: 0s}
  sw: {kind: vswitch, promiscuous: accept}
  a: {ip: 10.0.0.1/24}
  b: {ip: 10.0.0.2/24}
  c: {ip: 10.0.0.3/24}
  m: {ip: 10.0.0.4/24}
  g: {interfaces: {eth1: {macvlan: m:eth0, ip: 10.0.0.5/24}}}
  w1: {ip: 10.1.0.1/24}
  w2: {ip: 10.1.0.2/24}
  w3: {ip: 10.1.0.3/24}
links:
  - a b c m -- hub
  - w1 w2 w3 -- sw
`

	// listens is what tcpdump -p, or without -p tcpdump, hears at an interface of the ping that do sends. The
	// listener's own ping, which leaves by the interface, says that all before it has been heard.
	listens := func(node, name, to string, do func(), options ...string) string {
		GinkgoHelper()
		dir := GinkgoT().TempDir()
		heard, says := filepath.Join(dir, "heard"), filepath.Join(dir, "says")
		text := fmt.Sprintf(`exec "$0" "$@" -lnni %s icmp >%s 2>%s`, name, heard, says)
		ctx, cancel := context.WithCancel(context.Background())
		c := command(ctx, append([]string{"exec", node, "--", "sh", "-c", text, "tcpdump"}, options...)...)
		Expect(c.Start()).To(Succeed())
		defer func() { cancel(); _ = c.Wait() }()
		reads := func(path string) func() string {
			return func() string { b, _ := os.ReadFile(path); return string(b) }
		}
		Eventually(reads(says), "20s").Should(ContainSubstring("listening on"))
		if node == "w3" && len(options) == 0 { // a switch has noticed a moment later
			Eventually(func() string { return labctl("ports").out }, "20s").Should(ContainSubstring("granted"))
		}
		do()
		labctl("exec", node, "--", "ping", "-c1", "-W1", "-s", "99", to)
		Eventually(reads(heard), "20s").Should(ContainSubstring("length 107"))
		return reads(heard)()
	}

	It("hear what tcpdump -p hears", func() {
		_, err := exec.LookPath("tcpdump")
		Expect(err).NotTo(HaveOccurred(), "scripts/setup.sh installs it")
		up(write("hears.yaml", lab))
		for _, c := range []struct {
			from, to, node, name string
			plain, promiscuous   bool
		}{
			{"a", "b", "c", "eth0", true, true},   // a veth has no filter
			{"a", "b", "g", "eth1", false, false}, // a macvlan gets what is for its MAC
			{"a", "g", "g", "eth1", true, true},
			{"a", "g", "m", "eth0", true, true}, // before the macvlan takes it
			{"w1", "w2", "w3", "eth0", false, true},
		} {
			By(fmt.Sprintf("%s -> %s at %s", c.from, c.to, c.node))
			flow := fmt.Sprintf("%s->%s", c.from, c.to)
			sees := func(options ...string) bool {
				GinkgoHelper()
				r := labctl(append([]string{"matrix", "--probe", "sees", "--from", c.from, "--to", c.to, "--at", c.node}, options...)...)
				Expect(r).To(Exit(0))
				row := strings.Fields(strings.Split(r.out, "\n")[1])
				Expect(row).To(Or(Equal([]string{flow, "yes"}), Equal([]string{flow, "no"})))
				return row[1] == "yes"
			}
			target := map[string]string{"b": "10.0.0.2", "g": "10.0.0.5", "w2": "10.1.0.2"}[c.to]
			hears := func(options ...string) bool {
				GinkgoHelper()
				ping := func() { Expect(labctl("exec", c.from, "--", "ping", "-c1", c.to)).To(Exit(0)) }
				return strings.Contains(listens(c.node, c.name, c.from, ping, options...), "> "+target+": ICMP echo request, id")
			}
			Expect(hears("-p")).To(Equal(c.plain), "tcpdump -p")
			Expect(hears()).To(Equal(c.promiscuous), "tcpdump")
			Expect(sees("--no-promisc")).To(Equal(c.plain), "not promiscuous")
			Expect(sees()).To(Equal(c.promiscuous), "promiscuous")
		}
	})
})
