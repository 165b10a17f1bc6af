package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"labctl/cmd/labctl/client"
	"labctl/cmd/labctl/terminal"
	"labctl/cmd/labctl/wire"
	"labctl/topology/labfile"
	"labctl/topology/problem"
)

func stepCommand(g *globals) *cobra.Command {
	var all, list, goOn bool
	cmd := &cobra.Command{
		Use:   "step",
		Short: "Walk through the steps of a running lab by hand, one at a time",
		Long: `Carry out the next step of a running lab's file, judge what it expects, and say which rules and virtual switches stopped the
pings that did not get through. The lab stays as the step leaves it: look around, and go on with "labctl step". "labctl up --reset" returns to the beginning.

Exit code 1 if something is not as the step expects, if the step failed (an action could not be done, or what it waits for did not
come), or if a command in the background has died. A step that was begun is finished, also when this command is interrupted or killed:
"labctl step --list" says how far it is. A command of the step that still runs 10 s after that is ended, and the step has failed.
No step runs after a failed one unless you say --continue: exit code 3.`,
		Example: "  labctl step\n  labctl step --list\n  labctl step --all",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.running(cmd.Context())
			if err != nil {
				return err
			}
			lab, err := instanceLab(c.Instance)
			if err != nil {
				return err
			}
			if list {
				return g.listSteps(cmd, c, lab)
			}
			if len(lab.Steps) == 0 {
				return usagef("the file of %s has no steps", c.Instance)
			}
			count := 1
			if all {
				count = 0
			}
			events, done := progress()
			defer done()
			w, err := client.Call(cmd.Context(), c, wire.MethodStep, wire.StepParams{Count: count, Continue: goOn},
				events)
			if err != nil {
				return err
			}
			return g.printSteps(cmd, c.Instance, lab, w)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false,
		"all steps that are left, up to one that fails or finds something not as expected")
	cmd.Flags().BoolVar(&goOn, "continue", false, "go on after a step that failed")
	cmd.Flags().BoolVar(&list, "list", false, "list the steps and how far the lab is; change nothing")
	cmd.MarkFlagsMutuallyExclusive("all", "list")
	cmd.MarkFlagsMutuallyExclusive("continue", "list")
	return cmd
}

func (g *globals) listSteps(cmd *cobra.Command, c *client.Client, lab *labfile.File) error {
	d, err := client.Call(cmd.Context(), c, wire.MethodDiffers, wire.Nothing{}, nil)
	if err != nil {
		return err
	}
	type line struct {
		Step  int    `json:"step"`
		Name  string `json:"name"`
		Done  bool   `json:"done"` // walked through, however it ended
		State string `json:"state,omitempty"`
		At    string `json:"at,omitempty"`  // of a step that is under way or was broken off: the part of it
		Why   string `json:"why,omitempty"` // it was broken off
	}
	lines := []line{}
	for i, s := range lab.Steps {
		state := ""
		switch {
		case i < len(d.Outcomes):
			state = d.Outcomes[i]
		case i < d.Step:
			state = "done"
		case i == d.Step && d.Under != nil && d.Under.Error != "":
			state = "broken off"
		case i == d.Step && d.Under != nil:
			state = "under way"
		case i == d.Step:
			state = "next"
		}
		l := line{Step: i + 1, Name: s.Name, Done: i < d.Step, State: state}
		if i == d.Step && d.Under != nil {
			l.At, l.Why = d.Under.At, d.Under.Error
		}
		lines = append(lines, l)
	}
	return g.print(cmd.OutOrStdout(), lines, func(w io.Writer) error {
		var rows [][]string
		for _, l := range lines {
			rows = append(rows, []string{fmt.Sprint(l.Step), l.State, l.Name})
		}
		t := listing("STEP STATE NAME", rows)
		t.Prose = true
		if err := t.Write(w); err != nil {
			return err
		}
		if d.State != "running" && d.State != "" || d.Doing != "" {
			fmt.Fprintln(w, stateOf(d.Lab, d.State, d.Why, d.Doing))
		}
		if d.Under != nil && d.Under.Error != "" {
			fmt.Fprintln(w, d.Under)
		}
		return nil
	})
}

func (g *globals) printSteps(cmd *cobra.Command, instance string, lab *labfile.File, walked wire.Walked) error {
	if len(walked.Ended) > 0 {
		fmt.Fprintln(terminal.Stderr(), "labctl: warning:", endedWith(walked.Ended))
	}
	r := &verified{name: instance, lab: lab, result: wire.Verification{Steps: walked.Steps, Died: walked.Died}}
	err := g.print(cmd.OutOrStdout(), walked, func(w io.Writer) error {
		got := r.measured()
		for i, s := range walked.Steps {
			r.printStep(w, s, got)
			if st := lab.Steps[walked.Done-len(walked.Steps)+i]; st.Note != "" {
				fmt.Fprintf(w, "  note: %s\n", st.Note)
			}
		}
		r.printDied(w)
		switch {
		case len(walked.Steps) == 0:
			fmt.Fprintf(w, "all is done: %s; \"labctl up --reset\" returns to the beginning\n",
				problem.Count(walked.Total, "step"))
		case walked.Done < walked.Total && walked.Steps[len(walked.Steps)-1].Failed != "":
			fmt.Fprintf(w, "\nstep %d of %d, which failed; next, by \"labctl step --continue\": %s\n", walked.Done,
				walked.Total, lab.Steps[walked.Done].Name)
		case walked.Done < walked.Total:
			fmt.Fprintf(w, "\nstep %d of %d; next: %s\n", walked.Done, walked.Total, lab.Steps[walked.Done].Name)
		default:
			fmt.Fprintf(w, "\nstep %d of %d, the last\n", walked.Done, walked.Total)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case walked.Error != nil:
		return walked.Error
	case !r.ok():
		return errNo
	}
	return nil
}
