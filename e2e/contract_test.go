package e2e

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"go.yaml.in/yaml/v4"
)

// wrong is two hosts of which the file expects what is not so.
const wrong = `# h1 ── h2
format: 1
lab: wrong
nodes:
  h1: {ip: 10.0.0.1/24}
  h2: {ip: 10.0.0.2/24}
links: [h1 -- h2]
expect:
  ping: |
    from\to  h1      h2
    h1       -       no-arp   # a guess
    h2       ok      -
`

var _ = Describe("exit codes", func() {
	It("0: yes", func() {
		Expect(labctl("verify", "two-hosts")).To(Exit(0))
		for _, args := range []string{"labs", "labs two-hosts", "schema", "version", "plan two-hosts", "validate two-hosts", "doctor", "completion bash", "ls", "--help"} {
			Expect(labctl(strings.Fields(args)...)).To(Exit(0))
		}
	})

	It("1: the answer is no", func() {
		r := labctl("verify", write("wrong.yaml", wrong))
		Expect(r).To(Exit(1))
		Expect(r.out).To(And(ContainSubstring("h1 -> h2: wanted no-arp, got ok"), ContainSubstring("1 of 2 cells differs")))
		file := write("four.yaml", four)
		edit(file, "c: {ip: 10.0.0.3/24}", "c: {ip: 10.0.3.3/24}")
		up(file)
		r = labctl("ping", "a", "c")
		Expect(r).To(Exit(1))
		Expect(r.out).To(ContainSubstring("a -> c (10.0.3.3): no-route"))
		r = labctl("ping", "a", "10.0.0.99")
		Expect(r).To(Exit(1))
		Expect(r.out).To(ContainSubstring("a -> 10.0.0.99: no-arp"))
	})

	It("2: usage, or a wrong file; nothing was touched", func() {
		before := machine()
		for _, args := range []string{"nonsense", "up --nonsense", "up no-such-lab", "up ./no/such/file.yaml", "exec h1", "matrix", "ping a b",
			"ls -o xml", "up two-hosts --as Big_Name", "labs no-such-lab", "verify no-such-lab", "matrix --probe magic"} {
			r := labctl(strings.Fields(args)...)
			Expect(r).To(Exit(2))
			Expect(r.out).To(BeEmpty(), args)
			Expect(r.err).NotTo(BeEmpty(), args)
		}
		expectUntouched(before)
	})

	It("3: could not be done", func() {
		file := write("four.yaml", four+"expect: {ping: ok}\n")
		edit(file, "a: {ip: 10.0.0.1/24}", "a: {ip: 10.0.0.1/24, run: [\"exit 1\"]}")
		Expect(labctl("up", file)).To(Exit(3))
		Expect(labctl("verify", file)).To(Exit(3))
	})

	It("2: a file that expects nothing cannot be verified, and is not brought up for it", func() {
		r := labctl("verify", write("four.yaml", four))
		Expect(r).To(Exit(2))
		Expect(r.err).To(ContainSubstring("expects nothing"))
	})

	It("4: this kernel cannot do it, which it proves to iproute2 too", func() {
		file := write("vlan.yaml", strings.Replace(wrong, "h1: {ip: 10.0.0.1/24}", "h1: {interfaces: {eth0: 10.0.0.1/24, eth0.5: {vlan: eth0, id: 5}}}", 1))
		edit(file, "no-arp   # a guess", "ok")
		r := labctl("verify", file)
		if out, err := privately("ip link add v0 type veth peer name v1; ip link add link v0 name v0.5 type vlan id 5"); err == nil {
			Expect(r).To(Exit(0))
		} else {
			Expect(r).To(Exit(4), out)
			Expect(r.err).To(ContainSubstring("8021q"))
			Expect(labctl("up", file)).To(Exit(4))
			Expect(labctl("verify", file, "--require")).To(Exit(1))
		}
	})

	It("4: a sysctl that this kernel has not got, with its place in the file", func() {
		file := write("sysctl.yaml", "format: 1\nlab: misspelt\nnodes:\n  a:\n    sysctls: {net.ipv4.ip_forwrd: 1}\n  b: {}\nlinks: [a -- b]\n")
		r := labctl("validate", file)
		Expect(r).To(Exit(0))
		Expect(r.err).To(ContainSubstring(`did you mean "net.ipv4.ip_forward"?`))
		r = labctl("up", file)
		Expect(r).To(Exit(4))
		Expect(r.err).To(ContainSubstring("sysctl.yaml:5:15: a: sysctl -w net/ipv4/ip_forwrd=1"))
	})

	if root {
		It("4: this root may not make namespaces", Label("root"), func() {
			r := run(nil, "", "setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", binary, "up", "two-hosts")
			Expect(r).To(Exit(4))
			Expect(r.err).To(ContainSubstring("labctl doctor"))
			Expect(instances()).To(BeEmpty())
		})
	}
})

// privately runs a script in network namespaces that end with it.
func privately(script string) (string, error) {
	args := []string{"-n", "sh", "-ec", script}
	if !root {
		args = append([]string{"-r"}, args...)
	}
	out, err := exec.Command("unshare", args...).CombinedOutput()
	return string(out), err
}

var _ = Describe("JSON", func() {
	// cells are the objects in a list that all must have the same fields.
	cells := func(v any, fields ...string) {
		GinkgoHelper()
		list, ok := v.([]any)
		Expect(ok).To(BeTrue(), "%v is not a list", v)
		Expect(list).NotTo(BeEmpty())
		for _, c := range list {
			Expect(keys(c)).To(Equal(fields))
		}
	}

	It("of a running lab has the fields of the contract", func() {
		up("two-hosts")
		r := labctl("matrix", "-o", "json")
		m := decode[map[string]any](r)
		Expect(keys(m)).To(Equal([]string{"cells", "format", "lab", "probe"}))
		Expect(m).To(And(HaveKeyWithValue("lab", "two-hosts"), HaveKeyWithValue("probe", "ping"), HaveKeyWithValue("format", 1.0)))
		cells(m["cells"], "addr", "detail", "from", "outcome", "rtt_us", "to")

		for _, probe := range []string{"arp", "answers", "route"} {
			m = decode[map[string]any](labctl("matrix", "-o", "json", "--probe", probe))
			Expect(m).To(HaveKeyWithValue("probe", probe))
			cells(m["cells"], "detail", "from", "outcome", "rtt_us", "to")
		}

		l := decode[[]any](labctl("ls", "-o", "json"))
		cells(l, "file", "lab", "nodes", "pid", "state")
		Expect(l[0]).To(And(HaveKeyWithValue("lab", "two-hosts"), HaveKeyWithValue("nodes", 2.0), HaveKeyWithValue("state", "running"),
			HaveKeyWithValue("pid", float64(supervisor("two-hosts")))))

		i := decode[map[string]any](labctl("inspect", "-o", "json"))
		Expect(keys(i)).To(Equal([]string{"file", "format", "lab", "nodes", "pid", "state"}))
		fields := []string{"inode", "interfaces", "kind", "name"}
		if root {
			fields = append(fields, "netns")
		}
		cells(i["nodes"], fields...)
		node := i["nodes"].([]any)[0].(map[string]any)
		cells(node["interfaces"], "addrs", "mac", "mtu", "name", "peer", "state", "up")
		Expect(i).To(HaveKeyWithValue("pid", float64(supervisor("two-hosts"))))

		Expect(labctl("exec", "h1", "--", "ping", "-c1", "10.0.0.2")).To(Exit(0))
		n := decode[[]any](labctl("neigh", "-o", "json"))
		cells(n, "addr", "dev", "holder", "mac", "node", "state")
		Expect(n[0]).To(And(HaveKeyWithValue("node", "h1"), HaveKeyWithValue("addr", "10.0.0.2"), HaveKeyWithValue("holder", "h2"), HaveKeyWithValue("dev", "eth0")))
		cells(decode[any](labctl("routes", "-o", "json")), "dev", "dst", "node", "protocol", "src", "table", "type")
	})

	It("of verify has the fields of the contract, in the file's order", func() {
		r := labctl("verify", write("wrong.yaml", wrong), "-o", "json", "--no-timing")
		Expect(r).To(Exit(1))
		v := decode[map[string]any](r)
		Expect(keys(v)).To(Equal([]string{"differ", "file", "format", "judged", "lab", "ok", "steps"}))
		Expect(v).To(And(HaveKeyWithValue("ok", false), HaveKeyWithValue("judged", 2.0), HaveKeyWithValue("differ", 1.0)))
		got := decode[verification](r)
		Expect(got.Steps).To(HaveLen(1))
		Expect(got.Steps[0].Tables).To(HaveLen(1))
		table := got.Steps[0].Tables[0]
		Expect(table.Line).To(Equal(10))
		Expect(table.Cells[0]).To(Equal(verdict{Question: "ping:h1->h2", Want: "no-arp", Got: "ok", Detail: table.Cells[0].Detail, Judged: true, Line: 11, Col: 22}))
		Expect(table.Cells[1].Question).To(Equal("ping:h2->h1"))
		Expect(labctl("verify", v["file"].(string), "-o", "json", "--no-timing").out).To(Equal(r.out), "twice is the same")
	})

	It("is what -o yaml says too", func() {
		up("two-hosts")
		var fromYAML any
		y := labctl("inspect", "-o", "yaml")
		Expect(y).To(Exit(0))
		Expect(yaml.Unmarshal([]byte(y.out), &fromYAML)).To(Succeed())
		b, err := json.Marshal(fromYAML)
		Expect(err).NotTo(HaveOccurred())
		Expect(string(b)).To(MatchJSON(labctl("inspect", "-o", "json").out))
	})

	It("agrees with iproute2 about addresses and MACs", func() {
		up("nested")
		type iface struct {
			Name, MAC string
			Addrs     []string
		}
		doc := decode[struct {
			Nodes []struct {
				Name       string
				Interfaces []iface
			}
		}](labctl("inspect", "-o", "json"))
		Expect(doc.Nodes).NotTo(BeEmpty())
		for _, n := range doc.Nodes {
			var have []iface
			for _, l := range decode[[]struct {
				Ifname, Address string
				Addr_info       []struct {
					Family, Local string
					Prefixlen     int
				}
			}](labctl("exec", n.Name, "--", "ip", "-j", "addr")) {
				i := iface{Name: l.Ifname, MAC: l.Address, Addrs: []string{}}
				for _, a := range l.Addr_info {
					if a.Family == "inet" {
						i.Addrs = append(i.Addrs, a.Local+"/"+itoa(a.Prefixlen))
					}
				}
				if i.Name != "lo" {
					have = append(have, i)
				}
			}
			Expect(have).To(ConsistOf(n.Interfaces), n.Name)
		}
	})

	It("of fdb agrees with bridge(8)", func() {
		up("nested")
		Expect(labctl("matrix")).To(Exit(0))
		for _, e := range decode[[]struct{ Switch, MAC, Holder, Port string }](labctl("fdb", "core", "-o", "json")) {
			r := labctl("exec", "core", "--", "bridge", "fdb", "show", "brport", e.Port)
			Expect(r.out).To(ContainSubstring(e.MAC), "%v", e)
		}
	})
})

// junitFile is what readers of JUnit take.
type junitFile struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Skipped  int `xml:"skipped,attr"`
	Suites   []struct {
		Name  string `xml:"name,attr"`
		Cases []struct {
			Name    string `xml:"name,attr"`
			File    string `xml:"file,attr"`
			Line    int    `xml:"line,attr"`
			Failure *struct {
				Message string `xml:"message,attr"`
			} `xml:"failure"`
			Skipped *struct {
				Message string `xml:"message,attr"`
			} `xml:"skipped"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

func readJUnit(path string) junitFile {
	GinkgoHelper()
	b, err := os.ReadFile(path)
	Expect(err).NotTo(HaveOccurred())
	var f junitFile
	Expect(xml.Unmarshal(b, &f)).To(Succeed())
	return f
}

var _ = Describe("reports", func() {
	It("verify --timing says where the time went, on a terminal, in JSON and in JUnit", func() {
		junit := filepath.Join(GinkgoT().TempDir(), "report.xml")
		r := labctl("verify", "two-hosts", "--timing", "-o", "json", "--junit", junit)
		Expect(r).To(Exit(0))
		var parts []string
		for _, s := range decode[struct {
			Timing []struct {
				Part    string
				Seconds float64
			}
		}](r).Timing {
			parts = append(parts, s.Part)
			Expect(s.Seconds).To(BeNumerically(">=", 0))
		}
		Expect(parts).To(ContainElements("bringing the lab up", "pings one by one", "taking the lab down"))
		report, err := os.ReadFile(junit)
		Expect(err).NotTo(HaveOccurred())
		Expect(string(report)).To(ContainSubstring(`<property name="seconds: pings one by one" value="`))
		Expect(labctl("verify", "two-hosts", "--timing").out).To(MatchRegexp(`seconds  went into\n +\d+\.\d\d  bringing the lab up\n`))
		Expect(labctl("verify", "two-hosts", "-o", "json").out).NotTo(ContainSubstring("timing"))
	})

	It("JUnit has a case for each cell, named by its question, with file and line", func() {
		file, junit := write("wrong.yaml", wrong), filepath.Join(GinkgoT().TempDir(), "j.xml")
		Expect(labctl("verify", file, "--junit", junit)).To(Exit(1))
		f := readJUnit(junit)
		Expect(f.Tests).To(Equal(2))
		Expect(f.Failures).To(Equal(1))
		Expect(f.Suites).To(HaveLen(1))
		s := f.Suites[0]
		Expect(s.Name).To(Equal("wrong"))
		Expect(s.Cases).To(HaveLen(2))
		Expect(s.Cases[0].Name).To(Equal("ping:h1->h2"))
		Expect(s.Cases[0].File).To(Equal(file))
		Expect(s.Cases[0].Line).To(Equal(11))
		Expect(s.Cases[0].Failure.Message).To(Equal("wanted no-arp, got ok"))
		Expect(s.Cases[1].Name).To(Equal("ping:h2->h1"))
		Expect(s.Cases[1].Failure).To(BeNil())
	})

	It("annotates failures and file errors in a GitHub workflow, and only there", func() {
		github := []string{"GITHUB_ACTIONS=true"}
		file := write("wrong.yaml", wrong)
		Expect(labctlWith(github, "", "verify", file).err).To(ContainSubstring("::error file=" + file + ",line=11,col=22::ping:h1->h2: wanted no-arp, got ok"))
		Expect(labctl("verify", file).err).NotTo(ContainSubstring("::error"))
		edit(file, "links: [h1 -- h2]", "links: [h1 -- h3]")
		r := labctlWith(github, "", "validate", file)
		Expect(r).To(Exit(2))
		Expect(r.err).To(MatchRegexp("::error file=[^,]*wrong.yaml,line=7,col=[0-9]+::.*h3"))
	})

	It("--update writes what was measured and keeps the rest", func() {
		file := write("wrong.yaml", wrong)
		Expect(labctl("verify", file, "--update")).To(Exit(0))
		b, err := os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		Expect(string(b)).To(Equal(strings.Replace(wrong, "no-arp   # a guess", "ok       # a guess", 1)))
		Expect(labctl("verify", file)).To(Exit(0))
		Expect(labctl("verify", file, "--update")).To(Exit(0))
		again, err := os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		Expect(string(again)).To(Equal(string(b)))
		Expect(labctl("verify", "two-hosts", "--update")).To(Exit(2), "a shipped lab is not a file")
	})

	It("--update of a file that leaves all cells open says what became of it, and not that nothing was judged", func() {
		file := write("open.yaml", strings.NewReplacer("no-arp   #", ".        #", "h2       ok", "h2       .").Replace(wrong))
		r := labctl("verify", file, "--update")
		Expect(r).To(Exit(0))
		Expect(r.out + r.err).To(ContainSubstring("measured words written"))
		Expect(r.out + r.err).NotTo(ContainSubstring("nothing was judged"))
	})

	It("--update of a running lab does not write over what was edited since it was brought up", func() {
		file := write("wrong.yaml", wrong)
		up(file)
		edit(file, "# a guess", "# an edit")
		edited, err := os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		r := labctl("verify", "-l", instances()[0].Lab, "--update")
		Expect(r.code).NotTo(BeZero(), "%s", r)
		Expect(r.err).To(ContainSubstring("not what was measured any more"))
		now, err := os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		Expect(string(now)).To(Equal(string(edited)))
		Expect(labctl("up", file)).To(Exit(0))
		Expect(labctl("verify", "-l", instances()[0].Lab, "--update")).To(Exit(0))
		now, err = os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		Expect(string(now)).To(And(ContainSubstring("# an edit"), Not(ContainSubstring("no-arp"))))
	})

	It("--keep leaves a lab that failed standing", func() {
		r := labctl("verify", write("wrong.yaml", wrong), "--keep")
		DeferCleanup(func() { labctl("down", "--all", "--force") })
		Expect(r).To(Exit(1))
		Expect(instances()).To(HaveLen(1))
		Expect(r.err).To(ContainSubstring("labctl down " + instances()[0].Lab))
		Expect(labctl("ping", "h1", "h2")).To(Exit(0))
		Expect(labctl("down")).To(Exit(0))
	})
})
