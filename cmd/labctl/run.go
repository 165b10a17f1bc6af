// Command labctl builds network labs from one YAML file, probes them, judges them against the file, and takes them
// down.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"

	"labctl/cmd/labctl/terminal"
	"labctl/topology/problem"
)

func run(args []string) int {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, endingSignals()...)
	defer signal.Stop(signals)
	l := &leaving{grace: grace, oneWish: oneWish, say: sayOnTerminal}
	return l.run(func(ctx context.Context) int {
		root := newRoot()
		root.SetArgs(args)
		out := &output{w: os.Stdout}
		root.SetOut(terminal.Writer{W: out})
		root.SetErr(terminal.Stderr())
		err := plainUnknown(root, root.ExecuteContext(ctx))
		return report(out.lost(err), ctx)
	}, signals)
}

// output is standard output. What could not be written is an error of the verb, whoever forgot to look.
type output struct {
	w   io.Writer
	mu  sync.Mutex
	err error // the first
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(b)
	o.err = err
	return n, err
}

// lost is what a verb ends with when its answer may not have been heard: neither yes nor no.
func (o *output) lost(err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil || err != nil && !errors.Is(err, errNo) {
		return err
	}
	return began{fmt.Errorf("the answer could not be written: %w", o.err)}
}

// began marks an error of a verb's own. All others are of cobra, which has no types for them, and are about the command
// line.
type began struct{ error }

func (b began) Unwrap() error { return b.error }

// report prints an error for a person and gives it its exit code.
func report(err error, ctx context.Context) int {
	var classed interface{ ExitCode() int }
	var problems problem.List
	var status exitStatus
	var usage usageError
	var own began
	switch {
	case err == nil:
		return exitYes
	case errors.As(err, &status):
		return int(status)
	case errors.Is(err, errNo):
		return exitNo
	case ctx.Err() != nil && !errors.As(err, &problems):
		fmt.Fprintln(terminal.Stderr(), "labctl:", interruptedBy(err))
		return exitInterrupted
	}
	code := exitFailed
	switch {
	case errors.As(err, &problems):
		annotateProblems(problems)
		fmt.Fprintln(terminal.Stderr(), err)
		return exitUsage
	case errors.As(err, &usage) || !errors.As(err, &own):
		code = exitUsage
	case errors.As(err, &classed):
		code = classed.ExitCode()
	}
	fmt.Fprintln(terminal.Stderr(), "labctl:", err)
	return code
}
