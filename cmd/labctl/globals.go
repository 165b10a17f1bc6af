package main

import (
	"errors"
	"fmt"
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
}

// must ends the program over what only a mistake in it can bring about.
func must(err error) {
	if err != nil {
		panic(err) // only a flag that does not exist gets here, and tests would meet it
	}
}

// check refuses values that no verb knows.
func (g *globals) check() error {
	switch g.output {
	case "table", "json", "yaml":
		return nil
	}
	return usagef("--output %q: there are table, json and yaml", g.output)
}
