package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// served is two hosts, of which a runs something in the background.
const served = `# a ── b
format: 1
lab: served
nodes:
  a: {ip: 10.0.0.1/24, run: [RUN]}
  b: {ip: 10.0.0.2/24}
links: [a -- b]
expect: {ping: ok}
`

func servedBy(run string) string {
	GinkgoHelper()
	return write("served.yaml", strings.Replace(served, "RUN", run, 1))
}

// dead is a command in the background that has died, as verify and inspect tell of it.
type dead struct {
	Node, What, Name, How, Output string
	Line                          int
}

var _ = Describe("a command in the background", func() {
	noProgram := dead{Node: "a", What: "no-such-server -x", How: "exit status 127", Line: 5}

	It("that dies makes verify fail, with its last lines", func() {
		file := servedBy("{sh: no-such-server -x, background: true}")
		r := labctl("verify", file)
		Expect(r).To(Exit(1))
		Expect(r.out).To(And(ContainSubstring("served.yaml:5: a command in the background died"), ContainSubstring("a: no-such-server -x: exit status 127: "),
			ContainSubstring("no-such-server: "), ContainSubstring("all 2 cells are as expected, and a command in the background died")))
		junit := filepath.Join(GinkgoT().TempDir(), "junit.xml")
		r = labctl("verify", file, "-o", "json", "--junit", junit)
		Expect(r).To(Exit(1))
		doc := decode[struct {
			OK     bool
			Differ int
			Died   []dead
		}](r)
		Expect(doc.OK).To(BeFalse())
		Expect(doc.Differ).To(BeZero())
		Expect(doc.Died).To(HaveLen(1))
		Expect(doc.Died[0].Output).To(ContainSubstring("no-such-server: ")) // not found; or permission denied, where PATH has a directory that one may not look into
		doc.Died[0].Output = ""
		Expect(doc.Died[0]).To(Equal(noProgram))
		report, err := os.ReadFile(junit)
		Expect(err).NotTo(HaveOccurred())
		Expect(string(report)).To(And(ContainSubstring(`failures="1"`), ContainSubstring(`name="run:a: no-such-server -x"`), ContainSubstring(`line="5"`)))
	})

	It("that dies is shown by ps, inspect and events; up starts it again", func() {
		file := servedBy(`{sh: "echo one; echo two >&2; kill -SEGV $$", background: true}`)
		up(file)
		type row struct{ State, Said, Node string }
		Eventually(func() []row { return decode[[]row](labctl("ps", "-o", "json")) }, "10s").Should(Equal([]row{{"killed by SIGSEGV", "one\ntwo", "a"}}))
		Expect(labctl("ps").out).To(MatchRegexp(`(?m)^run +- +a +- +killed by SIGSEGV +echo one`))
		Expect(labctl("inspect").out).To(ContainSubstring("killed by SIGSEGV: one\n"))
		nodes := decode[struct{ Nodes []struct{ Died []dead } }](labctl("inspect", "-o", "json")).Nodes
		Expect(nodes[0].Died).To(HaveLen(1))
		Expect(nodes[1].Died).To(BeEmpty())
		Expect(eventsOf("served")).To(ContainElement(And(HaveField("Kind", "command-died"), HaveField("Node", "a"), HaveField("New", "killed by SIGSEGV"), HaveField("Cause", "two"))))
		Expect(labctl("verify", "served")).To(Exit(1))
		Expect(labctl("up", file).err).To(ContainSubstring("a: run: started again: echo one"))
		edit(file, "kill -SEGV $$", "exec sleep 100")
		Expect(labctl("up", file)).To(Exit(0))
		Expect(labctl("verify", "served")).To(Exit(0))
	})

	It("is shown by ps in one line, with a number that kill takes", func() {
		up(servedBy(`{sh: "echo begun > begun\nexec sleep 4321", background: true, ready: "file:begun"}`))
		row := func() string { return regexp.MustCompile(`(?m)^run .*`).FindString(labctl("ps").out) }
		Expect(row()).To(MatchRegexp(`^run +- +a +[0-9]+ +running +echo begun > begun …$`))
		type running struct{ PID int }
		list := decode[[]running](labctl("ps", "-o", "json"))
		Expect(list).To(HaveLen(1))
		Eventually(func() (string, error) {
			b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", list[0].PID))
			return string(b), err
		}, "10s").Should(Equal("sleep\x004321\x00"))
		Expect(syscall.Kill(list[0].PID, syscall.SIGKILL)).To(Succeed())
		Eventually(row, "10s").Should(MatchRegexp(`^run +- +a +- +killed by SIGKILL`))
	})

	It("that ends well, or by labctl's will, is not a failure", func() {
		file := servedBy(`{sh: "true", background: true}, {sh: "trap 'exit 3' TERM; sleep 100 & wait", background: true}`)
		Expect(os.WriteFile(file, append(must(os.ReadFile(file)), []byte(`steps:
  - name: one
    do:
      - run: {node: b, sh: "exec sleep 100", background: true, name: nap}
      - run: {node: b, sh: "trap '' TERM; while :; do sleep 0.1; done", background: true, name: deaf}
      - restart: [a]
      - stop: nap
      - stop: deaf
    expect: {ping: ok}
`)...), 0o644)).To(Succeed())
		r := labctl("verify", file)
		Expect(r).To(Exit(0))
	})

	It("ends with its node, and so does what it has left behind", func() {
		const run = `"(sleep 2345.1 &); true", {sh: "(sleep 2345.2 &); exit 0", background: true}, {sh: sleep 2345.3, background: true}`
		file := servedBy(run)
		up(file)
		all := []string{"2345.1", "2345.2", "2345.3"}
		for _, n := range all {
			Eventually(func() bool { return running("sleep", n) }, "5s").Should(BeTrue(), n)
		}
		edit(file, run, "")
		Expect(labctl("up", file).err).To(ContainSubstring("a: rebuilt"))
		for _, n := range all {
			Expect(running("sleep", n)).To(BeFalse(), n)
		}
	})

	It("that dies in a step fails it, and cannot be stopped any more", func() {
		file := servedBy("")
		Expect(os.WriteFile(file, append(must(os.ReadFile(file)), []byte(`steps:
  - name: one
    do:
      - run: {node: a, sh: "echo why; exit 4", background: true, name: server}
  - name: two
    do:
      - stop: server
`)...), 0o644)).To(Succeed())
		up(file)
		r := labctl("step")
		Expect(r).To(Exit(1))
		Expect(r.out).To(And(ContainSubstring(file+":12: a command in the background died"), ContainSubstring("exit status 4: why")))
		r = labctl("step")
		Expect(r).To(Exit(1))
		Expect(r.out).To(ContainSubstring(`"server" had ended before: a: echo why; exit 4: exit status 4: why`))
	})
})

func must(b []byte, err error) []byte {
	GinkgoHelper()
	Expect(err).NotTo(HaveOccurred())
	return b
}

var _ = Describe("ready", func() {
	// late listens after a while; arguments: tcp or udp, a port, seconds.
	const late = `/usr/bin/python3 -c 'import socket, sys, time; time.sleep(float(sys.argv[3])); s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if sys.argv[1] == \"tcp\" else socket.SOCK_DGRAM); s.bind((\"\", int(sys.argv[2]))); sys.argv[1] == \"udp\" or s.listen(); time.sleep(100)'`

	It("makes the lab wait for a server", func() {
		dir := GinkgoT().TempDir()
		Expect(os.Chmod(dir, 0o777)).To(Succeed())
		file := servedBy(strings.Join([]string{
			`{sh: "` + late + ` tcp 80 0.3", background: true, ready: tcp:80}`,
			`"ss -Hltn | grep -q :80"`, // the next command may count on it
			`{sh: "` + late + ` udp 53 0.3", background: true, ready: udp:53, timeout: 20s}`,
			`{sh: "sleep 0.3; touch ` + dir + `/there; exec sleep 100", background: true, ready: "file:` + dir + `/there"}`,
			`{sh: "sleep 0.3; ip link add late type bridge; exec sleep 100", background: true, ready: "sh:ip link show late"}`,
		}, ", "))
		up(file)
		Expect(labctl("exec", "a", "--", "ss", "-Hltn").out).To(ContainSubstring(":80"))
		Expect(labctl("exec", "a", "--", "ss", "-Hlun").out).To(ContainSubstring(":53"))
		Expect(labctl("exec", "a", "--", "ip", "link", "show", "late")).To(Exit(0))
		Expect(filepath.Join(dir, "there")).To(BeAnExistingFile())
	})

	DescribeTable("takes the lab down where it does not come", func(run string, why ...string) {
		before := machine()
		r := labctl("up", servedBy(run))
		Expect(r).To(Exit(3))
		for _, w := range why {
			Expect(r.err).To(ContainSubstring(w))
		}
		Expect(instances()).To(BeEmpty())
		expectUntouched(before)
	},
		Entry("in time", `{sh: "echo starting; exec sleep 100", background: true, ready: tcp:80, timeout: 2s}`,
			"a: echo starting; exec sleep 100: not ready within 2s: nothing listens on tcp:80", "its last lines:\nstarting"),
		Entry("because the command has died", `{sh: "echo no such option >&2; exit 2", background: true, ready: udp:53}`, "exit status 2 before it was ready", "its last lines:\nno such option"),
		Entry("and says what the question said", `{sh: sleep 100, background: true, ready: "sh:echo not yet; false", timeout: 3s}`, "exit status 1: not yet"),
		Entry("and what file is not there", `{sh: sleep 100, background: true, ready: "file:/no/such/file", timeout: 100ms}`, "/no/such/file: no such file"),
	)

	It("makes a step wait, and fail where it does not come", func() {
		file := servedBy("")
		Expect(os.WriteFile(file, append(must(os.ReadFile(file)), []byte(`steps:
  - name: one
    do:
      - run: {node: a, sh: "`+late+` tcp 80 0.3", background: true, name: server, ready: tcp:80}
      - run: {node: a, sh: "ss -Hltn | grep -q :80"}
  - name: two
    do:
      - run: {node: a, sh: "sleep 100", background: true, name: nap, ready: tcp:81, timeout: 200ms}
`)...), 0o644)).To(Succeed())
		r := labctl("verify", file)
		Expect(r).To(Exit(1))
		Expect(r.out).To(ContainSubstring("served.yaml:16:9: a: sleep 100: not ready within 200ms: nothing listens on tcp:81"))
		Expect(strings.Count(r.out, "FAILED")).To(Equal(1), r.out)
	})
})
