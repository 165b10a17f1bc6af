package main

import (
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"labctl/cmd/labctl/terminal"
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

// newRoot is the whole command tree.
func newRoot() *cobra.Command {
	g := &globals{}
	version := false
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
		Example:            "  labctl init\n  labctl up\n  labctl verify lab.yaml\n  labctl down",
		DisableSuggestions: true, SilenceErrors: true, SilenceUsage: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			g.labGiven = cmd.Flags().Changed("lab")
			if err := errors.Join(fromEnvironment(cmd), checkFlags(cmd), g.check()); err != nil {
				return err
			}
			g.dress(cmd)
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if version {
				return g.printVersion(cmd)
			}
			return cmd.Help()
		},
	}
	root.Flags().BoolVar(&version, "version", false, "print the version, as the verb does")
	root.PersistentFlags().StringVarP(&g.lab, "lab", "l", "", "the running lab; may be left out when there is one")
	root.PersistentFlags().StringVarP(&g.output, "output", "o", "table", "table, json or yaml")
	root.PersistentFlags().StringVar(&g.colour, "color", "auto", "auto, always or never; auto obeys NO_COLOR")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w%s", plainFlag(err), flagHint(cmd, err))
	})
	must(root.RegisterFlagCompletionFunc("lab", completeLabs))
	must(root.RegisterFlagCompletionFunc("output",
		cobra.FixedCompletions([]string{"table", "json", "yaml"}, cobra.ShellCompDirectiveNoFileComp)))
	must(root.RegisterFlagCompletionFunc("color",
		cobra.FixedCompletions(terminal.Modes, cobra.ShellCompDirectiveNoFileComp)))
	for _, add := range append(fileVerbs, machineCommands()...) {
		root.AddCommand(add(g))
	}
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	helped(root)
	root.AddCommand(triedCommands()...)
	plainArgs(root)
	markBegun(root)
	return root
}

// fileVerbs need no machine.
var fileVerbs = []func(*globals) *cobra.Command{labsCommand, initCommand, validateCommand, schemaCommand, planCommand,
	graphCommand, verifyCommand, versionCommand}

// fromEnvironment sets the flags that were not given from LABCTL_*.
func fromEnvironment(cmd *cobra.Command) error {
	var errs []error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		name := "LABCTL_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		v, ok := os.LookupEnv(name)
		if !ok || v == "" || f.Changed || f.Name == "help" || f.Name == "version" {
			return
		}
		if err := cmd.Flags().Set(f.Name, v); err != nil {
			errs = append(errs, usagef("%s=%q: want %s", name, v, wantedBy(f)))
		}
	})
	return errors.Join(errs...)
}
