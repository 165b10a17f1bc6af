package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"labctl/cmd/labctl/client"
	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/wire"
	"labctl/topology"
	"labctl/topology/labfile"
	"labctl/topology/problem"
)

// running finds the running lab that -l names, or the only one.
func (g *globals) running(ctx context.Context) (*client.Client, error) {
	name := g.lab
	if name == "" {
		list, err := instance.Chosen()
		if err != nil {
			return nil, err
		}
		switch len(list) {
		case 0:
			return nil, usagef("no lab is running; \"labctl up FILE\" starts one")
		case 1:
			name = list[0]
		default:
			return nil, usagef("which lab? %d are there: %s; choose with -l", len(list), strings.Join(list, ", "))
		}
	}
	c, err := client.Dial(name)
	if errors.Is(err, fs.ErrNotExist) {
		if st, serr := client.StatusOf(ctx, name); serr == nil && st.State == "degraded" {
			return nil,
				fmt.Errorf("lab %s is degraded: %s; \"labctl up\" with its file builds it, \"labctl down %s\" "+
					"removes it", name, st.Why, name)
		}
		list, _ := instance.All()
		list = slices.DeleteFunc(list, func(l string) bool { return l == name }) // it may have come this moment
		return nil, usagef("no lab %q is running%s", name, problem.Suggest(name, list))
	}
	if errors.Is(err, instance.ErrDead) {
		return nil,
			fmt.Errorf("lab %s is degraded: its supervisor is dead; \"%s\" heals it, \"labctl down %s\" removes it",
				name, upAgain(name), name)
	}
	return c, err
}

// isRunning reports whether a lab of that name is up.
func isRunning(name string) bool {
	list, _ := instance.All()
	return slices.Contains(list, name)
}

// upAgain is the command that brings up an instance that is there.
func upAgain(name string) string {
	m, err := instance.ReadMeta(name)
	if err != nil {
		return "labctl up"
	}
	s := "labctl up " + strings.TrimPrefix(displayOf(m.File), "./")
	if name, ok := strings.CutPrefix(m.File, "shipped:"); ok {
		s = "labctl up " + name
	}
	if m.Lab != m.Instance {
		s += " --as " + m.Instance
	}
	return s
}

// instanceLab is the lab file that a running instance was given last.
func instanceLab(name string) (*labfile.File, error) {
	src, err := instance.Source(name)
	if err != nil {
		return nil, err
	}
	path := defaultFile
	if m, err := instance.ReadMeta(name); err == nil && m.File != "" && m.File != "-" {
		path = displayOf(m.File)
	}
	lab, problems := labfile.Load(path, src)
	if lab == nil {
		return nil, problems
	}
	return lab, nil
}

func completeLabs(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	names, _ := instance.All()
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeNodes completes node names of the chosen lab, for the first n arguments; 0: for all.
func completeNodes(g *globals, n int) cobra.CompletionFunc {
	return completeFrom(g, n, cobra.ShellCompDirectiveDefault,
		func(k *topology.Node) []string { return []string{k.Name} })
}

// completeSwitches completes the names of virtual switches and their ports, for the first n arguments; 0: for all.
func completeSwitches(g *globals, n int) cobra.CompletionFunc {
	return completeFrom(g, n, cobra.ShellCompDirectiveNoFileComp, func(k *topology.Node) []string {
		if k.Switch == nil {
			return nil
		}
		names := []string{k.Name}
		for _, p := range k.Switch.Ports {
			names = append(names, k.Name+":"+p.Name)
		}
		return names
	})
}

// completeFrom completes what the nodes of the chosen lab offer, for the first n arguments, for all if that is 0. after
// is what the shell is to do with those that follow.
func completeFrom(g *globals, n int, after cobra.ShellCompDirective,
	offers func(*topology.Node) []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if n > 0 && len(args) >= n {
			return nil, after
		}
		name := g.lab
		if list, _ := instance.Chosen(); name == "" && len(list) == 1 {
			name = list[0]
		}
		lab, err := instanceLab(name)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for _, k := range lab.Nodes {
			names = append(names, offers(k)...)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// wipes reports whether a file is a terminal that can wipe a line.
func wipes(f *os.File) bool { return term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" }

// progress shows events on a terminal, on one line of standard error that is wiped at the end; elsewhere it shows
// nothing.
func progress() (events func(wire.Event), done func()) {
	if !wipes(os.Stderr) {
		return nil, func() {}
	}
	return func(e wire.Event) {
		s := e.What
		if e.Total > 0 && e.Done > 0 {
			s += fmt.Sprintf(" (%d/%d)", e.Done, e.Total)
		}
		s = problem.Visible(s, false) + " …"
		// A line that the terminal breaks could not be wiped.
		if width, _, err := term.GetSize(int(os.Stderr.Fd())); err == nil && width > 1 {
			if r := []rune(s); len(r) >= width {
				s = string(r[:width-2]) + "…"
			}
		}
		fmt.Fprint(os.Stderr, "\r\x1b[K"+s)
	}, func() { fmt.Fprint(os.Stderr, "\r\x1b[K") }
}
