package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"

	"labctl/cmd/labctl/wire"
)

// manDir names the directory that TestManPages leaves the pages in (scripts/share.sh). The library that writes them is
// a test's, so that it is not part of the program.
const manDir = "LABCTL_MAN_DIR"

// TestManPages makes the manual pages of the same tree as docs/cli.md, and sees that each verb and flag is in them.
func TestManPages(t *testing.T) {
	dir := os.Getenv(manDir)
	if dir == "" {
		dir = t.TempDir()
	}
	root := newRoot()
	root.DisableAutoGenTag = true // else pages have the day on which they were made
	header := &doc.GenManHeader{Section: "1", Source: "labctl " + wire.Version(), Manual: "labctl"}
	if date, err := time.Parse(time.RFC3339, wire.ThisBuild().Date); err == nil {
		header.Date = &date
	} // else the library takes SOURCE_DATE_EPOCH
	if err := doc.GenManTree(root, header, dir); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	checkPages(t, dir, root, want)
	have, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(have) != len(want) || len(want) < 30 {
		t.Errorf("%d pages of %d commands: %v %v", len(have), len(want), have, err)
	}
}

// roff takes away what the pages have between letters.
var roff = strings.NewReplacer(`\-`, "-", `\fB`, "", `\fI`, "", `\fP`, "", `\fR`, "", `\&`, "", `\\`, `\`, `\e`, `\`)

// checkPages looks at the page of a command, and at those of the commands below it.
func checkPages(t *testing.T, dir string, c *cobra.Command, seen map[string]bool) {
	t.Helper()
	if c.Hidden || c.Name() == "help" {
		return
	}
	page := strings.ReplaceAll(c.CommandPath(), " ", "-") + ".1"
	seen[page] = true
	text, err := os.ReadFile(filepath.Join(dir, page))
	if err != nil {
		t.Error(err)
		return
	}
	plain := roff.Replace(string(text))
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && !strings.Contains(plain, "--"+f.Name) {
			t.Errorf("%s does not have --%s", page, f.Name)
		}
	})
	// The library takes texts for Markdown, and what looks like a mark in them is lost.
	words := strings.Fields(c.Short + " " + c.Example)
	if !strings.HasPrefix(c.CommandPath(), "labctl completion") { // the library's own, with blocks of code
		words = append(words, strings.Fields(c.Long)...)
	}
	for _, w := range words {
		if !strings.Contains(plain, w) {
			t.Errorf("%s has lost %q", page, w)
		}
	}
	for _, k := range c.Commands() {
		checkPages(t, dir, k, seen)
	}
}
