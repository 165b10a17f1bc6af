package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var (
	inText  = regexp.MustCompile("`labctl ([^`]+)`")
	example = regexp.MustCompile(`^(?:\$ |  )labctl (.*)$`)
)

// TestExamplesOfHelp holds what README and docs, docs/cli.md too, say in passing of a command line to the verbs and
// flags that there are. What they show with its output runs in e2e.
func TestExamplesOfHelp(t *testing.T) {
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, path := range append(files, "../../README.md", "../../CONTRIBUTING.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			var found []string
			for _, m := range inText.FindAllStringSubmatch(line, -1) {
				found = append(found, m[1])
			}
			if m := example.FindStringSubmatch(line); m != nil {
				found = append(found, m[1])
			}
			for _, words := range found {
				seen++
				if why := notOurs(words); why != "" {
					t.Errorf("%s:%d: labctl %s: %s", filepath.Base(path), i+1, words, why)
				}
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d command lines were found", seen)
	}
}

// notOurs says which word of a command line is not a verb or a flag of labctl's, or "". What follows a command of the
// shell, or "--", is not looked at.
func notOurs(line string) string {
	words := strings.Fields(line)
	if i := slices.IndexFunc(words, func(w string) bool {
		return w == "--" || strings.ContainsAny(w, ";&|>#")
	}); i >= 0 {
		words = words[:i]
	}
	cmd := newRoot()
	if len(words) == 0 || words[0] == "…" || strings.ToUpper(words[0]) == words[0] && !strings.HasPrefix(words[0], "-") {
		return ""
	}
	for _, w := range words {
		if name, isFlag := strings.CutPrefix(strings.TrimRight(w, ",."), "-"); isFlag {
			if !hasFlag(cmd, name) {
				return "there is no flag " + w
			}
			continue
		}
		next := slices.IndexFunc(cmd.Commands(), func(c *cobra.Command) bool { return c.Name() == w || c.HasAlias(w) })
		switch {
		case next >= 0:
			cmd = cmd.Commands()[next]
		case cmd.HasSubCommands():
			return "there is no verb " + w
		}
	}
	return ""
}

// hasFlag reports whether a verb takes a flag, without the first of its dashes.
func hasFlag(cmd *cobra.Command, name string) bool {
	long, isLong := strings.CutPrefix(name, "-")
	long, _, _ = strings.Cut(long, "=")
	found := name == "h" || long == "help"
	look := func(f *pflag.Flag) { found = found || isLong && f.Name == long || !isLong && f.Shorthand == name[:1] }
	if name == "" {
		return true
	}
	cmd.Flags().VisitAll(look)
	cmd.InheritedFlags().VisitAll(look)
	return found
}

func TestNotOurs(t *testing.T) {
	for line, want := range map[string]string{
		"up FILE --as NAME":                   "",
		"exec h1 -- ip -br addr":              "",
		"ls -o json | sed --nonsense":         "",
		"policy set vSwitch0 promiscuous=off": "",
		"levitate":                            "there is no verb levitate",
		"port lift s1:h1":                     "there is no verb lift",
		"up --ass x":                          "there is no flag --ass",
		"down -z":                             "there is no flag -z",
	} {
		if got := notOurs(line); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}
