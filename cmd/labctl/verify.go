package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"labctl/cmd/labctl/terminal"
	"labctl/cmd/labctl/wire"
	"labctl/topology/problem"
)

type verifyFlags struct {
	junit                              string
	update, keep, require, noTiming, n bool
	jobs                               int
	allowRun, timing, quiet, model     bool
}

func verifyCommand(g *globals) *cobra.Command {
	var v verifyFlags
	cmd := &cobra.Command{
		Use:   "verify [LAB|FILE]...",
		Short: "Judge labs against the tables in their files",
		Long: `Judge every expectation of a lab. A lab that is running (LAB, -l, or the unchanged FILE it was brought up from, if that has no
steps) is judged as it is, without steps, and says so. Any other FILE is brought up under a name of its own, judged, walked
through its steps, and taken down again; --new always does so, for a LAB with its file; --update does so when given a FILE. Without an
argument or -l, ./lab.yaml is judged, or, where there is none, the running lab. A lab that is degraded is not judged (exit code 3), nor is
one that is at a step (exit code 2): "labctl step" judges the tables of steps. Below each table are the rules and virtual switches that
stopped the pings that did not get through, also where that was expected.

With --model nothing is built: a model of the kernel, and the real switch core, say what the lab would answer, on any system and without
privileges. What the model cannot decide is "undecided", with the reason below the table; docs/model.md has what it knows. FILEs are judged,
with -l the file of a running lab.

Exit code 0: everything is as the file says; 1: something is not; 4: skipped, this machine lacks what the lab needs, or, with --model, nothing
differs but some cells are undecided (1 with --require).`,
		Example: "  labctl verify lab.yaml\n  labctl verify -j 4 --junit report.xml labs/*.yaml\n" +
			"  labctl verify lab.yaml --update\n  labctl verify -q lab.yaml",
		ValidArgsFunction: completeFiles,
		RunE:              func(cmd *cobra.Command, args []string) error { return v.run(cmd, g, args) },
	}
	cmd.Flags().BoolVar(&v.model, "model", false, "judge by the model alone: nothing is built, no kernel is asked")
	cmd.Flags().StringVar(&v.junit, "junit", "", "also write a JUnit report to this file")
	cmd.Flags().BoolVar(&v.update, "update", false, "write what was measured into the file's tables")
	cmd.Flags().BoolVar(&v.keep, "keep", false, "leave a lab that failed up")
	cmd.Flags().BoolVar(&v.require, "require", false, "a kernel feature that is missing is a failure, not a skip")
	cmd.Flags().BoolVar(&v.noTiming, "no-timing", false, "leave times out, so that two reports can be compared")
	cmd.Flags().BoolVar(&v.timing, "timing", false,
		"also say where the time went, step by step, and why silence could not be proven where it was waited for")
	cmd.Flags().BoolVarP(&v.quiet, "quiet", "q", false,
		"say only what differs, a line each and a summary, and nothing if all is as expected; -o json is printed whole")
	cmd.Flags().BoolVar(&v.n, "new", false, "bring up a new instance even if the lab is running")
	cmd.Flags().IntVarP(&v.jobs, "jobs", "j", 1, "verify this many labs at once")
	cmd.Flags().BoolVar(&v.allowRun, "allow-run", false,
		"run the commands of a lab file that comes from standard input")
	return cmd
}

func (v *verifyFlags) run(cmd *cobra.Command, g *globals, args []string) error {
	if v.junit != "" {
		if st, err := os.Stat(filepath.Dir(v.junit)); err != nil || !st.IsDir() {
			return usagef("--junit %s: there is no directory %s", v.junit, filepath.Dir(v.junit))
		}
	}
	if v.model {
		return v.byModel(cmd, g, args)
	}
	return v.byKernel(cmd, g, args)
}

// lacking reports whether an error says that this machine cannot do it.
func lacking(err error) bool {
	var f *wire.Failure
	var classed interface{ ExitCode() int }
	return errors.As(err, &f) && f.Class == wire.Unsupported ||
		errors.As(err, &classed) && classed.ExitCode() == exitUnsupported
}

// finish writes the reports that are about all labs together, and gives the answer.
func (v *verifyFlags) finish(cmd *cobra.Command, g *globals, all []*verified) error {
	var errs []error
	if g.output != "table" {
		errs = append(errs, g.print(cmd.OutOrStdout(), v.document(all), nil))
	} else if len(all) > 1 {
		v.printAll(cmd.OutOrStdout(), all)
	}
	if v.junit != "" {
		errs = append(errs, writeJUnit(v.junit, all, v))
	}
	no, skipped, undecided := false, "", 0
	for _, r := range all {
		if r.note != "" && (!v.quiet || v.keep) {
			fmt.Fprintln(terminal.Stderr(), r.note)
		}
		if v.update && r.err == nil && r.skipped == "" {
			errs = append(errs, v.writeBack(r))
		}
		annotate(r)
		switch {
		case v.require && lacking(r.err):
			fmt.Fprintln(terminal.Stderr(), "labctl:", whose(all, r, r.err.Error()))
			no = true
		case r.err != nil:
			errs = append(errs, r.err)
		case r.skipped != "":
			skipped = whose(all, r, r.skipped)
		case !r.ok() || v.require && r.undecided() > 0:
			no = true
		default:
			undecided += r.undecided()
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if no && !v.update {
		return errNo
	}
	if skipped != "" {
		return &wire.Failure{Class: wire.Unsupported,
			Message: "skipped, because this machine lacks what the lab needs: " + skipped}
	}
	if undecided > 0 {
		return &wire.Failure{Class: wire.Unsupported, Message: fmt.Sprintf("the model cannot decide %s; "+
			"without --model the kernel does", problem.Count(undecided, "cell"))}
	}
	return nil
}
