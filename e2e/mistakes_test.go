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

// mistakes is a directory of what newcomers write, one mistake a file: NN-name.yaml is given to validate, and
// NN-name.args are arguments of labctl. What is printed is in NN-name.txt, exit code first. LABCTL_UPDATE_GOLDEN writes
// these: read each as a stranger, who wants to know what to type.
const mistakes = "testdata/mistakes"

// mistaken are the files of the mistakes.
func mistaken() []string {
	files, err := filepath.Glob(mistakes + "/*.[ya]*")
	if err != nil {
		panic(err) // the pattern is wrong
	}
	return files
}

// mistake is the command line of a mistake, and what is to be said of it.
func mistake(file string) (args []string, want string) {
	GinkgoHelper()
	args = []string{"validate", filepath.Base(file)}
	if strings.HasSuffix(file, ".args") {
		line, err := os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		args = strings.Fields(string(line))
	}
	text, err := os.ReadFile(toldOf(file))
	Expect(err).NotTo(HaveOccurred())
	return args, string(text)
}

// toldOf is the file with what is said of a mistake.
func toldOf(file string) string { return strings.TrimSuffix(file, filepath.Ext(file)) + ".txt" }

// said is what is compared of a run.
func said(r result) string { return fmt.Sprintf("exit code %d\n%s%s", r.code, r.err, r.out) }

var _ = Describe("usual mistakes", func() {
	place := regexp.MustCompile(`(?m)^[0-9][^ ]*\.yaml:([0-9]+:[0-9]+: )?`)

	It("are at least twenty-five, and each has its text", func() {
		Expect(len(mistaken())).To(BeNumerically(">=", 25))
		texts, err := filepath.Glob(mistakes + "/*.txt")
		Expect(err).NotTo(HaveOccurred())
		Expect(texts).To(HaveLen(len(mistaken())))
	})

	for _, file := range mistaken() {
		It(fmt.Sprintf("are met with one message that says what to write: %s", filepath.Base(file)), func() {
			if os.Getenv("LABCTL_UPDATE_GOLDEN") != "" {
				f, err := os.OpenFile(toldOf(file), os.O_CREATE, 0o644)
				Expect(err).NotTo(HaveOccurred())
				Expect(f.Close()).To(Succeed())
				args, _ := mistake(file)
				Expect(os.WriteFile(toldOf(file), []byte(said(runIn(mistakes, binary, args...))), 0o644)).To(Succeed())
			}
			args, want := mistake(file)
			r := runIn(mistakes, binary, args...)
			Expect(said(r)).To(Equal(want))
			if r.code == 2 && slices.Contains(args, "validate") {
				Expect(place.FindAllString(r.err, -1)).To(HaveLen(1), "one mistake, one message")
			}
		})
	}
})
