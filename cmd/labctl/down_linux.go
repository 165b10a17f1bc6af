package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"labctl/cmd/labctl/client"
	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/terminal"
	"labctl/topology/labfile"
	"labctl/topology/problem"
)

func downCommand(g *globals) *cobra.Command {
	var force, all bool
	cmd := &cobra.Command{
		Use:   "down [LAB|FILE]...",
		Short: "Take labs down and wait until the kernel has let go of them",
		Long: `Take labs down, healthy or not, and return when nothing of them is left. Programs that the lab did not start and that
still run in its nodes are named and keep it up (exit code 3); --force ends them, and a supervisor that does not answer ("labctl ls")
too. A lab that is not there is not an error.

A FILE means the instance with the lab's own name. If that is not up, it means the one that was brought up from the file under another name
(up --as), where there is only one. If there are several, name those to take down.`,
		Example:           "  labctl down\n  labctl down lab.yaml\n  labctl down --all",
		ValidArgsFunction: completeLabs,
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := g.downNames(args, all)
			if err != nil {
				return err
			}
			var errs []error
			for _, name := range names {
				err := client.Down(cmd.Context(), name, force)
				switch {
				case errors.Is(err, fs.ErrNotExist):
					list, _ := instance.All()
					fmt.Fprintf(terminal.Stderr(), "%s is not up%s\n", name, problem.Suggest(name, list))
				case err != nil && strings.HasPrefix(err.Error(), name+":"):
					errs = append(errs, err)
				case err != nil:
					errs = append(errs, fmt.Errorf("%s: %w", name, err))
				default:
					fmt.Fprintf(terminal.Stderr(), "%s is down\n", name)
				}
			}
			return errors.Join(errs...)
		},
	}
	cmd.Flags().BoolVar(&force, "force", false,
		"end programs of others that run in the nodes, and a supervisor that does not answer")
	cmd.Flags().BoolVar(&all, "all", false, "every lab of this user")
	return cmd
}

// downNames are the instances meant: names of labs, files, -l, or the only one there is.
func (g *globals) downNames(args []string, all bool) ([]string, error) {
	list, err := instance.All()
	if err != nil || all {
		return list, err
	}
	switch {
	case len(args) > 0 && g.lab != "" && g.labGiven:
		return nil, usagef("which lab? -l %s and %s; name them all as arguments, without -l", g.lab,
			strings.Join(args, " "))
	case len(args) == 0 && g.lab != "":
		args = []string{g.lab}
	}
	if len(args) == 0 {
		if list, err = instance.Chosen(); err != nil {
			return nil, err
		}
		switch len(list) {
		case 0:
			fmt.Fprintln(terminal.Stderr(), "no lab is up")
			return nil, nil
		case 1:
			return list, nil
		}
		return nil, usagef("which lab? %d are there: %s; name them, or use --all", len(list), strings.Join(list, ", "))
	}
	var names []string
	for _, a := range args {
		if a == "" {
			return nil, usagef(`"" is not the name of a lab; without an argument the only lab is taken down`)
		}
		if slices.Contains(list, a) || !strings.ContainsAny(a, "./") {
			names = append(names, a)
			continue
		}
		name, err := downFile(a)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

// downFile is the instance that a file means: the one that has the name of its lab, else the only one that came from
// it. What was brought up with --as beside the first is not taken down with it.
func downFile(path string) (string, error) {
	up := instance.FromFile(identityOf(path))
	if len(up) == 0 {
		_, lab, err := load(path)
		if err != nil {
			return "", err
		}
		return lab.Name, nil
	}
	// The file may have been broken since, or its lab renamed, and what came from it must come down all the same.
	if f, err := findFile(path); err == nil {
		if lab, _ := labfile.Load(f.display, f.source); lab != nil && slices.Contains(up, lab.Name) {
			return lab.Name, nil
		}
	}
	for _, name := range up {
		if m, err := instance.ReadMeta(name); err == nil && m.Lab == name {
			return name, nil
		}
	}
	if len(up) > 1 {
		return "",
			usagef("which lab? %d came from %s, each under a name of its own: %s; name them, or use --all, which "+
				"takes down every lab of yours", len(up), path, strings.Join(up, ", "))
	}
	return up[0], nil
}
