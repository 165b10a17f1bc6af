package e2e

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/creack/pty"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// onTerminal runs labctl on a terminal of so many columns and returns what it shows.
func onTerminal(columns uint16, env []string, args ...string) (shown string, code int) {
	GinkgoHelper()
	cmd := exec.Command(binary, args...)
	cmd.Env, cmd.Dir = environment(append([]string{"TERM=xterm"}, env...)...), runtimeDir
	t, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: columns})
	Expect(err).NotTo(HaveOccurred())
	defer t.Close()
	out, _ := io.ReadAll(t) // it ends with EIO once nobody has the terminal open
	_ = cmd.Wait()
	return strings.ReplaceAll(string(out), "\r\n", "\n"), exitCode(cmd.ProcessState)
}

// control is what a terminal acts upon: colours, and the line of progress.
var control = regexp.MustCompile("\x1b\\[[0-9]*[mK]|\r")

// uncoloured is what is left to read.
func uncoloured(text string) string { return control.ReplaceAllString(text, "") }

const red = "\x1b[31m"

var _ = Describe("the command line on a terminal", func() {
	It("breaks a matrix that is too wide into blocks that a lab file takes, and leaves it whole on a pipe", func() {
		file := write("wide.yaml", star("wide", 9))
		up(file)
		wide := labctl("matrix", "--no-timing").out
		Expect(strings.Count(wide, `from\to`)).To(Equal(1))
		shown, code := onTerminal(30, nil, "matrix", "--no-timing")
		Expect(code).To(Equal(0))
		shown = uncoloured(shown)
		Expect(strings.Count(shown, `from\to`)).To(BeNumerically(">=", 2), shown)
		table, _, found := strings.Cut(shown, "\n\n#")
		Expect(found).To(BeTrue(), shown)
		for line := range strings.Lines(table) {
			Expect(len(strings.TrimSuffix(line, "\n"))).To(BeNumerically("<=", 30), line)
		}
		text, err := os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		pasted := string(text) + "expect:\n  ping: |\n    " + strings.ReplaceAll(table, "\n", "\n    ") + "\n"
		pasted = strings.ReplaceAll(pasted, "    \n", "\n")
		Expect(labctl("verify", write("pasted.yaml", strings.Replace(pasted, "lab: wide", "lab: pasted", 1)))).To(Exit(0))
	})

	It("colours what differs, unless it is told not to, and never says it by the colour alone", func() {
		file := write("wrong.yaml", wrong)
		plain := labctl("verify", file, "--no-timing").out
		Expect(plain).NotTo(ContainSubstring("\x1b"))
		Expect(labctl("verify", file, "--no-timing", "--color", "always").out).To(ContainSubstring(red + "ok!"))
		Expect(labctlWith([]string{"LABCTL_COLOR=always"}, "", "verify", file, "--no-timing").out).To(ContainSubstring(red + "ok!"))
		Expect(labctl("verify", file, "--no-timing", "--color", "always", "-o", "json").out).NotTo(ContainSubstring("\x1b["))
		for _, c := range []struct {
			env      string
			args     []string
			coloured bool
		}{
			{"NO_COLOR=", nil, true}, {"NO_COLOR=1", nil, false}, {"TERM=dumb", nil, false}, {"LABCTL_COLOR=never", nil, false},
			{"NO_COLOR=1", []string{"--color=always"}, true}, {"NO_COLOR=", []string{"--color=never"}, false},
		} {
			shown, code := onTerminal(200, []string{c.env}, append([]string{"verify", file, "--no-timing"}, c.args...)...)
			Expect(code).To(Equal(1))
			Expect(strings.Contains(shown, red)).To(Equal(c.coloured), "%v: %q", c, shown)
			Expect(uncoloured(shown)).To(ContainSubstring("  h1       -   ok!"))
			Expect(uncoloured(shown)).To(HaveSuffix(plain))
		}
	})

	It("wipes its progress on a terminal that can do it, and shows none on one that cannot", func() {
		up("two-hosts")
		for _, term := range []struct {
			name  string
			wipes bool
		}{{"xterm", true}, {"dumb", false}} {
			shown, code := onTerminal(80, []string{"TERM=" + term.name, "NO_COLOR=1"}, "matrix")
			Expect(code).To(Equal(0))
			Expect(shown).To(ContainSubstring("ok"))
			Expect(strings.Contains(shown, "\r\x1b[K")).To(Equal(term.wipes), "%s: %q", term.name, shown)
		}
	})

	It("wraps help at its width, and at 80 columns on a pipe", func() {
		for _, columns := range []uint16{60, 80, 200} {
			shown, code := onTerminal(columns, nil, "verify", "--help")
			Expect(code).To(Equal(0))
			text, _, _ := strings.Cut(shown, "\nFlags:")
			longest := 0
			for line := range strings.Lines(text) {
				longest = max(longest, len([]rune(line))-1)
			}
			Expect(longest).To(And(BeNumerically("<=", min(columns, 100)), BeNumerically(">", min(columns, 100)-15)), text)
		}
		for line := range strings.Lines(labctl("--help").out) {
			Expect(len(line)-1).To(BeNumerically("<=", 80), line)
		}
	})
})

var _ = Describe("verify for scripts", func() {
	It("says with --quiet what differs and nothing else", func() {
		good, bad := write("two.yaml", star("two", 2)+"expect: {ping: ok}\n"), write("wrong.yaml", wrong)
		for _, r := range []result{labctl("verify", "-q", good), labctl("verify", "--quiet", good, "two-hosts"),
			labctlWith([]string{"LABCTL_QUIET=true"}, "", "verify", good)} {
			Expect(r).To(Exit(0))
			Expect(r.out + r.err).To(BeEmpty())
		}
		r := labctl("verify", "-q", "--no-timing", bad)
		Expect(r).To(Exit(1))
		Expect(r.out).To(MatchRegexp(`^` + regexp.QuoteMeta(bad) + `:11:22: h1 -> h2: wanted no-arp, got ok: 64 bytes [^\n]*\n` +
			`wrong: 1 of 2 cells differs\n$`))
		Expect(r.err).To(BeEmpty())
	})

	It("says of which lab something is missing, and of a death on one line", func() {
		lacking := write("lacking.yaml", "needs: [no-such-program-of-anybody]\n"+star("lacking", 2)+"expect: {ping: ok}\n")
		r := labctl("verify", "-q", "two-hosts", lacking)
		Expect(r).To(Exit(4))
		Expect(r.err).To(ContainSubstring(lacking + ": no-such-program-of-anybody is not installed"))
		r = labctl("verify", "-q", "--require", "two-hosts", lacking)
		Expect(r).To(Exit(1))
		Expect(r.err).To(ContainSubstring(lacking + ": no-such-program-of-anybody is not installed"))

		dies := write("dies.yaml", `format: 1
lab: dies
nodes:
  h1: {ip: 10.0.0.1/24, run: [{sh: "echo one >&2; echo two >&2; exit 3", background: true}]}
  h2: {ip: 10.0.0.2/24}
links: [h1 -- h2]
expect: {ping: ok}
`)
		r = labctl("verify", "-q", dies)
		Expect(r).To(Exit(1))
		Expect(r.out).To(MatchRegexp(`^` + regexp.QuoteMeta(dies) + `:4:1: FAILED: a command in the background died: h1: .*one; two\ndies: [^\n]*\n$`))
	})

	It("ends with the verdict on each of several labs, and a line about all", func() {
		good, bad := write("two.yaml", star("two", 2)+"expect: {ping: ok}\n"), write("wrong.yaml", wrong)
		r := labctl("verify", good, bad, "-j", "2", "--no-timing")
		Expect(r).To(Exit(1))
		Expect(strings.Join(strings.Fields(r.out[strings.LastIndex(r.out, "\n\n"):]), " ")).To(Equal(
			good + " all 2 cells are as expected " + bad + " 1 of 2 cells differs 2 labs: 1 as expected, 1 differing"))
		Expect(labctl("verify", good).out).NotTo(ContainSubstring("1 lab"))
	})

	It("tells of each step on a line where there is no terminal, and says in JUnit and annotations why", func() {
		file, junit := write("walk.yaml", star("walk", 2)+`steps:
  - name: cut off
    set: {h1: {rules: {deny: {load: true}}}}
    expect: {ping: ok}
  - name: never
    wait:
      arp: |
        from\to  h2
        h1       h1
    timeout: 100ms
`), filepath.Join(GinkgoT().TempDir(), "j.xml")
		edit(file, "h1: {ip: 10.9.0.2/16}", "h1: {ip: 10.9.0.2/16, rules: {deny: {load: false, iptables: \"-A OUTPUT -p icmp -j DROP\"}}}")
		r := labctlWith([]string{"GITHUB_ACTIONS=true"}, "", "verify", file, "--junit", junit)
		Expect(r).To(Exit(1))
		Expect(r.err).To(And(ContainSubstring("walk: step 1/2: cut off\nwalk: step 2/2: never\n")))
		printed := regexp.MustCompile(`# h1 -> h2: wanted ok, got (\S+): (.*)\n`).FindStringSubmatch(r.out)
		Expect(printed).NotTo(BeNil(), r.out)
		cause := regexp.MustCompile(`refused by h1/deny/.*`).FindString(printed[2])
		Expect(cause).NotTo(BeEmpty(), printed[2])
		Expect(r.err).To(ContainSubstring("::ping:h1->h2 (cut off): wanted ok, got " + printed[1] + ": " + printed[2]))
		Expect(r.err).To(ContainSubstring("step (never): "))
		report, err := os.ReadFile(junit)
		Expect(err).NotTo(HaveOccurred())
		text := strings.NewReplacer("&gt;", ">", "&#39;", "'", "&#34;", `"`, "&#xA;", "\n").Replace(string(report))
		Expect(text).To(ContainSubstring(`message="wanted ok, got ` + printed[1] + ": " + cause + `"`))
		Expect(text).To(ContainSubstring(": " + printed[2] + "]]>"))
		Expect(text).To(ContainSubstring("arp:h1->h2: wanted h1, got"))
	})
})

var _ = Describe("the face of the command line", func() {
	It("shows the state and the MTU of interfaces as ip does", func() {
		file := write("state.yaml", star("state", 3))
		edit(file, "h2: {ip: 10.9.0.3/16}", "h2: {ip: 10.9.0.3/16, mtu: 1400}")
		edit(file, "h3: {ip: 10.9.0.4/16}", "h3: {interfaces: {eth0: 10.9.0.4/16, m0: {macvlan: eth0}}}")
		up(file)
		Expect(labctl("link", "down", "h3:eth0")).To(Exit(0))
		type iface struct {
			Name, State string
			MTU         int
		}
		doc := decode[struct {
			Nodes []struct {
				Name       string
				Interfaces []iface
			}
		}](labctl("inspect", "-o", "json"))
		states := []string{}
		for _, n := range doc.Nodes {
			var links []struct {
				Ifname, Operstate string
				MTU               int
			}
			Expect(json.Unmarshal([]byte(labctl("exec", n.Name, "--", "ip", "-j", "link").out), &links)).To(Succeed())
			for _, i := range n.Interfaces {
				for _, l := range links {
					if l.Ifname == i.Name {
						Expect([]string{i.State, strconv.Itoa(i.MTU)}).To(Equal([]string{strings.ToLower(l.Operstate), strconv.Itoa(l.MTU)}), n.Name+" "+i.Name)
						states = append(states, i.State)
					}
				}
			}
		}
		Expect(states).To(HaveLen(8))
		Expect(states).To(ContainElements("up", "down", "lowerlayerdown"))
		Expect(labctl("inspect", "h2").out).To(MatchRegexp(`eth0 +up +1400 `))
	})

	It("leads from verbs that people try to those that there are, and names what is missing", func() {
		for line, want := range map[string]string{
			"deploy -t lab.yaml": "labctl: there is no verb deploy; to build a lab: labctl up FILE\n",
			"help destroy":       "labctl: there is no verb destroy; to take a lab down: labctl down LAB\n",
			"verfy":              "labctl: there is no verb \"verfy\"; did you mean \"verify\"?\n",
			"ping":               "labctl: ping needs FROM and TO: labctl ping h1 h2\n",
		} {
			r := labctl(strings.Fields(line)...)
			Expect(r).To(Exit(2))
			Expect(r.err).To(Equal(want))
			Expect(r.out).To(BeEmpty())
		}
		Expect(labctl("down", "")).To(Exit(2))
		up(write("two.yaml", star("two", 2)))
		r := labctl("ping", "h1", "nosuch")
		Expect(r).To(Exit(2))
		Expect(r.err).To(ContainSubstring(`no node "nosuch" in lab two; it has s1, h1, h2`))
	})

	It("completes files that are there before shipped labs", func() {
		dir := GinkgoT().TempDir()
		for _, name := range []string{"mine.yaml", "notes.txt"} {
			Expect(os.WriteFile(filepath.Join(dir, name), nil, 0o600)).To(Succeed())
		}
		lines := strings.Split(labctl("__complete", "up", dir+"/").out, "\n")
		Expect(lines[0]).To(Equal(dir + "/mine.yaml"))
		Expect(lines).NotTo(ContainElement(ContainSubstring("notes.txt")))
		Expect(slices.Contains(strings.Split(labctl("__complete", "up", "").out, "\n"), "two-hosts")).To(BeTrue())
	})
})
