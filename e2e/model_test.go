package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"labctl/topology"
	"labctl/topology/expect"
	"labctl/topology/labfile"
	"labctl/topology/model"
	"labctl/topology/randlab"
	states "labctl/topology/state"
)

// modelledSeeds are those of drawn labs in which the model is held against the kernel: a few in every run, others where
// LABCTL_SEEDS says so, as "100-140".
func modelledSeeds() (seeds []uint64) {
	first, last := uint64(1), uint64(0)
	if _, err := fmt.Sscanf(os.Getenv("LABCTL_SEEDS"), "%d-%d", &first, &last); err != nil {
		return []uint64{3, 11, 71}
	}
	for s := first; s <= last; s++ {
		seeds = append(seeds, s)
	}
	return seeds
}

// asked is the nodes of a lab that can ask, and whom.
func askable(lab *topology.Lab) (from, to []string) {
	for _, n := range lab.Nodes {
		if n.Kind == topology.VSwitch || !n.FirstAddr("", false).IsValid() {
			continue
		}
		from, to = append(from, n.Name), append(to, n.Name)
	}
	return from, to
}

// byTheModel is a lab file whose tables are what the model says, with "." where it is undecided; decided counts the rest.
func byTheModel(text string) (file string, decided, undecided int) {
	GinkgoHelper()
	f, problems := labfile.Load("drawn.yaml", []byte(text))
	Expect(f).NotTo(BeNil(), problems.Error())
	from, to := askable(f.Lab)
	var b strings.Builder
	b.WriteString(text + "\nexpect:\n")
	m, err := model.New(f.Lab, states.Of(f.Lab))
	Expect(err).NotTo(HaveOccurred())
	for _, kind := range []string{"ping", "answers"} {
		t, err := expect.NewMatrix(f.Lab, kind, from, to)
		Expect(err).NotTo(HaveOccurred())
		var qs []expect.Question
		for _, c := range t.Cells {
			qs = append(qs, c.Question)
		}
		words := map[expect.Question]string{}
		for _, a := range m.Ask(qs, false) {
			if !a.Settled() || a.Got == model.Unknown {
				undecided++
				continue
			}
			decided++
			words[a.Question] = a.Got
		}
		table := expect.Render(t, func(c *expect.Cell) string { return words[c.Question] })
		b.WriteString("  " + kind + ": |\n")
		for line := range strings.Lines(table) {
			if !strings.HasPrefix(line, "#") {
				b.WriteString("    " + strings.ReplaceAll(line, "unknown!", "."))
			}
		}
	}
	return b.String(), decided, undecided
}

var _ = Describe("the model of a lab drawn by chance", func() {
	for _, seed := range modelledSeeds() {
		It(fmt.Sprintf("of seed %d says what the kernel says", seed), Label("slow"), func() {
			lab := randlab.Draw(seed)
			text, decided, undecided := byTheModel(lab.Text)
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
