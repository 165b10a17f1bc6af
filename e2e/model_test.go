package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"labctl/topology"
	"labctl/topology/expect"
	"labctl/topology/labfile"
	"labctl/topology/model"
	"labctl/topology/randlab"
)

// modelledSeeds are those of drawn labs in which the model is held against the kernel: those of every run, or others where
// LABCTL_SEEDS says so, as "100-140".
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

// questions are tables that ask everything of a lab, without a word in them: pings, who answers, what some of them leave
// to be seen, and what all tables hold afterwards.
func questions(lab *topology.Lab, seed uint64) string {
	var bridges, nodes []string
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
	var b strings.Builder
	b.WriteString("\nexpect:\n")
	for _, kind := range []string{"ping", "answers", "arp", "route"} {
		fmt.Fprintf(&b, "  %s: |\n    from\\to  *\n    *  .\n", kind)
	}
	rnd := rand.New(rand.NewPCG(seed, 1))
	b.WriteString("  sees: |\n    flow\\at  *\n")
	flows := map[string]bool{}
	for range 5 {
		from, to := nodes[rnd.IntN(len(nodes))], nodes[rnd.IntN(len(nodes))]
		if flow := from + "->" + to; from != to && !flows[flow] {
			flows[flow] = true
			fmt.Fprintf(&b, "    %s  .\n", flow)
		}
	}
	if len(bridges) > 0 {
		fmt.Fprintf(&b, "  fdb: |\n    mac\\on  %s\n    *  %s\n", strings.Join(bridges, "  "),
			strings.Repeat(".  ", len(bridges)))
	}
	return b.String()
}

// byTheModel is a lab file whose tables are what the model says, with "." where it is undecided; decided counts the rest.
func byTheModel(text string, seed uint64) (file string, decided, undecided int) {
	GinkgoHelper()
	f, problems := labfile.Load("drawn.yaml", []byte(text))
	Expect(f).NotTo(BeNil(), problems.Error())
	text += questions(f.Lab, seed)
	f, problems = labfile.Load("drawn.yaml", []byte(text))
	Expect(f).NotTo(BeNil(), "%s\n%s", problems.Error(), text)
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
					Tables []struct {
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
				for _, t := range s.Tables {
					for _, c := range t.Cells {
						if !c.Judged {
							continue
						}
						judged++
						if !c.OK {
							differ = append(differ, fmt.Sprintf("%s: the model says %s, the kernel %s: %s", c.Question, c.Want, c.Got, c.Detail))
						}
					}
				}
			}
			Expect(judged).To(BeNumerically(">=", decided))
			Expect(differ).To(BeEmpty(), "seed %d (%v):\n%s\n%s", seed, lab.Features, strings.Join(differ, "\n"), text)
		})
	}
})
