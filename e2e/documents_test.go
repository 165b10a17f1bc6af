package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// tested is on the line before a block of shell commands in a document, which are run here, all of a document one
// after the other, by "sh -e".
const tested = "<!-- tested -->"

// document is one that users read: its commands that are marked, and the labs in it that are complete.
type document struct {
	name     string
	commands []string
	labs     []string
	err      error
}

// The tree is made of what the documents have before anything runs.
var _ = func() bool {
	var with []string
	for _, d := range documents() {
		if len(d.commands)+len(d.labs) > 0 || d.err != nil {
			with = append(with, d.name)
			describeDocument(d)
		}
	}
	Describe("documents", func() {
		It("are found, with what is to be tried", func() {
			Expect(with).To(ContainElements("README.md", "docs/lab-format.md", "docs/tour-mitm.md"))
		})
	})
	return true
}()

func describeDocument(d document) {
	Describe(d.name, func() {
		if d.err != nil {
			It("can be read", func() { Fail(d.err.Error()) })
		}
		if len(d.commands) > 0 {
			It("shows commands that work", Label("slow"), func() {
				dir := GinkgoT().TempDir()
				// Each command has the time of a command. What is killed for it has an exit code that no document
				// wants.
				Expect(os.WriteFile(filepath.Join(dir, "labctl"), fmt.Appendf(nil,
					"#!/bin/sh\nexec timeout --foreground -s KILL %d '%s' \"$@\"\n", int(limit.Seconds()), binary), 0o755)).To(Succeed())
				DeferCleanup(func() { labctl("down", "--all", "--force") })
				script := "cd " + dir + "\nPATH=" + dir + ":$PATH:/usr/sbin\n" + strings.Join(d.commands, "\n")
				Expect(runFor(10*limit, nil, "", "sh", "-exc", strings.ReplaceAll(script, "go run ./cmd/labctl", "labctl"))).To(Exit(0))
				Expect(instances()).To(BeEmpty())
			})
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
		if err == nil {
			d.read(string(text))
		}
		out = append(out, d)
	}
	return out
}

// read takes the fenced blocks apart. A mark that no block of commands follows is an error.
func (d *document) read(text string) {
	marked, inside, language := false, false, ""
	var block []string
	for n, line := range strings.Split(text, "\n") {
		fence := strings.HasPrefix(line, "```")
		switch {
		case !inside && line == tested:
			marked = true
			continue
		case !inside && fence:
			inside, language, block = true, line[3:], nil
			if marked && language != "sh" {
				d.err = fmt.Errorf("%s:%d: %s wants a block of sh after it", d.name, n+1, tested)
			}
			continue
		case inside && fence:
			inside = false
			switch {
			case marked:
				d.commands = append(d.commands, strings.Join(block, "\n"))
			case language == "yaml" && slices.Contains(block, "format: 1"):
				d.labs = append(d.labs, strings.Join(block, "\n")+"\n")
			}
		case inside:
			block = append(block, line)
			continue
		case marked:
			d.err = fmt.Errorf("%s:%d: no block after %s", d.name, n+1, tested)
		}
		marked = false
	}
}
