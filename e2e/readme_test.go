package e2e

import (
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// tested stands on a line before a block of README.md whose commands are run here, one after the other, by "sh -e".
const tested = "<!-- tested -->"

var _ = Describe("README", func() {
	It("shows commands that work", func() {
		text, err := os.ReadFile(readme)
		Expect(err).NotTo(HaveOccurred())
		blocks := testedBlocks(string(text))
		Expect(blocks).NotTo(BeEmpty(), "README.md has no block after %q", tested)
		dir := GinkgoT().TempDir()
		Expect(os.Symlink(binary, filepath.Join(dir, "labctl"))).To(Succeed())
		DeferCleanup(func() { labctl("down", "--all", "--force") })
		script := "cd " + dir + "\nPATH=" + dir + ":$PATH\n" + strings.Join(blocks, "\n")
		Expect(run(nil, "", "sh", "-exc", strings.ReplaceAll(script, "go run ./cmd/labctl", "labctl"))).To(Exit(0))
		Expect(labctl("down", "--all")).To(Exit(0))
	})
})

// testedBlocks are the contents of the marked fenced blocks, without prompts.
func testedBlocks(text string) []string {
	var out []string
	for _, part := range strings.Split(text, tested)[1:] {
		_, part, found := strings.Cut(part, "```sh\n")
		block, _, closed := strings.Cut(part, "\n```")
		if found && closed {
			out = append(out, strings.ReplaceAll("\n"+block, "\n$ ", "\n"))
		}
	}
	return out
}

// readme is found before the specs change anything; the suite runs in its own directory.
var readme = func() string {
	path, err := filepath.Abs("../README.md")
	if err != nil {
		return "../README.md"
	}
	return path
}()
