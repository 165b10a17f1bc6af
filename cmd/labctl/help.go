package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"labctl/cmd/labctl/terminal"
	"labctl/topology/problem"
)

// helped makes help fit the terminal and list verbs by their groups, and makes "help" of a verb that is not there a
// mistake of usage: cobra prints the verbs that there are, and is content.
func helped(root *cobra.Command) {
	for _, g := range verbGroups {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
	}
	for _, c := range root.Commands() {
		for _, g := range verbGroups {
			if slices.Contains(g.verbs, c.Name()) {
				c.GroupID = g.id
			}
		}
		switch c.Name() {
		case "help":
			c.Args = helpArgs
			c.Use, c.Example = "help [VERB]...", "  labctl help up"
			c.Short = "Say what a verb does and which flags it has"
			c.Long = "Say what a verb does and which flags it has, as \"labctl VERB --help\" does."
		case "completion":
			c.Short = "Print what makes a shell complete verbs, labs, nodes and files"
			c.Long = "Print what makes a shell complete verbs, labs, nodes and files. In bash that needs the package " +
				"bash-completion:\nwithout it, bash says \"_get_comp_words_by_ref: command not found\"."
			c.Example = "  labctl completion bash > /etc/bash_completion.d/labctl"
		}
	}
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		io.WriteString(cmd.OutOrStdout(), helpText(cmd, terminal.HelpWidth(columnsOf(os.Stdout))))
	})
	root.SetUsageFunc(func(cmd *cobra.Command) error {
		_, err := io.WriteString(cmd.OutOrStderr(), helpText(cmd, terminal.HelpWidth(columnsOf(os.Stderr))))
		return err
	})
}

func helpArgs(cmd *cobra.Command, args []string) error {
	found, rest, err := cmd.Root().Find(args)
	switch {
	case err != nil || len(rest) > 0 && found.Runnable() && found.HasParent() && !found.Hidden:
		word := strings.Join(args, " ")
		return noVerb(cmd.Root(), word)
	case found.Hidden && found.RunE != nil:
		return found.RunE(found, nil)
	}
	return nil
}

// noVerb says that there is no such verb, and which was probably meant.
func noVerb(root *cobra.Command, word string) error {
	hint := "; \"labctl --help\" lists them"
	if near := problem.Suggest(word, verbNames(root)); near != "" {
		hint = near
	} else if looksLikePath(word) {
		hint = "; to build a lab: labctl up FILE"
	}
	return usagef("there is no verb %s%s", problem.Quoted(word), hint)
}

// plainUnknown says of a verb that is not there what the rest of labctl would say: cobra, which has no type for this
// error, lists what is near below each other.
func plainUnknown(root *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	text, unknown := strings.CutPrefix(err.Error(), "unknown command ")
	quoted, qerr := strconv.QuotedPrefix(text)
	word, uerr := strconv.Unquote(quoted)
	if !unknown || qerr != nil || uerr != nil {
		return err
	}
	return noVerb(root, word)
}

// verbNames are the verbs that there are.
func verbNames(root *cobra.Command) (names []string) {
	for _, c := range root.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	return names
}

// helpText is what help prints on a terminal of so many columns.
func helpText(cmd *cobra.Command, width int) string {
	var b strings.Builder
	text := cmd.Long
	if text == "" {
		text = cmd.Short + "."
	}
	b.WriteString(terminal.Wrap(text, width))
	fmt.Fprintf(&b, "\nUsage:\n%s", usage(cmd, width))
	if cmd.Example != "" {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	if cmd.HasParent() {
		listVerbs(&b, "Verbs", cmd.Commands(), width)
	} else {
		for _, g := range cmd.Groups() {
			listVerbs(&b, g.Title, inGroup(cmd, g.ID), width)
		}
		listVerbs(&b, "Others", inGroup(cmd, ""), width)
	}
	if flags := cmd.LocalFlags(); flags.HasAvailableFlags() {
		fmt.Fprintf(&b, "\nFlags:\n%s", unblank(flags.FlagUsagesWrapped(width)))
	}
	if flags := cmd.InheritedFlags(); flags.HasAvailableFlags() {
		fmt.Fprintf(&b, "\nFlags of all verbs:\n%s", unblank(flags.FlagUsagesWrapped(width)))
	}
	if cmd.HasAvailableSubCommands() {
		more := fmt.Sprintf("\"%s VERB --help\" says more of a verb.", cmd.CommandPath())
		b.WriteString("\n" + terminal.Wrap(more, width))
	}
	return b.String()
}

// usage is the usage line, broken with what follows further in.
func usage(cmd *cobra.Command, width int) string {
	line := cmd.UseLine()
	if cmd.HasAvailableSubCommands() {
		line = cmd.CommandPath() + " VERB [ARG]... [flags]"
	}
	parts := strings.Split(strings.TrimSuffix(terminal.Wrap(line, width-4), "\n"), "\n")
	return "  " + strings.Join(parts, "\n      ") + "\n"
}

// inGroup are the verbs of a group in its order; those of "" are in none.
func inGroup(root *cobra.Command, id string) (list []*cobra.Command) {
	order := []string{}
	for _, g := range verbGroups {
		order = append(order, g.verbs...)
	}
	for _, c := range root.Commands() {
		if c.GroupID == id {
			list = append(list, c)
		}
	}
	slices.SortStableFunc(list, func(a, b *cobra.Command) int {
		return slices.Index(order, a.Name()) - slices.Index(order, b.Name())
	})
	return list
}

// listVerbs lists the verbs that are to be seen, each with what it is for beside it.
func listVerbs(b *strings.Builder, title string, list []*cobra.Command, width int) {
	const column = 12
	first := true
	for _, c := range list {
		if c.Hidden {
			continue
		}
		if first {
			fmt.Fprintf(b, "\n%s:\n", title)
			first = false
		}
		text := strings.TrimSuffix(terminal.Wrap(c.Short, width-column-2), "\n")
		indented := strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", column+2))
		fmt.Fprintf(b, "  %-*s%s\n", column, c.Name(), indented)
	}
}

// unblank takes the blanks off the ends of lines.
func unblank(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}
