package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"labctl/topology/problem"
)

// plainFlag says of a flag's value that cannot be read what it is to be, and not which function could not read it.
func plainFlag(err error) error {
	var bad *pflag.InvalidValueError
	if !errors.As(err, &bad) {
		return err
	}
	return fmt.Errorf("--%s %q: want %s", bad.GetFlag().Name, bad.GetValue(), wantedBy(bad.GetFlag()))
}

// flagHint says which flag of the verb was probably meant, or which other verbs have the one that was given.
func flagHint(cmd *cobra.Command, err error) string {
	see := fmt.Sprintf("; see \"%s --help\"", cmd.CommandPath())
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || len(unknown.GetSpecifiedName()) < 2 {
		return see
	}
	name := unknown.GetSpecifiedName()
	var flags, verbs []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { flags = append(flags, "--"+f.Name) })
	if near := problem.Suggest("--"+name, flags); near != "" {
		return near
	}
	for _, c := range cmd.Root().Commands() {
		if !c.Hidden && c.LocalFlags().Lookup(name) != nil {
			verbs = append(verbs, c.Name())
		}
	}
	if len(verbs) == 0 || len(verbs) > 3 {
		return see
	}
	return fmt.Sprintf("; it belongs to %s%s", problem.AndList(verbs), see)
}

// wantedBy is what the value of a flag is to be.
func wantedBy(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "bool":
		return "true or false"
	case "int", "count":
		return "a whole number"
	case "duration":
		return "a time, as 500ms or 2s"
	}
	return "another value" // a text can be anything, and is refused by its verb
}
