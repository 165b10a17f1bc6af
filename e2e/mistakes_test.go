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
)

// testdata/mistakes has what newcomers write, one mistake a file: NN-name.yaml is given to validate, and NN-name.args
// are arguments of labctl. What is printed is in NN-name.txt, exit code first. LABCTL_UPDATE_GOLDEN writes these: read
// each as a stranger, who wants to know what to type.
var _ = Describe("usual mistakes", func() {
	const dir = "testdata/mistakes"
	files, err := filepath.Glob(dir + "/*.[ya]*")
	if err != nil {
		panic(err) // the pattern is wrong
	}
	place := regexp.MustCompile(`(?m)^[0-9][^ ]*\.yaml:([0-9]+:[0-9]+: )?`)

	It("are at least twenty-five, and each has its text", func() {
		Expect(len(files)).To(BeNumerically(">=", 25))
		texts, err := filepath.Glob(dir + "/*.txt")
		Expect(err).NotTo(HaveOccurred())
		Expect(texts).To(HaveLen(len(files)))
	})

	for _, file := range files {
		name := filepath.Base(file)
		It(fmt.Sprintf("are met with one message that says what to write: %s", name), func() {
			args := []string{"validate", name}
			if strings.HasSuffix(name, ".args") {
				line, err := os.ReadFile(file)
				Expect(err).NotTo(HaveOccurred())
				args = strings.Fields(string(line))
			}
			r := runIn(dir, binary, args...)
			got := fmt.Sprintf("exit code %d\n%s%s", r.code, r.err, r.out)
			golden := strings.TrimSuffix(file, filepath.Ext(file)) + ".txt"
			if os.Getenv("LABCTL_UPDATE_GOLDEN") != "" {
				Expect(os.WriteFile(golden, []byte(got), 0o644)).To(Succeed())
			}
			want, err := os.ReadFile(golden)
			Expect(err).NotTo(HaveOccurred())
			Expect(got).To(Equal(string(want)))
			if r.code == 2 && slices.Contains(args, "validate") {
				Expect(place.FindAllString(r.err, -1)).To(HaveLen(1), "one mistake, one message")
			}
		})
	}
})
