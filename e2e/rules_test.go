package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

const filtered = `# a b c ── s1
format: 1
lab: filtered
nodes:
  s1:
    kind: bridge
    rules:
      deny:
        load: false
        iptables: |
          -A FORWARD -m physdev --physdev-is-bridged --physdev-out b -p icmp -j NFLOG   # tell
          -A FORWARD -m physdev --physdev-is-bridged --physdev-out b -p icmp -j DROP    # to-b
      guard:
        load: false
        nft: |
          table bridge guard {
            chain c {
              type filter hook forward priority 0;
              oifname "c" ether type ip counter drop comment "to-c"
            }
          }
      closed: {load: false, iptables: -P FORWARD DROP}
      nameless:
        load: false
        nft: |
          table bridge nameless {
            chain c {
              type filter hook forward priority 0;
              ether type ip log group 3 comment "told"
              ether type ip counter drop
            }
          }
      unknown:
        load: false
        iptables: |
          -A FORWARD -j ACCEPT            # good
          -A FORWARD -m limit --limit nosuch -j DROP    # bad
      refused:
        load: false
        iptables: |
          -A FORWARD -j ACCEPT                  # good
          -t nat -A PREROUTING -j MASQUERADE    # bad
      misspelt:
        load: false
        nft: |
          table bridge misspelt {
            chain c {
              ether type ip vlan nonsense drop
            }
          }
  a: {ip: 10.0.0.1/24}
  b: {ip: 10.0.0.2/24}
  c: {ip: 10.0.0.3/24}
links: [a b c -- s1]
expect:
  ping: ok
steps:
  - name: denied
    set:
      s1: {rules: {deny: {load: true}, guard: {load: true}}}
    expect:
      ping: |
        from\to  b       c
        a        silent  silent
      hits: |
        rule           hits
        s1/deny/to-b   >=1
        s1/guard/to-c  >=1
  - name: counting begins anew
    set:
      s1: {ageing: 20s}
    expect:
      hits: |
        rule           hits
        s1/deny/to-b   0
        s1/guard/to-c  0
  - name: let through again
    reset: [s1]
    expect:
      ping: ok
`

// rule is a line of "labctl rules".
type rule struct {
	Node, Set, Rule, Text string
	Loaded                bool
	Packets               *uint64
}

func ruleOf(lab, set, name string) rule {
	GinkgoHelper()
	r := labctl("rules", "-l", lab, "-o", "json")
	Expect(r).To(Exit(0))
	for _, k := range decode[[]rule](r) {
		if k.Set == set && k.Rule == name {
			return k
		}
	}
	Fail("no rule " + set + "/" + name + " in\n" + r.out)
	return rule{}
}

// ruleset is what the kernel has, in nft's words.
func ruleset(lab, node string) string {
	GinkgoHelper()
	nft, err := exec.LookPath("nft")
	if err != nil {
		nft = "/usr/sbin/nft"
	}
	r := labctl("exec", "-l", lab, node, "--", nft, "list", "ruleset")
	Expect(r).To(Exit(0))
	return r.out
}

var _ = Describe("rules", func() {
	var file string
	BeforeEach(func() { file = write("filtered.yaml", filtered) })

	It("stop what they say, in a story", func() {
		Expect(labctl("verify", file)).To(Exit(0))
	})

	It("are loaded and unloaded by hand, and tell what they have met", func() {
		up(file)
		Expect(ruleOf("filtered", "deny", "to-b").Packets).To(BeNil())
		Expect(labctl("set", "s1.rules.deny.load=true")).To(Exit(0))
		Expect(labctl("ping", "a", "b")).To(Exit(1))
		k := ruleOf("filtered", "deny", "to-b")
		Expect(k.Loaded).To(BeTrue())
		Expect(*k.Packets).To(BeNumerically(">=", 1))
		Expect(k.Text).To(Equal("iptables -A FORWARD -m physdev --physdev-is-bridged --physdev-out b -p icmp -j DROP"))
		Expect(*ruleOf("filtered", "deny", "to-b").Packets).To(BeNumerically(">=", *k.Packets), "reading resets nothing")
		Expect(labctl("set", "s1.rules.deny.load=false")).To(Exit(0))
		Expect(labctl("ping", "a", "b")).To(Exit(0))
		Expect(ruleset("filtered", "s1")).To(BeEmpty())
	})

	It("log by name, without a kernel log", func() {
		up(file)
		Expect(labctl("set", "s1.rules.deny.load=true")).To(Exit(0))
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		follow := command(ctx, "rules", "--log", "-f", "-o", "json")
		out, err := follow.StdoutPipe()
		Expect(err).NotTo(HaveOccurred())
		Expect(follow.Start()).To(Succeed())
		Expect(labctl("ping", "a", "b")).To(Exit(1))
		line, err := bufio.NewReader(out).ReadString('\n')
		Expect(err).NotTo(HaveOccurred())
		var e struct{ Node, Rule, In, Out, What string }
		Expect(json.Unmarshal([]byte(line), &e)).To(Succeed(), line)
		Expect([]string{e.Node, e.Rule, e.In, e.Out}).To(Equal([]string{"s1", "deny/tell", "a", "b"}))
		Expect(e.What).To(HavePrefix("10.0.0.1 > 10.0.0.2, ICMP echo request"))
		Expect(follow.Process.Signal(syscall.SIGINT)).To(Succeed())
		_ = follow.Wait()
		Expect(labctl("rules", "--log").out).To(ContainSubstring("deny/tell"), "what was logged is remembered")
	})

	It("are all in the list, named or not, and so are policies, and the ping says which of them it was", func() {
		up(file)
		for set, want := range map[string]string{"closed": "FORWARD policy", "nameless": "a rule without a name"} {
			Expect(labctl("set", "s1.rules."+set+".load=true")).To(Exit(0))
			Expect(labctl("ping", "a", "b").out).To(HaveSuffix("; refused by s1/" + set + "/" + want + "\n"))
			k := ruleOf("filtered", set, map[string]string{"closed": want}[set])
			Expect(k.Packets).NotTo(BeNil())
			Expect(*k.Packets).To(BeNumerically(">=", 1))
			Expect(labctl("set", "s1.rules."+set+".load=false")).To(Exit(0))
		}
		Expect(strings.Count(labctl("rules", "--loaded").out, "\n")).To(Equal(1), "nothing but the header")
	})

	It("of nft log by name too", func() {
		up(file)
		Expect(labctl("set", "s1.rules.nameless.load=true")).To(Exit(0))
		Expect(labctl("ping", "a", "b")).To(Exit(1))
		Eventually(func() string { return labctl("rules", "--log").out }, "5s").Should(MatchRegexp(`s1 +nameless/told +in a out b +10\.0\.0\.1 > 10\.0\.0\.2, ICMP`))
	})

	DescribeTable("that cannot be loaded are named by their place in the file, and nothing is left of them",
		func(set, line, words string) {
			up(file)
			Expect(labctl("set", "s1.rules.deny.load=true")).To(Exit(0))
			before := ruleset("filtered", "s1")
			r := labctl("set", "s1.rules."+set+".load=true")
			Expect(r).To(Exit(2))
			at := strings.Count(filtered[:strings.Index(filtered, line)], "\n") + 1
			Expect(r.err).To(ContainSubstring("filtered.yaml:"+strconv.Itoa(at)+":"), "where")
			Expect(r.err).To(ContainSubstring("nodes.s1.rules." + set + ": "))
			Expect(r.err).To(ContainSubstring(words))
			Expect(ruleset("filtered", "s1")).To(Equal(before))
			Expect(state("filtered")).To(Equal("running"))
			Expect(ruleOf("filtered", set, "good").Loaded).To(BeFalse())
		},
		Entry("what iptables does not know", "unknown", "-A FORWARD -m limit", "nosuch"),
		Entry("what the kernel refuses", "refused", "-t nat -A PREROUTING", "Invalid argument"),
	)

	It("of one node are put back when another's are refused later", func() {
		text := strings.Replace(filtered, "  a: {ip", "  s2: {kind: bridge, rules: {refused: {load: false, iptables: -t nat -A PREROUTING -j MASQUERADE}}}\n  d: {ip: 10.0.0.4/24}\n  a: {ip", 1)
		up(write("filtered.yaml", strings.Replace(text, "links: [", "links: [d -- s2, ", 1)))
		Expect(labctl("set", "s1.rules.guard.load=true")).To(Exit(0))
		before := ruleset("filtered", "s1")
		r := labctl("set", "s1.rules.deny.load=true", "s1.rules.guard.load=false", "s2.rules.refused.load=true")
		Expect(r).To(Exit(2))
		Expect(r.err).To(ContainSubstring("nodes.s2.rules.refused: "))
		Expect(ruleset("filtered", "s1")).To(Equal(before))
		Expect(ruleOf("filtered", "deny", "to-b").Loaded).To(BeFalse())
		Expect(labctl("ping", "a", "b")).To(Exit(0))
		Expect(labctl("ping", "a", "c")).To(Exit(1), "guarded as before")
		Expect(labctl("set", "s1.rules.deny.load=true")).To(Exit(0))
		Expect(labctl("ping", "a", "b")).To(Exit(1))
	})

	It("that cannot be loaded at all let no lab come up", func() {
		edit(file, "      misspelt:\n        load: false\n", "      misspelt:\n")
		r := labctl("up", file)
		Expect(r).To(Exit(2))
		Expect(r.err).To(MatchRegexp(`filtered\.yaml:\d+:\d+: nodes\.s1\.rules\.misspelt: syntax error`))
		Expect(state("filtered")).To(BeEmpty())
	})

	It("are there again when the supervisor was killed, and come back with a node", func() {
		up(file)
		Expect(labctl("set", "s1.rules.deny.load=true")).To(Exit(0))
		before := ruleset("filtered", "s1")
		Expect(syscall.Kill(supervisor("filtered"), syscall.SIGKILL)).To(Succeed())
		Eventually(func() string { return state("filtered") }, "5s").Should(Equal("degraded"))
		Expect(labctl("up", file)).To(Exit(0))
		Expect(ruleset("filtered", "s1")).To(Equal(before))
		Expect(labctl("ping", "a", "b")).To(Exit(1))
		if !root { // its namespaces have no names that somebody could delete
			return
		}
		Expect(exec.Command("ip", "netns", "delete", "filtered.s1").Run()).To(Succeed())
		Expect(labctl("up", file)).To(Exit(0))
		Expect(labctl("ping", "a", "b")).To(Exit(1))
	})

	It("need programs, and say of which package when one is missing", func() {
		edit(file, "      deny:\n        load: false\n", "      deny:\n")
		restore, err := exec.LookPath("iptables-restore")
		if err != nil {
			restore = "/usr/sbin/iptables-restore"
		}
		restore, err = filepath.EvalSymlinks(restore)
		Expect(err).NotTo(HaveOccurred())
		hidden := []string{"-m", "sh", "-c", `mount --bind /dev/null "$0" && exec "$1" up "$2"`, restore, binary, file}
		if !root {
			hidden = append([]string{"--map-current-user", "--keep-caps"}, hidden...)
		}
		r := run(nil, "", "unshare", hidden...)
		Expect(r).To(Exit(4))
		Expect(r.err).To(ContainSubstring("iptables is not installed: apt-get install iptables"))
		Expect(state("filtered")).To(BeEmpty())
	})
})
