package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"labctl/topology/problem"
)

// plainArgs makes verbs say what they lack, where cobra counts, or calls an argument an unknown command.
func plainArgs(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		plainArgs(c)
	}
	if cmd.HasSubCommands() && cmd.HasParent() && !cmd.Runnable() {
		cmd.Args, cmd.RunE = cobra.ArbitraryArgs, needsVerb
		return
	}
	check := cmd.Args
	if check == nil || cmd.HasSubCommands() || cmd.Name() == "help" {
		return
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if check(cmd, args) == nil {
			return nil
		}
		return wrongArgs(cmd, args)
	}
}

// wrongArgs says which arguments are missing, or that there are too many, with an example.
func wrongArgs(cmd *cobra.Command, args []string) error {
	verb := strings.TrimPrefix(cmd.CommandPath(), "labctl ")
	given := quotedAll(args)
	needs, takes := argumentsOf(cmd.Use)
	switch {
	case len(args) < len(needs) && len(args) == 0:
		return usagef("%s needs %s%s", verb, problem.AndList(needs), exampleOf(cmd))
	case len(args) < len(needs):
		return usagef("%s %s lacks %s%s", verb, given, problem.AndList(needs[len(args):]),
			ownExample(cmd, args))
	case len(takes) == 0:
		return usagef("%s takes no arguments, and was given %s%s", verb, given, exampleOf(cmd))
	}
	return usagef("%s takes %s, and was given %s%s", verb, problem.AndList(takes), given, exampleOf(cmd))
}

func quotedAll(args []string) string {
	given := make([]string, len(args))
	for i, a := range args {
		given[i] = problem.Quoted(a)
	}
	return strings.Join(given, " ")
}

// exampleOf is the first example of a verb, after a colon. Examples may begin with the "labctl up LAB" that they need.
func exampleOf(cmd *cobra.Command) string {
	for line := range strings.SplitSeq(cmd.Example, "\n") {
		if text := strings.TrimSpace(line); strings.HasPrefix(text, cmd.CommandPath()) {
			return ": " + text
		}
	}
	return fmt.Sprintf("; see \"%s --help\"", cmd.CommandPath())
}

// ownExample is the first example of a verb with the arguments that were given in place of its own. It stays as it is
// where one of them would appear twice.
func ownExample(cmd *cobra.Command, args []string) string {
	example := exampleOf(cmd)
	words, first := strings.Split(example, " "), 1+len(strings.Fields(cmd.CommandPath()))
	for i, a := range args {
		if first+i >= len(words) || strings.HasPrefix(words[first+i], "-") || slices.Contains(words, a) {
			return example
		}
		words[first+i] = problem.ShellWord(a)
	}
	return strings.Join(words, " ")
}

// argumentsOf are the arguments that the usage line of a verb has: those that are needed, and all of them.
func argumentsOf(use string) (needs, takes []string) {
	words := strings.Fields(use)[1:]
	for i := 0; i < len(words); i++ {
		name := strings.TrimSuffix(words[i], "...")
		optional := strings.HasPrefix(name, "[")
		first := i
		for optional && !strings.HasSuffix(strings.TrimSuffix(words[i], "..."), "]") && i+1 < len(words) {
			i++
		}
		name = strings.Trim(name, "[]")
		switch {
		case name == "flags", name == "--", i > first: // a flag with its value
		case strings.HasPrefix(name, "-"):
			i++ // its value
		case optional:
			takes = append(takes, name)
		default:
			needs, takes = append(needs, name), append(takes, name)
		}
	}
	return needs, takes
}

// needsVerb is what a verb does that has verbs of its own, and was given none of them.
func needsVerb(cmd *cobra.Command, args []string) error {
	verb := strings.TrimPrefix(cmd.CommandPath(), "labctl ")
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	if len(args) == 0 {
		return usagef("%s needs a verb, %s%s", verb, orList(names), exampleOf(cmd))
	}
	return usagef("%s has no verb %s; it has %s%s", verb, problem.Quoted(args[0]), problem.AndList(names),
		problem.Suggest(args[0], names))
}

func orList(names []string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// What cobra notes of flags that belong together; it has no names for the second.
const (
	requiredFlag  = cobra.BashCompOneRequiredFlag
	exclusiveFlag = "cobra_annotation_mutually_exclusive"
)

// checkFlags says which flags are missing, and which exclude each other, as the rest of labctl says things.
func checkFlags(cmd *cobra.Command) error {
	var errs []error
	told := []string{}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Changed && len(f.Annotations[requiredFlag]) > 0 {
			errs = append(errs, usagef("%s needs --%s%s", strings.TrimPrefix(cmd.CommandPath(), "labctl "), f.Name,
				exampleOf(cmd)))
		}
		for _, group := range f.Annotations[exclusiveFlag] {
			given := slices.DeleteFunc(strings.Fields(group),
				func(name string) bool { g := cmd.Flags().Lookup(name); return g == nil || !g.Changed })
			if len(given) > 1 && !slices.Contains(told, group) {
				told = append(told, group)
				errs = append(errs, usagef("--%s exclude each other; give one of them",
					strings.Join(given, " and --")))
			}
		}
	})
	return errors.Join(errs...)
}
