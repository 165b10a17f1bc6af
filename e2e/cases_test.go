package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// The labs of testdata/cases are after public reports. Their tables are what raw iproute2 and iputils show, or what the
// reporters saw, and each must hold.
var _ = func() bool {
	files, err := filepath.Glob("testdata/cases/*.yaml")
	slices.Sort(files)
	Describe("a public report", func() {
		It("is there as a lab", func() {
			Expect(err).NotTo(HaveOccurred())
			Expect(files).NotTo(BeEmpty())
		})
		for _, path := range files {
			// Read now: the suite runs in its own directory, the specs' commands elsewhere.
			text, err := os.ReadFile(path)
			name := strings.TrimSuffix(filepath.Base(path), ".yaml")
			It(name+" is as its file says", Label(name), func() {
				Expect(err).NotTo(HaveOccurred())
				run, docs := verifyThese(write(name+".yaml", string(text)))
				Expect(docs).To(HaveLen(1), run.err)
				if missing(docs[0]) {
					Expect(run).To(Exit(4))
					return
				}
				Expect(differences(docs[0])).To(BeEmpty())
				Expect(run).To(Exit(0))
			})
		}
	})
	return true
}()

// differences is what of a verification is not as the file says, a cell a line.
func differences(v verification) string {
	var out []string
	for _, s := range v.Steps {
		if s.Failed != "" {
			out = append(out, s.Step+": "+s.Failed)
		}
		for _, t := range s.Tables {
			for _, c := range t.Cells {
				if !c.OK {
					out = append(out, strings.TrimPrefix(s.Step+": ", ": ")+c.Question+" "+c.Case+": wanted "+c.Want+", got "+c.Got+": "+c.Detail)
				}
			}
		}
	}
	return strings.Join(append(out, v.Error), "\n")
}
