package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"labctl/cmd/labctl/supervisor"
	"labctl/topology"
)

func stepCommand(g *globals) *cobra.Command {
	var all, list bool
	cmd := &cobra.Command{
		Use:   "step",
		Short: "Walk through the steps of a running lab by hand, one at a time",
		Long: `Carry out the next step of a running lab's file and judge what it expects, and say which rules and which virtual switches stopped
the pings that did not get through. The lab stays as the step leaves it: look around, and
go on with "labctl step". "labctl up --reset" returns to the beginning.

Exit code 1 if something is not as the step expects.`,
		Args: cobra.NoArgs,
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
			var w supervisor.Walked
			events, done := progress()
			defer done()
			if err := c.Call(cmd.Context(), "step", supervisor.StepParams{Count: count}, &w, events); err != nil {
				return err
			}
			return g.printSteps(cmd, c.Instance, lab, w)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all steps that are left, up to one that fails")
	cmd.Flags().BoolVar(&list, "list", false, "list the steps and how far the lab is; change nothing")
	cmd.MarkFlagsMutuallyExclusive("all", "list")
	return cmd
}

func (g *globals) listSteps(cmd *cobra.Command, c *supervisor.Client, lab *topology.Lab) error {
	var d supervisor.Difference
	if err := c.Call(cmd.Context(), "differs", nil, &d, nil); err != nil {
		return err
	}
	type line struct {
		Step int    `json:"step"`
		Name string `json:"name"`
		Done bool   `json:"done"`
	}
	lines := []line{}
	for i, s := range lab.Steps {
		lines = append(lines, line{i + 1, s.Name, i < d.Step})
	}
	return g.print(cmd.OutOrStdout(), lines, func(w io.Writer) error {
		var rows [][]string
		for _, l := range lines {
			state := ""
			switch {
			case l.Done:
				state = "done"
			case l.Step == d.Step+1:
				state = "next"
			}
			rows = append(rows, []string{fmt.Sprint(l.Step), state, l.Name})
		}
		return columns(w, "STEP STATE NAME", rows)
	})
}

func (g *globals) printSteps(cmd *cobra.Command, instance string, lab *topology.Lab, walked supervisor.Walked) error {
	r := &verified{name: instance, lab: lab, result: supervisor.Verification{Steps: walked.Steps}}
	err := g.print(cmd.OutOrStdout(), walked, func(w io.Writer) error {
		got := r.measured()
		for i, s := range walked.Steps {
			r.printStep(w, s, got)
			if st := lab.Steps[walked.Done-len(walked.Steps)+i]; st.Note != "" {
				fmt.Fprintf(w, "  note: %s\n", st.Note)
			}
		}
		switch {
		case len(walked.Steps) == 0:
			fmt.Fprintf(w, "all %d steps are done; \"labctl up --reset\" returns to the beginning\n", walked.Total)
		case walked.Done < walked.Total:
			fmt.Fprintf(w, "\nstep %d of %d; next: %s\n", walked.Done, walked.Total, lab.Steps[walked.Done].Name)
		default:
			fmt.Fprintf(w, "\nstep %d of %d, the last\n", walked.Done, walked.Total)
		}
		return nil
	})
	if err == nil && !r.ok() {
		return errNo
	}
	return err
}
