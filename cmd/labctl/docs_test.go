package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"labctl/labs"
	"labctl/topology/graph"
	"labctl/topology/labfile"
	"labctl/topology/problem"
)

var update = flag.Bool("update", false, "rewrite docs/cli.md and docs/labs.md")

const cliDoc, labsDoc = "../../docs/cli.md", "../../docs/labs.md"

// TestCLIDocs holds docs/cli.md to what the binary says of itself.
func TestCLIDocs(t *testing.T) {
	root := newRoot()
	var b strings.Builder
	b.WriteString("# labctl on the command line\n\nMade from the binary by `make docs`; do not edit.\n\n")
	describe(&b, root)
	holdTo(t, cliDoc, b.String())
}

// TestLabsDocs holds docs/labs.md to the shipped labs, and their pictures to what "labctl graph" draws.
func TestLabsDocs(t *testing.T) {
	var list, sections strings.Builder
	for _, name := range labs.Names() {
		src, err := labs.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		lab, problems := labfile.Load(name+".yaml", src)
		if lab == nil {
			t.Fatal(problems)
		}
		var nodes []string
		for _, n := range lab.Nodes {
			nodes = append(nodes, fmt.Sprintf("`%s`", n.Name))
		}
		fmt.Fprintf(&list, "| [%s](#%s) | %d | %s |\n", name, name, len(nodes), lab.About)
		fmt.Fprintf(&sections, "\n## %s\n\n%s.\n\n%s: %s.\n\n```mermaid\n%s```\n", name,
			strings.ToUpper(lab.About[:1])+lab.About[1:], problem.Count(len(nodes), "node"), strings.Join(nodes, ", "),
			graph.New(lab.Lab, lab.About).Mermaid())
	}
	holdTo(t, labsDoc, "# The shipped labs\n\nMade from the labs by `make docs`; do not edit.\n\n"+
		"`labctl verify NAME` judges one, `labctl up NAME` brings it up, `labctl labs NAME` prints its file, "+
		"which says why each cell is as it is,\nand `labctl graph NAME` draws it, as below or otherwise: each as its "+
		"file has it before any step. A box with double sides is a bridge or a virtual\nswitch, a rounded one a router; "+
		"a frame is a node that holds others.\n\n"+
		"| lab | nodes | shows |\n|---|---|---|\n"+list.String()+sections.String())
}

// holdTo compares a document with what it is made from, or writes it if the flag is given.
func holdTo(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Errorf("%s is not what it is made from; run \"make docs\"", strings.TrimPrefix(path, "../../"))
	}
}

// describe writes a command and those below it.
func describe(b *strings.Builder, c *cobra.Command) {
	if c.Hidden || c.Name() == "help" {
		return
	}
	fmt.Fprintf(b, "## %s\n\n", c.CommandPath())
	text := c.Long
	if c.Parent() != nil && c.Parent().Name() == "completion" {
		text = "" // the library's own, with lines for each shell; --help shows them
	}
	if text == "" {
		text = c.Short + "."
	}
	fmt.Fprintf(b, "%s\n\n", text)
	if c.Runnable() && !c.HasSubCommands() {
		fmt.Fprintf(b, "```\n%s\n```\n\n", c.UseLine())
	}
	if c.Example != "" {
		fmt.Fprintf(b, "Example:\n\n```\n%s\n```\n\n", c.Example)
	}
	flags(b, "Flags", c.NonInheritedFlags())
	for _, k := range c.Commands() {
		describe(b, k)
	}
}

func flags(b *strings.Builder, title string, set *pflag.FlagSet) {
	var rows []string
	set.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" || f.Hidden {
			return
		}
		name := "`--" + f.Name + "`"
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		usage := f.Usage
		switch f.DefValue {
		case "", "0", "0s", "false", "[]":
		default: // as --help has it
			usage += " (default " + f.DefValue + ")"
		}
		rows = append(rows, fmt.Sprintf("| %s | %s | %s |\n", name, f.Value.Type(), usage))
	})
	if len(rows) > 0 {
		fmt.Fprintf(b, "%s:\n\n| flag | value | |\n|---|---|---|\n%s\n", title, strings.Join(rows, ""))
	}
}

// Every verb says what it is for, and takes the flags that all have.
func TestVerbsExplainThemselves(t *testing.T) {
	root := newRoot()
	for _, c := range root.Commands() {
		if c.Hidden {
			continue
		}
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: wants a short sentence without a full stop: %q", c.Name(), c.Short)
		}
		if c.Flag("output") == nil {
			t.Errorf("%s does not take --output", c.Name())
		}
		if c.ValidArgsFunction == nil && strings.Contains(c.Use, "[") && !strings.Contains(c.Use, "init") && c.Name() != "completion" && c.Name() != "help" {
			t.Errorf("%s completes nothing", c.Name())
		}
	}
}

// Other systems than Linux know the verbs by their names alone.
func TestEverySystemKnowsTheVerbs(t *testing.T) {
	var names []string
	for _, make := range machineCommands() {
		names = append(names, make(&globals{}).Name())
	}
	slices.Sort(names)
	if known := slices.Sorted(slices.Values(machineVerbs())); !slices.Equal(names, known) {
		t.Errorf("the verbs are %v, and verbGroups has %v", names, known)
	}
}
