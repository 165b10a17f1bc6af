package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"labctl/cmd/labctl/wire"
	"labctl/topology/expect"
	"labctl/topology/labfile"
	"labctl/topology/model"
)

// byTheModel is the first line of a report that no kernel has had a part in.
const byTheModel = "# by the model: nothing was built, no kernel was asked"

// byModel judges labs by the model alone.
func (v *verifyFlags) byModel(cmd *cobra.Command, g *globals, args []string) error {
	for _, f := range []string{"update", "keep", "new", "timing"} {
		if cmd.Flags().Changed(f) {
			return usagef("--%s is about a lab in the kernel, and --model builds none; leave one of them out", f)
		}
	}
	args, err := g.modelArgs(args)
	if err != nil {
		return err
	}
	all := make([]*verified, len(args))
	for i, arg := range args {
		began := time.Now()
		r := &verified{arg: arg}
		r.err = v.modelled(g, r)
		r.took = time.Since(began)
		all[i] = r
		if g.output == "table" && v.quiet {
			v.printDiffering(cmd.OutOrStdout(), r)
		} else if g.output == "table" {
			v.print(cmd.OutOrStdout(), r)
		}
	}
	return v.finish(cmd, g, all)
}

// modelArgs are the labs that are judged: those that are named, else the running one that -l names, else lab.yaml.
func (g *globals) modelArgs(args []string) ([]string, error) {
	switch {
	case len(args) > 0 && g.lab != "" && g.labGiven:
		return nil, usagef("which lab? -l %s and %s; name FILEs, or a running lab by -l", g.lab,
			strings.Join(args, " "))
	case len(args) > 0:
		return args, nil
	case g.lab != "":
		return []string{g.lab}, nil
	}
	one, err := oneFile(nil)
	return []string{one}, err
}

// modelled judges one lab. Its error is that it could not be judged.
func (v *verifyFlags) modelled(g *globals, r *verified) (err error) {
	if g.lab == r.arg {
		r.file, r.lab, err = v.loadRunning(r.arg)
	} else {
		r.file, r.lab, err = v.load(r.arg)
	}
	if err != nil {
		return err
	}
	waits := slices.ContainsFunc(r.lab.Steps, func(s *labfile.Step) bool { return s.Wait != nil })
	if len(cellsOf(r.lab)) == 0 && !waits {
		return usagef("%s: the file expects nothing, so there is nothing to judge; write what you expect under "+
			"\"expect\"", r.file.display)
	}
	steps, err := model.Verify(r.lab, false)
	if err != nil {
		return fmt.Errorf("%s: %w", r.file.display, err)
	}
	for _, s := range steps {
		r.result.Steps = append(r.result.Steps, wire.StepVerdicts{Step: s.Step, Failed: s.Failed,
			Wait: modelTables(s.Wait), Tables: modelTables(s.Tables)})
	}
	return nil
}

func modelTables(tables []model.Table) []wire.TableVerdicts {
	out := []wire.TableVerdicts{}
	for _, t := range tables {
		tv := wire.TableVerdicts{Kind: t.Table.Kind, With: t.Table.With, Line: t.Table.Pos.Line}
		for _, c := range t.Cells {
			tv.Cells = append(tv.Cells, wire.Verdict{Question: c.Question.String(), Case: c.Case, Judged: c.Cell.Judged,
				OK: c.OK, Want: c.Cell.Want.Text, Got: c.Got, Detail: c.Detail, Undecided: string(c.Doubt.Reason),
				Line: c.Cell.Pos.Line, Col: c.Cell.Pos.Col})
		}
		out = append(out, tv)
	}
	return out
}

// undecidedIn says below a table which of its cells are undecided, and why, those with one reason on one line.
func undecidedIn(t *expect.Table, got map[*expect.Cell]wire.Verdict) string {
	var order []string
	cells := map[string][]string{}
	for _, c := range t.Cells {
		v := got[c]
		if v.Undecided == "" {
			continue
		}
		why := cmp.Or(v.Detail, v.Undecided)
		if cells[why] == nil {
			order = append(order, why)
		}
		cells[why] = append(cells[why], c.Label())
	}
	var b strings.Builder
	for i, why := range order {
		if i == maxReasons {
			fmt.Fprintf(&b, "# and %d more (-o json)\n", len(order)-maxReasons)
			break
		}
		fmt.Fprintf(&b, "# %s: undecided: %s\n", firstPairs(cells[why]), why)
	}
	return b.String()
}
