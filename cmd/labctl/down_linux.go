package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"labctl/cmd/labctl/supervisor"
	"labctl/topology"
)

func downCommand(g *globals) *cobra.Command {
	var force, all bool
	cmd := &cobra.Command{
		Use:   "down [LAB|FILE]...",
		Short: "Take labs down and wait until the kernel has let go of them",
		Long: `Take labs down, healthy or not, and return when nothing of them is left. Programs that the lab did not start and that
still run in its nodes are named and keep it up (exit code 3); --force ends them, and a supervisor that does not answer ("labctl ls")
too. A lab that is not there is no error.`,
		ValidArgsFunction: completeLabs,
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := g.downNames(args, all)
			if err != nil {
				return err
			}
			var errs []error
			for _, name := range names {
				err := supervisor.Down(cmd.Context(), name, force)
				switch {
				case errors.Is(err, fs.ErrNotExist):
					list, _ := supervisor.Instances()
					fmt.Fprintf(supervisor.Stderr(), "%s is not up%s\n", name, topology.Suggest(name, list))
				case err != nil:
					errs = append(errs, fmt.Errorf("%s: %w", name, err))
				default:
					fmt.Fprintf(supervisor.Stderr(), "%s is down\n", name)
				}
			}
			return errors.Join(errs...)
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "end programs of others that run in the nodes, and a supervisor that does not answer")
	cmd.Flags().BoolVar(&all, "all", false, "every lab of this user")
	return cmd
}

// downNames are the instances meant: names of labs, files, -l, or the only one there is.
func (g *globals) downNames(args []string, all bool) ([]string, error) {
	list, err := supervisor.Instances()
	if err != nil || all {
		return list, err
	}
	switch {
	case len(args) > 0 && g.lab != "" && g.labGiven:
		return nil, usagef("which lab? -l %s and %s; name them all as arguments, without -l", g.lab, strings.Join(args, " "))
	case len(args) == 0 && g.lab != "":
		args = []string{g.lab}
	}
	if len(args) == 0 {
		if list, err = supervisor.Chosen(); err != nil {
			return nil, err
		}
		switch len(list) {
		case 0:
			fmt.Fprintln(supervisor.Stderr(), "no lab is up")
			return nil, nil
		case 1:
			return list, nil
		}
		return nil, usagef("which lab? %d are there: %s; name them, or use --all", len(list), strings.Join(list, ", "))
	}
	var names []string
	for _, a := range args {
		if slices.Contains(list, a) || !strings.ContainsAny(a, "./") {
			names = append(names, a)
			continue
		}
		// By where it came from first: the file may have been broken since, and its lab must come down all the same.
		if up := supervisor.FromFile(identityOf(a)); len(up) > 0 {
			names = append(names, up...)
			continue
		}
		_, lab, err := load(a)
		if err != nil {
			return nil, err
		}
		names = append(names, lab.Name)
	}
	return names, nil
}
