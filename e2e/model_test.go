package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"labctl/topology"
	"labctl/topology/expect"
	"labctl/topology/labfile"
	"labctl/topology/model"
	"labctl/topology/randlab"
)

// modelledSeeds are those of drawn labs in which the model is held against the kernel: those of every run, or others
// where LABCTL_SEEDS says so, as "100-140".
func modelledSeeds() (seeds []uint64) {
	first, last := uint64(1), uint64(0)
	if _, err := fmt.Sscanf(os.Getenv("LABCTL_SEEDS"), "%d-%d", &first, &last); err != nil {
		return drawnSeeds()
	}
	for s := first; s <= last; s++ {
		seeds = append(seeds, s)
	}
	return seeds
}

// nodesOf are the nodes of a lab that have an IPv4 address, and its bridges and switches as columns of fdb have them.
func nodesOf(lab *topology.Lab) (nodes, bridges []string) {
	for _, n := range lab.Nodes {
		if n.FirstAddr("", false).IsValid() {
			nodes = append(nodes, n.Name)
		}
		for _, i := range n.Interfaces {
			if i.Type == topology.BridgeLink {
				bridges = append(bridges, n.Name+":"+i.Name)
			}
		}
		if n.Switch != nil {
			bridges = append(bridges, n.Name)
		}
	}
	return nodes, bridges
}

// questions are tables that ask everything of a lab, without a word in them: pings, who answers, what some of them
// leave to be seen, and what all tables hold afterwards.
func questions(lab *topology.Lab, rnd *rand.Rand, indent string) string {
	nodes, bridges := nodesOf(lab)
	var b strings.Builder
	if len(nodes) > 1 {
		for _, kind := range []string{"ping", "answers", "arp", "route"} {
			fmt.Fprintf(&b, "%s: |\n  from\\to  *\n  *  .\n", kind)
		}
		flows := map[string]bool{}
		fmt.Fprintf(&b, "sees: |\n  flow\\at  %s\n", strings.Join(nodes, "  "))
		for len(flows) < min(5, len(nodes)) {
			from, to := nodes[rnd.IntN(len(nodes))], nodes[rnd.IntN(len(nodes))]
			if flow := from + "->" + to; from != to && !flows[flow] {
				flows[flow] = true
				fmt.Fprintf(&b, "  %s  %s\n", flow, strings.Repeat(".  ", len(nodes)))
			}
		}
	}
	if len(bridges) > 0 && len(nodes) > 0 {
		fmt.Fprintf(&b, "fdb: |\n  mac\\on  %s\n  *  %s\n", strings.Join(bridges, "  "), strings.Repeat(".  ", len(bridges)))
	}
	return indent + strings.ReplaceAll(strings.TrimSpace(b.String()), "\n", "\n"+indent) + "\n"
}

// changes are what a step may do to a lab, in a piece of its file.
func changes(lab *topology.Lab, rnd *rand.Rand) string {
	n := lab.Nodes[rnd.IntN(len(lab.Nodes))]
	if n.Switch != nil {
		return fmt.Sprintf("set: {%s: {promiscuous: %s, forged_transmits: %s}}", n.Name, one(rnd, "accept", "reject"),
			one(rnd, "accept", "reject"))
	}
	var ports, nics []string
	for _, i := range n.Interfaces {
		if i.Master != "" && n.Kind == topology.Bridge {
			ports = append(ports, i.Name)
		} else if i.Type == topology.Veth && i.Master == "" && i.Peer.Node != n.Name {
			nics = append(nics, i.Name)
		}
	}
	switch {
	case len(ports) > 0:
		return fmt.Sprintf("set: {%s: {ports: {%s: {%s}}}}", n.Name, one(rnd, ports...),
			one(rnd, "isolated: true", "learning: false", "flood: false", "up: false", "hairpin: true", "bcast_flood: false"))
	case len(nics) > 0 && rnd.IntN(3) == 0:
		return fmt.Sprintf("set: {%s: {interfaces: {%s: {%s}}}}", n.Name, one(rnd, nics...),
			one(rnd, "up: false", `effective_mac: "02:00:00:00:00:77"`))
	case rnd.IntN(4) == 0 && !strings.Contains(n.Name, "."):
		return fmt.Sprintf("do: [{restart: [%s]}]", n.Name)
	case rnd.IntN(4) == 0:
		return fmt.Sprintf("set: {%s: {routes: {}}}", n.Name)
	}
	return fmt.Sprintf("set: {%s: {sysctls: {%s}}}", n.Name, one(rnd, "rp_filter: 1", "rp_filter: 2", "rp_filter: 0",
		"arp_ignore: 1", "arp_filter: 1", "ip_forward: 1", "ip_forward: 0", "accept_redirects: 0", "proxy_arp: 1",
		"net.ipv4.icmp_echo_ignore_all: 1"))
}

// one chooses.
func one(rnd *rand.Rand, of ...string) string { return of[rnd.IntN(len(of))] }

// story is a lab with questions, and with steps that change it and ask them again. A change that the file may not have
// is left out.
func story(text string, seed uint64) string {
	GinkgoHelper()
	load := func(text string) *labfile.File {
		f, _ := labfile.Load("drawn.yaml", []byte(text))
		return f
	}
	f := load(text)
	Expect(f).NotTo(BeNil())
	rnd := rand.New(rand.NewPCG(seed, 1))
	text += "expect:\n" + questions(f.Lab, rnd, "  ") + "steps:\n"
	Expect(load(text+"  - {name: none}\n")).NotTo(BeNil(), text)
	tables := []string{"fresh", "kept"}
	if nodes, _ := nodesOf(f.Lab); len(nodes) > 6 {
		tables = tables[:1] // one pair after the other, each up to 4 s, takes too long
	}
	steps := 0
	for k := range 12 {
		if steps == 3 {
			break
		}
		step := fmt.Sprintf("  - name: step %d\n    %s\n    expect:\n      neighbours: %s\n%s", k, changes(f.Lab, rnd),
			one(rnd, tables...), questions(f.Lab, rnd, "      "))
		if load(text+step) != nil {
			text += step
			steps++
		}
	}
	if steps == 0 {
		text += "  - {name: none}\n"
	}
	return text
}

// byTheModel is a lab file whose tables are what the model says, with "." where it is undecided; decided counts the
// rest.
func byTheModel(text string, seed uint64) (file string, decided, undecided int) {
	GinkgoHelper()
	f, problems := labfile.Load("drawn.yaml", []byte(story(text, seed)))
	Expect(f).NotTo(BeNil(), problems.Error())
	steps, err := model.Verify(f, true)
	Expect(err).NotTo(HaveOccurred())
	words := map[*expect.Cell]string{}
	for _, s := range steps {
		for _, t := range s.Tables {
			for _, c := range t.Cells {
				if c.Got == model.Undecided || c.Got == model.Unknown {
					undecided++
					continue
				}
				decided++
				words[c.Cell] = c.Got
			}
		}
	}
	return string(f.Update(func(c *expect.Cell) (string, bool) { return words[c], words[c] != "" })), decided, undecided
}

// lessTables is a file without the lines of its tables.
func lessTables(text string) string {
	var b strings.Builder
	in := ""
	for line := range strings.Lines(text) {
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		if in != "" && len(indent) > len(in) {
			continue
		}
		if in = ""; strings.HasSuffix(line, ": |\n") {
			in = indent + " "
			continue
		}
		b.WriteString(line)
	}
	return b.String()
}

var _ = Describe("the model of a lab drawn by chance", func() {
	for _, seed := range modelledSeeds() {
		It(fmt.Sprintf("of seed %d says what the kernel says", seed), Label("slow"), func() {
			lab := randlab.Draw(seed)
			text, decided, undecided := byTheModel(lab.Text, seed)
			GinkgoWriter.Printf("seed %d: %d decided, %d undecided, %v\n", seed, decided, undecided, lab.Features)
			r := labctl("verify", "--new", "--no-timing", "-o", "json", write("drawn.yaml", text))
			Expect(r.code).To(BeElementOf(0, 1), r.String()+"\n"+text)
			var doc struct {
				Steps []struct {
					Step, Failed string
					Tables       []struct {
						Cells []struct {
							Question, Want, Got, Detail string
							Judged, OK                  bool
						}
					}
				}
			}
			Expect(json.Unmarshal([]byte(r.out), &doc)).To(Succeed())
			var differ []string
			judged := 0
			for _, s := range doc.Steps {
				Expect(s.Failed).To(BeEmpty(), "%s\n%s", s.Step, lessTables(text))
				for _, t := range s.Tables {
					for _, c := range t.Cells {
						if !c.Judged {
							continue
						}
						judged++
						if !c.OK {
							differ = append(differ, fmt.Sprintf("%s: %s: the model says %s, the kernel %s: %s", s.Step, c.Question, c.Want, c.Got, c.Detail))
						}
					}
				}
			}
			Expect(judged).To(BeNumerically(">=", decided))
			Expect(len(differ)).To(BeZero(), "seed %d (%v):\n%s\n%s", seed, lab.Features, strings.Join(differ[:min(len(differ), 12)], "\n"), lessTables(text))
		})
	}
})

var _ = Describe("the points at which Linux decides", func() {
	files, err := filepath.Glob("../topology/model/testdata/points/*.yaml")
	Expect(err).NotTo(HaveOccurred())
	Expect(files).NotTo(BeEmpty())
	for _, file := range files {
		It("are in the kernel as "+filepath.Base(file)+" has them", Label("slow"), func() {
			path, err := filepath.Abs(file)
			Expect(err).NotTo(HaveOccurred())
			Expect(labctl("verify", "--new", "-q", path)).To(Exit(0))
			Expect(labctl("verify", "--model", "-q", path)).To(Exit(0))
		})
	}
})
