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

// document is one that users read: the blocks of it that show commands of labctl, and the labs in it that are complete.
type document struct {
	name   string
	blocks []block
	labs   []string
	err    error
}

// onlyRoot is on the line before a block that prints something else without root, as the text around it says.
const onlyRoot = "<!-- root -->"

// block is a fenced block. One with "$ " before its commands has what they print below them; in one of sh every line is
// a command.
type block struct {
	line     int
	commands []shown
}

// shown is a command of a document: in which line, and what is said to be printed. prints: that is compared.
type shown struct {
	line   int
	text   string
	prints bool
	want   []string
	hidden bool // <!-- run: … -->: what the reader does with an editor
}

// generated has a line for each verb and flag, and is made from the binary. Its examples are held to the verbs and
// flags that there are by TestExamplesOfHelp of cmd/labctl.
const generated = "docs/cli.md"

// The tree is made of what the documents have before anything runs.
var _ = func() bool {
	docs := documents()
	var with []string
	for _, d := range docs {
		if len(d.blocks)+len(d.labs) > 0 || d.err != nil {
			with = append(with, d.name)
			describeDocument(d)
		}
	}
	Describe("documents", func() {
		It("are found, with what is to be tried", func() {
			Expect(with).To(ContainElements("README.md", "docs/lab-format.md", "docs/tour-mitm.md", "docs/first-lab.md"))
		})
		It("have every command that is excused from running, and none is excused twice", func() {
			there := map[string]bool{}
			for _, d := range docs {
				for _, b := range d.blocks {
					for _, c := range b.commands {
						there[d.name+": "+c.text] = true
					}
				}
			}
			for what, why := range excused {
				Expect(there).To(HaveKey(what), "no document has it any more: take it off the list")
				Expect(why).NotTo(BeEmpty(), what)
			}
		})
	})
	return true
}()

func describeDocument(d document) {
	Describe(d.name, func() {
		if d.err != nil {
			It("can be read", func() { Fail(d.err.Error()) })
		}
		if len(d.blocks) > 0 {
			It("shows commands that print what it says", Label("slow"), func() { tryDocument(d) })
		}
		for i, lab := range d.labs {
			It(fmt.Sprintf("shows a lab that is as it says (%d)", i+1), func() {
				Expect(labctl("verify", write("lab.yaml", lab))).To(Exit(0))
			})
		}
	})
}

// documents are README.md, CONTRIBUTING.md and those of docs. They are found before the specs change anything; the
// suite runs in its own directory.
func documents() []document {
	paths := []string{"../README.md", "../CONTRIBUTING.md"}
	more, err := filepath.Glob("../docs/*.md")
	if err != nil {
		return []document{{name: "docs", err: err}}
	}
	slices.Sort(more)
	var out []document
	for _, path := range append(paths, more...) {
		text, err := os.ReadFile(path)
		d := document{name: strings.TrimPrefix(filepath.ToSlash(path), "../"), err: err}
		if err == nil && d.name != generated {
			d.read(string(text))
		}
		out = append(out, d)
	}
	return out
}

var (
	hidden = regexp.MustCompile(`^<!-- run: (.*) -->$`)
	ofUs   = regexp.MustCompile(`(^|[;&|(] *|\bgo run \./cmd/)labctl( |$)`)
)

// read takes the fenced blocks apart.
func (d *document) read(text string) {
	inside, language, from, forRoot := false, "", 0, false
	var lines []string
	for n, line := range strings.Split(text, "\n") {
		m := hidden.FindStringSubmatch(line)
		switch fence := strings.HasPrefix(line, "```"); {
		case !inside && m != nil:
			d.blocks = append(d.blocks, block{n + 1, []shown{{line: n + 1, text: m[1], hidden: true}}})
		case line == onlyRoot:
			forRoot = true
		case !inside && fence:
			inside, language, lines, from = true, line[3:], nil, n+2
		case inside && fence:
			inside = false
			if language == "yaml" && slices.Contains(lines, "format: 1") {
				d.labs = append(d.labs, strings.Join(lines, "\n")+"\n")
			}
			commands := commandsOf(language, lines, from)
			if (root || !forRoot) && slices.ContainsFunc(commands, func(c shown) bool { return ofUs.MatchString(c.text) }) {
				d.blocks = append(d.blocks, block{from, commands})
			}
			forRoot = false
		case inside:
			lines = append(lines, line)
		}
	}
	if inside {
		d.err = fmt.Errorf("%s:%d: the block is not closed", d.name, from-1)
	}
}

// commandsOf are the commands of a block that begins in a line.
func commandsOf(language string, lines []string, from int) []shown {
	var out []shown
	for i, line := range lines {
		command, prompt := strings.CutPrefix(line, "$ ")
		more, goesOn := strings.CutPrefix(line, "> ")
		last := len(out) - 1
		switch {
		case prompt:
			out = append(out, shown{line: from + i, text: command, prints: true})
		case language == "sh" && strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "#"):
			out = append(out, shown{line: from + i, text: line})
		case last < 0:
		case goesOn && len(out[last].want) == 0 && out[last].prints:
			out[last].text += "\n" + more
		case out[last].prints:
			out[last].want = append(out[last].want, line)
		}
	}
	return out
}
