package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/labfile"
)

// swap is a change of a lab file that puts a switch of the other make into it.
type swap struct {
	to, text string // text is the changed file
}

// otherMake replaces the Linux bridges of a lab by learning switches of ours, or the other way round: what one says of
// the lab the other must say too. Only switches that learn and have no policies have a twin; "" if a lab has none, or
// others.
func otherMake(f labFile) swap {
	lab, _ := labfile.Load(f.arg, f.source)
	if lab == nil {
		return swap{}
	}
	bridges, ours := 0, 0
	for _, n := range lab.Nodes {
		switch {
		case n.Kind == topology.Bridge && len(n.Rules) > 0:
			return swap{} // netfilter sees nothing of what our switches pass
		case n.Kind == topology.Bridge:
			bridges++
		case n.Kind == topology.VSwitch && n.Switch.Config.Profile == switchcore.Learning &&
			!slices.ContainsFunc(n.Switch.Config.Ports, func(p switchcore.Port) bool { return p.Uplink }):
			ours++
		case n.Kind == topology.VSwitch:
			return swap{}
		}
	}
	text := string(f.source)
	if strings.Contains(text, "stp: true") {
		return swap{} // our switches have no spanning tree
	}
	if strings.Contains(text, "mcast_querier: true") {
		return swap{} // and do not snoop
	}
	switch {
	case bridges > 0 && ours == 0:
		return swap{"vswitch", strings.ReplaceAll(text, "{kind: bridge", "{kind: vswitch, profile: learning")}
	case ours > 0 && bridges == 0:
		text = regexp.MustCompile(`\{kind: vswitch, profile: (learning|simple_vswitch)\}`).ReplaceAllString(text, "{kind: bridge}")
		// A bridge that has no spanning tree of its own passes those of others on (br_handle_frame in
		// net/bridge/br_input.c).
		text = regexp.MustCompile(`(?m)^( +bpdu) +no +no +no$`).ReplaceAllString(text, "$1 yes yes yes")
		return swap{"bridge", withoutTables(text, "drops")}
	}
	return swap{}
}

// file is where the changed text is.
func (s swap) file(f labFile) string {
	path := filepath.Join(runtimeDir, "as-"+s.to+"-"+strings.TrimSuffix(filepath.Base(f.arg), ".yaml")+".yaml")
	Expect(os.WriteFile(path, []byte(s.text), 0o644)).To(Succeed())
	return path
}

// withoutTables takes the tables of a kind out of a lab file: a Linux bridge counts no drops by reason.
func withoutTables(text, kind string) string {
	indent := -1 // of the table that is being left out
	return strings.Join(slices.DeleteFunc(strings.SplitAfter(text, "\n"), func(line string) bool {
		body := strings.TrimLeft(line, " ")
		at := len(line) - len(body)
		if indent >= 0 && (at > indent || strings.TrimSpace(body) == "") {
			return true
		}
		indent = -1
		if strings.HasPrefix(body, kind+": |") {
			indent = at
		}
		return indent >= 0
	}), "")
}

var _ = Describe("a switch of the other make", func() {
	for _, f := range labFiles() {
		s := otherMake(f)
		if s.to == "" {
			continue
		}
		It(fmt.Sprintf("as %s in %s", s.to, f.arg), func() {
			lab, problems := labfile.Load(f.arg, []byte(s.text))
			Expect(lab).NotTo(BeNil(), "%v", problems)
			for _, n := range lab.Nodes {
				Expect(n.Kind).NotTo(Equal(map[string]topology.Kind{"vswitch": topology.Bridge, "bridge": topology.VSwitch}[s.to]), n.Name)
			}
			run, got := verified(s.file(f))
			skipMissing(got)
			Expect(got.Error).To(BeEmpty(), run.err)
			var wrong []string
			for _, step := range got.Steps {
				Expect(step.Failed).To(BeEmpty(), step.Step)
				for _, t := range step.Tables {
					for _, c := range t.Cells {
						if c.Judged && !c.OK {
							wrong = append(wrong, fmt.Sprintf("%s: %s: wanted %s, got %s: %s", step.Step, c.Question, c.Want, c.Got, c.Detail))
						}
					}
				}
			}
			Expect(wrong).To(BeEmpty())
			Expect(got.OK).To(BeTrue())
			Expect(got.Judged).To(BeNumerically(">", 0))
		})
	}
	It("is there for the labs that have one", func() {
		var swapped []string
		for _, f := range labFiles() {
			if otherMake(f).to != "" {
				swapped = append(swapped, f.arg)
			}
		}
		Expect(swapped).To(ContainElements("nested", "routed", "simple-vswitch", "subnet-mask-redirect", "subnet-mask-rp-filter", "subnet-mask-typo"))
	})
})
