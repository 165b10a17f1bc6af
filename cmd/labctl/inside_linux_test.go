package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"labctl/cmd/labctl/supervisor"
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
	for _, e := range supervisor.Inside(nil, "lab", "h1") {
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
		if got := strings.Join(supervisor.Inside(strings.Fields(c.env), "l", "n"), " "); got != c.want {
			t.Errorf("%s: got %s, want %s", c.env, got, c.want)
		}
	}
}
