package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"labctl/cmd/labctl/client"
	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/wire"
	"labctl/topology/plan"
	"labctl/topology/problem"
)

// dryRun says what up would change. Something is exit code 1.
func (g *globals) dryRun(cmd *cobra.Command, s client.Start, script bool) error {
	f, err := client.Foresee(cmd.Context(), s)
	if err != nil {
		return err
	}
	err = g.print(cmd.OutOrStdout(), f, func(w io.Writer) error {
		if script {
			_, err := fmt.Fprintf(w, "#!/bin/sh -e\n# lab %s: every kernel change of this \"labctl up\", in order\n%s",
				s.Lab.Name, strings.Join(append(f.Commands, ""), "\n"))
			return err
		}
		printForeseen(w, s, f)
		return nil
	})
	if err == nil && !f.Nothing() {
		return errNo
	}
	return err
}

func printForeseen(w io.Writer, s client.Start, f wire.Foreseen) {
	for _, ch := range f.Changes {
		fmt.Fprintf(w, "  %s: %s\n", ch.Node, ch.What)
	}
	switch {
	case f.Nothing():
		fmt.Fprintf(w, "%s is up as its file says; nothing to change\n", f.Lab)
	case f.Build && f.State == "down":
		fmt.Fprintf(w, "%s is not up; up would build it: %s\n", f.Lab, problem.Count(len(s.Lab.Nodes), "node"))
	case f.Build:
		fmt.Fprintf(w, "%s is %s; up would take down what there is of it and build it from nothing: %s\n", f.Lab,
			f.State, problem.Count(len(s.Lab.Nodes), "node"))
	case f.State == "degraded" && f.Why != "":
		fmt.Fprintf(w, "%s is degraded: %s; up would heal it\n", f.Lab, f.Why)
	case f.State == "degraded":
		fmt.Fprintf(w, "%s is degraded, its supervisor was killed; up would heal it\n", f.Lab)
	default:
		fmt.Fprintf(w, "up would change %s so\n", f.Lab)
	}
	for _, k := range f.Kept {
		fmt.Fprintf(w, "  kept, set by hand: %s\n", k)
	}
	if len(f.Ended) > 0 {
		fmt.Fprintf(w, "  %s\n", endedWith(f.Ended))
	}
}

// differs is what "plan -l LAB -o json" prints.
type differs struct {
	wire.Difference
	// when the file was changed, if it is not what the last up was given any more
	Edited *time.Time `json:"edited,omitempty"`
	Gone   bool       `json:"gone,omitempty"` // the file is not there any more
}

// differences lists how a running lab differs from its file as it was at the last up.
func (g *globals) differences(cmd *cobra.Command) error {
	c, err := g.running(cmd.Context())
	if err != nil {
		return err
	}
	var d differs
	if d.Difference, err = client.Call(cmd.Context(), c, wire.MethodDiffers, wire.Nothing{}, nil); err != nil {
		return err
	}
	if err := d.compare(); err != nil {
		return err
	}
	return g.print(cmd.OutOrStdout(), d, func(w io.Writer) error {
		d.print(w)
		return nil
	})
}

// compare looks whether the file is still what it was.
func (d *differs) compare() error {
	if !strings.HasPrefix(d.File, "/") {
		return nil // standard input, or a shipped lab
	}
	was, err := instance.Source(d.Lab)
	if err != nil {
		return err
	}
	st, err := os.Stat(d.File)
	if os.IsNotExist(err) {
		d.Gone = true
		return nil
	}
	if err != nil {
		return err
	}
	if now, err := readLimited(d.File); err != nil || string(now) != string(was) {
		at := st.ModTime()
		d.Edited = &at
	}
	return nil
}

func (d *differs) print(w io.Writer) {
	if d.State != "running" && d.State != "" || d.Doing != "" {
		fmt.Fprintln(w, stateOf(d.Lab, d.State, d.Why, d.Doing))
	}
	if u := d.Under; u != nil && u.Error != "" {
		fmt.Fprintln(w, u)
	}
	file := displayOf(d.File)
	if d.File == "-" {
		file = "standard input"
	}
	if len(d.Changes) == 0 && d.Step == 0 && len(d.Set) == 0 && d.State == "running" && d.Doing == "" {
		fmt.Fprintf(w,
			"%s is as %s was at the last \"labctl up\"; what was changed inside nodes, not by labctl, is not looked "+
				"at (labctl up --reset)\n", d.Lab, file)
	} else {
		fmt.Fprintf(w, "%s against %s as it was at the last \"labctl up\":\n", d.Lab, file)
	}
	if d.Step > 0 {
		fmt.Fprintf(w, "walked through by hand: %s\n", problem.Count(d.Step, "step"))
	}
	for _, s := range d.Set {
		fmt.Fprintf(w, "set by hand: %s\n", s)
	}
	changes := func(verb string, list []plan.Change) {
		for _, ch := range list {
			fmt.Fprintf(w, "%s would change %s: %s\n", verb, ch.Node, ch.What)
		}
	}
	changes("reset", d.Reset)
	if d.Step > 0 { // else it is the same
		changes("up --reset", d.Changes)
	}
	switch {
	case d.Edited != nil:
		fmt.Fprintf(w, "%s was edited since, at %s; \"%s --dry-run\" says what that would change\n", file,
			d.Edited.Local().Format("2006-01-02 15:04:05"), upAgain(d.Lab))
	case d.Gone:
		fmt.Fprintf(w, "%s is not there any more\n", file)
	}
}
