package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"labctl/cmd/labctl/terminal"
	"labctl/topology/problem"
)

// Exit codes, a contract for scripts: see docs/cli.md.
const (
	exitYes         = 0
	exitNo          = 1 // the answer is no: an expectation failed
	exitUsage       = 2 // usage or invalid lab; nothing was touched
	exitFailed      = 3 // could not be done, or something was left behind
	exitUnsupported = 4 // this machine cannot do it
)

// errNo is "the answer is no", already printed.
var errNo = errors.New("no")

// exitStatus ends with the status of a command that ran in a node.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// usageError is a mistake on the command line.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// globals are the flags that every verb has.
type globals struct {
	lab      string
	labGiven bool // by -l, not by the environment
	output   string
	colour   string // one of terminal.Modes
}

// must ends the program over what only a mistake in it can bring about.
func must(err error) {
	if err != nil {
		panic(err) // only a flag that does not exist gets here, and tests would meet it
	}
}

// check refuses values that no verb knows.
func (g *globals) check() error {
	if formats := []string{"table", "json", "yaml"}; !slices.Contains(formats, g.output) {
		return usagef("--output %q: there are %s%s", g.output, problem.AndList(formats),
			problem.Suggest(g.output, formats))
	}
	if !slices.Contains(terminal.Modes, g.colour) {
		return usagef("--color %q: there are %s%s", g.colour, problem.AndList(terminal.Modes),
			problem.Suggest(g.colour, terminal.Modes))
	}
	return nil
}

// dress fits what a verb prints to the terminal that it is printed on.
func (g *globals) dress(cmd *cobra.Command) {
	v, ok := cmd.OutOrStdout().(terminal.Writer)
	if !ok {
		return
	}
	v.Screen.Columns = columnsOf(os.Stdout)
	isTerminal := term.IsTerminal(int(os.Stdout.Fd()))
	v.Screen.Colour = g.output == "table" && terminal.Coloured(g.colour, isTerminal, os.Getenv)
	cmd.SetOut(v)
}

// columnsOf is how wide the terminal is that a file is; 0: it is not one, or does not say.
func columnsOf(f *os.File) int {
	if width, _, err := term.GetSize(int(f.Fd())); err == nil {
		return width
	}
	return 0
}
