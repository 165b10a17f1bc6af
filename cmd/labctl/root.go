package main

import (
	"cmp"
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"labctl/topology/problem"
)

// markBegun makes a command, and those below it, mark their errors.
func markBegun(cmd *cobra.Command) {
	if f := cmd.RunE; f != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if err := f(cmd, args); err != nil {
				return began{err}
			}
			return nil
		}
	}
	for _, c := range cmd.Commands() {
		markBegun(c)
	}
}

// plainArgs makes the verbs without verbs of their own say what they take, where cobra counts, or calls an argument an
// unknown command.
func plainArgs(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		plainArgs(c)
	}
	check := cmd.Args
	if check == nil || cmd.HasSubCommands() || cmd.Name() == "help" {
		return
	}
	_, takes, _ := strings.Cut(strings.TrimSuffix(cmd.Use, " [flags]"), " ")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if check(cmd, args) == nil {
			return nil
		}
		given := make([]string, len(args))
		for i, a := range args {
			given[i] = problem.Quoted(a)
		}
		return usagef("%s takes %s, and was given %s; see \"%s --help\"",
			strings.TrimPrefix(cmd.CommandPath(), "labctl "), cmp.Or(takes, "no arguments"),
			cmp.Or(strings.Join(given, " "), "none"), cmd.CommandPath())
	}
}

// strictHelp makes "help" of a verb that is not there a mistake of usage: cobra prints the verbs that there are, and is
// content.
func strictHelp(root *cobra.Command) {
	for _, c := range root.Commands() {
		if c.Name() != "help" {
			continue
		}
		c.Args = func(_ *cobra.Command, args []string) error {
			if _, rest, err := root.Find(args); err != nil || len(rest) > 0 {
				return usagef("there is no verb %s; \"labctl --help\" lists them",
					problem.Quoted(strings.Join(args, " ")))
			}
			return nil
		}
	}
}

// newRoot is the whole command tree.
func newRoot() *cobra.Command {
	g := &globals{}
	root := &cobra.Command{
		Use:   "labctl",
		Short: "Network labs that say why",
		Long: `labctl builds a network lab from one YAML file, out of Linux network namespaces, veths, bridges and its own virtual
switches with vSphere's port policies; it probes who can reach whom, judges that against the tables in the file, says why, and takes
everything down again. It needs no root.

A FILE is a path, "-" for standard input, or the name of a shipped lab (labctl labs).
Every flag --some-flag can also be set as LABCTL_SOME_FLAG.

Exit codes: 0 yes; 1 the answer is no (an expectation failed); 2 usage or invalid lab, nothing was touched; 3 something could
not be done or was left behind; 4 this machine cannot do it (labctl doctor); 130 interrupted. exec passes the command's own.`,
		SilenceErrors: true, SilenceUsage: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			g.labGiven = cmd.Flags().Changed("lab")
			return errors.Join(fromEnvironment(cmd), g.check())
		},
	}
	root.PersistentFlags().StringVarP(&g.lab, "lab", "l", "", "the running lab; may be left out when there is one")
	root.PersistentFlags().StringVarP(&g.output, "output", "o", "table", "table, json or yaml")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w; see \"%s --help\"", plainFlag(err), cmd.CommandPath())
	})
	must(root.RegisterFlagCompletionFunc("lab", completeLabs))
	must(root.RegisterFlagCompletionFunc("output",
		cobra.FixedCompletions([]string{"table", "json", "yaml"}, cobra.ShellCompDirectiveNoFileComp)))
	for _, add := range append(fileVerbs, machineCommands()...) {
		root.AddCommand(add(g))
	}
	root.InitDefaultHelpCmd()
	strictHelp(root)
	root.InitDefaultCompletionCmd()
	plainArgs(root)
	markBegun(root)
	return root
}

// fileVerbs need no machine.
var fileVerbs = []func(*globals) *cobra.Command{labsCommand, initCommand, validateCommand, schemaCommand, planCommand,
	versionCommand}

// fromEnvironment sets the flags that were not given from LABCTL_*.
func fromEnvironment(cmd *cobra.Command) error {
	var errs []error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		name := "LABCTL_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		v, ok := os.LookupEnv(name)
		if !ok || f.Changed || f.Name == "help" {
			return
		}
		if err := cmd.Flags().Set(f.Name, v); err != nil {
			errs = append(errs, usagef("%s=%q: want %s", name, v, wantedBy(f)))
		}
	})
	return errors.Join(errs...)
}
