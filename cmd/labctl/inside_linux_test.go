package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"labctl/cmd/labctl/innode"
	"labctl/topology/labfile"
)

// What says where a command runs must not be a flag to a labctl that runs there: LABCTL_LAB is -l.
func TestEnvironmentOfNodesIsNoFlag(t *testing.T) {
	var flags []string
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		note := func(f *pflag.Flag) {
			flags = append(flags, "LABCTL_"+strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_")))
		}
		c.Flags().VisitAll(note)
		c.PersistentFlags().VisitAll(note)
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot())
	if !slices.Contains(flags, "LABCTL_LAB") {
		t.Fatal("the flags were not found:", flags)
	}
	for _, e := range innode.Environment(nil, "lab", "h1") {
		if name, _, _ := strings.Cut(e, "="); slices.Contains(flags, name) {
			t.Errorf("%s is a flag too", name)
		}
	}
}

func TestEnvironmentOfNodes(t *testing.T) {
	for _, c := range []struct{ env, want string }{
		{"A=b PATH=/bin", "A=b PATH=/bin:/usr/sbin:/sbin LABCTL_IN_LAB=l LABCTL_IN_NODE=n"},
		{"PATH=/sbin:/bin LABCTL_IN_NODE=x A=b", "A=b PATH=/sbin:/bin:/usr/sbin LABCTL_IN_LAB=l LABCTL_IN_NODE=n"},
		{"PATH=/usr/sbin/x:/usr/sbin:/sbin", "PATH=/usr/sbin/x:/usr/sbin:/sbin LABCTL_IN_LAB=l LABCTL_IN_NODE=n"},
		{"A=", "A= PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin LABCTL_IN_LAB=l LABCTL_IN_NODE=n"},
	} {
		if got := strings.Join(innode.Environment(strings.Fields(c.env), "l", "n"), " "); got != c.want {
			t.Errorf("%s: got %s, want %s", c.env, got, c.want)
		}
	}
}

// What came from standard input has nobody read: commands of its nodes run at "up", those of its steps at "step" and
// "verify".
func TestCommandsFromStandardInput(t *testing.T) {
	const lab = "format: 1\nlab: x\nnodes:\n  h1: {ip: 10.0.0.1/24NODE}\n  h2: {ip: 10.0.0.2/24}\nlinks: [h1 -- h2]\nexpect: {ping: ok}\nSTEP"
	for _, c := range []struct{ node, step, want string }{
		{"", "", ""},
		{", run: [\"true\"]", "", "node h1 runs commands"},
		{"", "steps: [{name: one, do: [{flush: {h1: [neigh]}}, {run: {node: h2, sh: \"true\"}}]}]\n", "step \"one\" runs commands"},
	} {
		text := strings.NewReplacer("NODE", c.node, "STEP", c.step).Replace(lab)
		l, problems := labfile.Load("-", []byte(text))
		if l == nil {
			t.Fatal(problems)
		}
		f := &labFile{display: "standard input", identity: "-"}
		_, err := start(f, l, "", false)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v, want %q", err, c.want)
		}
		if _, err := start(f, l, "", true); err != nil {
			t.Error(err)
		}
		f.fromDisk = true
		if _, err := start(f, l, "", false); err != nil {
			t.Error(err)
		}
	}
}
