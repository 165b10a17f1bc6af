package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"labctl/labs"
)

func itoa(n int) string { return strconv.Itoa(n) }

var _ = Describe("a wrong file", func() {
	DescribeTable("is refused with its place, and nothing is touched",
		func(old, new string, line, col int, says string) {
			before := machine()
			file := write("wrong.yaml", wrong)
			edit(file, old, new)
			at := file + ":" + itoa(line) + ":" + itoa(col) + ": "
			for _, verb := range []string{"validate", "up", "plan", "verify"} {
				r := labctl(verb, file)
				Expect(r).To(Exit(2))
				Expect(r.out).To(BeEmpty())
				Expect(r.err).To(ContainSubstring(at), "%s", says)
				Expect(r.err).To(ContainSubstring(says))
				Expect(r.err).To(ContainSubstring("^"), "a caret")
			}
			expectUntouched(before)
		},
		Entry("an unknown key", "h1: {ip: 10.0.0.1/24}", "h1: {ips: 10.0.0.1/24}", 5, 8, "ip"),
		Entry("an unknown node", "h1 -- h2", "h1 -- h3", 7, 15, "h3"),
		Entry("a bad prefix", "10.0.0.2/24", "10.0.0.2/99", 6, 12, "10.0.0.2/99"),
		Entry("a duplicate address", "10.0.0.2/24", "10.0.0.1/24", 6, 12, "h1"),
		Entry("an expectation about nobody", "h2       ok      -", "h7       ok      -", 12, 5, "h7"),
		Entry("an unknown word", "no-arp   #", "no-arb   #", 11, 22, "no-arp"),
	)

	It("tells all mistakes at once, also as JSON", func() {
		file := write("wrong.yaml", wrong)
		edit(file, "10.0.0.1/24", "10.0.0/24")
		edit(file, "h1 -- h2", "h1 -- h3")
		r := labctl("validate", file, "-o", "json")
		Expect(r).To(Exit(2))
		doc := decode[struct {
			OK       bool
			Problems []struct{ Line, Col int }
		}](r)
		Expect(doc.OK).To(BeFalse())
		Expect(len(doc.Problems)).To(BeNumerically(">=", 2))
		Expect(doc.Problems[0].Line).To(Equal(5))
	})

	DescribeTable("that is no lab at all is refused quickly",
		func(content string) {
			r := labctl("validate", write("x.yaml", content))
			Expect(r).To(Exit(2))
			Expect(len(r.err)).To(BeNumerically("<", 4000), r.err)
		},
		Entry("empty", ""),
		Entry("binary", "\x00\x01\xff\xfe\x7fELF"),
		Entry("ten megabytes", strings.Repeat("# nothing\n", 1<<20)),
		Entry("a bomb", "a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b,*b]\n"),
		Entry("a table of something else", "hello: world\n"),
	)
})

var _ = Describe("a lab", func() {
	It("comes from standard input, without commands unless allowed", func() {
		r := labctlWith(nil, strings.Replace(wrong, "no-arp   # a guess", "ok", 1), "verify", "-")
		Expect(r).To(Exit(0))
		runs := strings.Replace(four, "a: {ip: 10.0.0.1/24}", "a: {ip: 10.0.0.1/24, run: [\"true\"]}", 1)
		r = labctlWith(nil, runs, "up", "-")
		Expect(r).To(Exit(2))
		Expect(r.err).To(ContainSubstring("--allow-run"))
		step := four + "steps:\n  - {name: one, do: [{run: {node: a, sh: \"true\"}}], expect: {ping: x}}\n"
		for _, verb := range []string{"up", "verify"} {
			r = labctlWith(nil, step, verb, "-")
			Expect(r).To(Exit(2))
			Expect(r.err).To(And(ContainSubstring(`step "one" runs commands`), ContainSubstring("--allow-run")))
		}
		r = labctlWith(nil, runs, "up", "-", "--allow-run")
		DeferCleanup(func() { labctl("down", "--all", "--force") })
		Expect(r).To(Exit(0))
		Expect(labctl("down")).To(Exit(0))
	})

	It("is written by init, which says how to go on in words that a shell takes", func() {
		dir := GinkgoT().TempDir()
		in := func(args ...string) result { return runIn(dir, binary, args...) }
		Expect(in("init", "My Lab1.yaml").err).To(Equal("My Lab1.yaml written; try: labctl verify 'My Lab1.yaml'\n"))
		Expect(in("init", "123.yaml").err).To(Equal(
			"123.yaml written with \"lab: lab\", because its own name has no letter; try: labctl verify 123.yaml\n"))
		r := in("init", "no sub/x.yaml")
		Expect(r).To(Exit(2))
		Expect(r.err).To(Equal("labctl: no sub: no such folder; write \"mkdir -p 'no sub'\" first\n"))
		r = in("up", "nosub/x.yaml")
		Expect(r).To(Exit(2))
		Expect(r.err).To(Equal(
			"labctl: nosub/x.yaml: no such file; \"mkdir -p nosub && labctl init nosub/x.yaml\" writes one\n"))
	})

	It("is written by init, and passes", func() {
		dir := GinkgoT().TempDir()
		file := filepath.Join(dir, "my-first.yaml")
		Expect(labctl("init", file)).To(Exit(0))
		Expect(labctl("verify", file)).To(Exit(0))
		Expect(labctl("init", file)).To(Exit(2), "never over a file that is there")
		Expect(labctl("init", "--force", "--from", "two-hosts", file)).To(Exit(0))
		b, err := os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		src, err := labs.Read("two-hosts")
		Expect(err).NotTo(HaveOccurred())
		Expect(string(b)).To(Equal(string(src)))
		Expect(labctl("labs", "two-hosts").out).To(Equal(string(src)))
	})

	It("is chosen, and everything else set, by LABCTL_ variables", func() {
		up("two-hosts", "--as", "left")
		up("two-hosts", "--as", "right")
		r := labctlWith([]string{"LABCTL_LAB=right", "LABCTL_OUTPUT=json"}, "", "inspect")
		Expect(r).To(Exit(0))
		Expect(decode[map[string]any](r)).To(HaveKeyWithValue("lab", "right"))
		r = labctlWith([]string{"LABCTL_LAB=right", "LABCTL_OUTPUT=json"}, "", "inspect", "-l", "left")
		Expect(decode[map[string]any](r)).To(HaveKeyWithValue("lab", "left"), "a flag wins")
		Expect(labctlWith([]string{"LABCTL_OUTPUT=xml"}, "", "ls")).To(Exit(2))
		Expect(labctlWith([]string{"LABCTL_ALL=true"}, "", "down")).To(Exit(0))
		Expect(instances()).To(BeEmpty())
	})

	It("that is printed can be pasted back", func() {
		up("subnet-mask-redirect")
		r := labctl("matrix", "--from", "h0,h3", "--to", "h0,h3")
		Expect(r).To(Exit(0))
		table, _, _ := strings.Cut(r.out, "\n\n")
		file := filepath.Join(GinkgoT().TempDir(), "back.yaml")
		src, err := labs.Read("subnet-mask-redirect")
		Expect(err).NotTo(HaveOccurred())
		head, _, _ := strings.Cut(string(src), "\nexpect:")
		text := head + "\nexpect:\n  ping: |\n"
		for line := range strings.Lines(table) {
			text += "    " + strings.TrimRight(line, "\n") + "\n"
		}
		Expect(os.WriteFile(file, []byte(text), 0o644)).To(Succeed())
		Expect(labctl("verify", file, "--new")).To(Exit(0))
	})

	// A port that does not forward yet makes a lab say no-arp of what is well. It is rare, hence the rounds.
	It("is ready when up returns: every bridge port forwards", func() {
		for range rounds(20, 5) {
			Expect(labctl("up", "nested")).To(Exit(0))
			for _, bridge := range []string{"core", "hv1.br0", "hv2.br0"} {
				r := labctl("exec", bridge, "--", "bridge", "-d", "link")
				Expect(strings.Count(r.out, " state ")).To(Equal(strings.Count(r.out, " state forwarding ")), "%s:\n%s", bridge, r.out)
				Expect(r.out).To(ContainSubstring(" state forwarding "))
			}
			Expect(labctl("down")).To(Exit(0))
		}
	})

	It("has a schema that is JSON", func() {
		Expect(json.Valid([]byte(labctl("schema").out))).To(BeTrue())
	})
})
