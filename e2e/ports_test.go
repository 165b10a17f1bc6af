package e2e

import (
	"fmt"
	"os"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// matrixCells are the words of "matrix -o json", by "FROM TO".
func matrixCells(args ...string) map[string]string {
	r := labctl(append([]string{"matrix", "-o", "json"}, args...)...)
	Expect(r).To(Exit(0))
	doc := decode[struct {
		Cells []struct{ From, To, Outcome string }
	}](r)
	out := map[string]string{}
	for _, c := range doc.Cells {
		out[c.From+" "+c.To] = c.Outcome
	}
	return out
}

var _ = Describe("tables of ports", func() {
	It("say what curl says, without a program and with one", func() {
		up("firewall-ports")
		const to = "web:80,web:443,web:25,web:22"
		listening := matrixCells("--probe", "tcp", "--to", to)
		Expect(listening).To(Equal(map[string]string{
			"client web:80": "open", "client web:443": "refused", "client web:25": "icmp:admin-prohibited@fw", "client web:22": "silent",
			"fw web:80": "open", "fw web:443": "open", "fw web:25": "open", "fw web:22": "open"}))
		real := matrixCells("--probe", "tcp", "--to", to, "--listen", "real")
		Expect(real).To(Equal(map[string]string{
			"client web:80": "refused", "client web:443": "refused", "client web:25": "icmp:admin-prohibited@fw", "client web:22": "silent",
			"fw web:80": "refused", "fw web:443": "refused", "fw web:25": "refused", "fw web:22": "refused"}))
		// 7: could not connect, 28: it timed out (curl(1))
		codes := map[string]string{"refused": "7", "icmp:admin-prohibited@fw": "7", "silent": "28"}
		for cell, word := range real {
			from, target, _ := strings.Cut(cell, " ")
			_, port, _ := strings.Cut(target, ":")
			r := labctl("exec", from, "--", "sh", "-c", "curl -s --connect-timeout 2 telnet://10.0.0.2:"+port+" </dev/null; echo $?")
			Expect(strings.TrimSpace(r.out)).To(Equal(codes[word]), cell+" "+word)
		}
	})

	It("say what curl gets from a program of the lab, and leave it its port", func() {
		dir := GinkgoT().TempDir()
		Expect(os.Chmod(dir, 0o777)).To(Succeed())
		up(write("served.yaml", `# a ── b
format: 1
lab: served
nodes:
  a: {ip: [10.0.0.1/24, "2001:db8::1/64"]}
  b:
    ip: [10.0.0.2/24, "2001:db8::2/64"]
    run:
      - {sh: "cd `+dir+` && exec python3 -m http.server --bind :: 80", background: true, ready: "tcp:80"}
links: [a -- b]
`), "--allow-run")
		for _, listen := range [][]string{nil, {"--listen", "real"}} {
			Expect(matrixCells(append([]string{"--probe", "tcp", "--from", "a", "--to", "b:80"}, listen...)...)).To(
				Equal(map[string]string{"a b:80": "open"}))
			Expect(matrixCells(append([]string{"--probe", "tcp6", "--from", "a", "--to", "b:80"}, listen...)...)).To(
				Equal(map[string]string{"a b:80": "open"}))
		}
		Expect(labctl("exec", "a", "--", "curl", "-sf", "http://10.0.0.2/")).To(Exit(0))
		Expect(labctl("exec", "a", "--", "curl", "-sf", "http://[2001:db8::2]/")).To(Exit(0))
	})

	It("run alike, and write what they have measured", func() {
		file := write("written.yaml", strings.Replace(string(must(os.ReadFile("../labs/firewall-ports.yaml"))), "lab: firewall-ports", "lab: written", 1))
		first := labctl("verify", file, "--new", "-o", "json", "--no-timing")
		Expect(first).To(Exit(0))
		Expect(labctl("verify", file, "--new", "-o", "json", "--no-timing").out).To(Equal(first.out))
		right := string(must(os.ReadFile(file)))
		edit(file, "client   open    refused  icmp", "client   silent  x        icmp")
		Expect(labctl("verify", file, "--update")).To(Exit(0))
		Expect(string(must(os.ReadFile(file)))).To(Equal(strings.Replace(right, "client   open    refused  icmp", "client   open    x        icmp", 1)))
	})

	It("say which rule, and which switch, has stopped a connection", func() {
		r := labctl("verify", write("stopped.yaml", `# a b ── sw
format: 1
lab: stopped
nodes:
  sw: {kind: vswitch}
  a: {ip: 10.0.0.1/24}
  b: {ip: 10.0.0.2/24, mac: "00:50:56:00:00:0b", rules: {own: {iptables: "-A INPUT -p tcp --dport 22 -j DROP   # ssh"}}}
  c: {ip: 10.0.0.3/24, effective_mac: 02:00:00:00:00:99, neigh: {10.0.0.2: "00:50:56:00:00:0b"}}
links: [a b c -- sw]
expect:
  tcp: |
    from\to  b:22
    a        open
    c        open
steps:
  - name: as a column
    cases:
      open: {}
      closed: {b: {rules: {own: {load: false}}}}
    expect:
      cases: |
        question                open     closed
        tcp:a->b:22             silent   open
        tcp,listen=real:a->b:22 silent   refused
        udp:a->b:22             open     open
`))
		Expect(r).To(Exit(1))
		Expect(r.out).To(ContainSubstring("a -> b:22: wanted open, got silent"))
		Expect(r.out).To(ContainSubstring("refused by b/own/ssh"))
		Expect(r.out).To(ContainSubstring("dropped: sw:c PortBlocked"))
		Expect(r.out).To(ContainSubstring("2 of 8 cells differ"))
	})

	It("are refused where they would take too long", func() {
		columns := ""
		for n := range 1000 {
			columns += fmt.Sprint("  h1:", n+1)
		}
		file := write("long.yaml", star("long", 150)+"expect:\n  tcp: |\n    from\\to"+columns+"\n    *      "+strings.Repeat("  open", 1000)+"\n")
		r := labctl("validate", file)
		Expect(r).To(Exit(2))
		Expect(r.err).To(ContainSubstring("ask 150000 questions about ports, one after the other, which takes 12m30s at best, more than 10m0s"))
	})
})
