package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"labctl/cmd/labctl/terminal"
	"labctl/labs"
	"labctl/topology/labfile"
	"labctl/topology/plan"
	"labctl/topology/problem"
)

func labsCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:               "labs [NAME]",
		Short:             "List the shipped labs, or print one",
		Example:           "  labctl labs\n  labctl labs two-hosts",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeShipped,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				src, err := labs.Read(args[0])
				if err != nil {
					return usagef("no shipped lab is called %q%s", args[0], problem.Suggest(args[0], labs.Names()))
				}
				_, err = cmd.OutOrStdout().Write(src)
				return err
			}
			type doc struct {
				Name  string `json:"name"`
				About string `json:"about"`
				Nodes int    `json:"nodes"`
			}
			list := []doc{}
			for _, name := range labs.Names() {
				src, err := labs.Read(name)
				if err != nil {
					return err
				}
				lab, problems := labfile.Load(name+".yaml", src)
				if lab == nil {
					return problems
				}
				list = append(list, doc{name, lab.About, len(lab.Nodes)})
			}
			return g.print(cmd.OutOrStdout(), list, func(w io.Writer) error {
				var rows [][]string
				for _, d := range list {
					rows = append(rows, []string{d.Name, fmt.Sprint(d.Nodes), d.About})
				}
				t := listing("NAME NODES ABOUT", rows)
				t.Prose = true
				return t.Write(w)
			})
		},
	}
}

// problemsDoc is what "validate -o json" prints.
type problemsDoc struct {
	Format   int          `json:"format"`
	File     string       `json:"file"`
	OK       bool         `json:"ok"`
	Problems problem.List `json:"problems"`
}

func validateCommand(g *globals) *cobra.Command {
	var ask bool
	cmd := &cobra.Command{
		Use:   "validate [FILE]...",
		Short: "Check lab files; needs no privileges and no machine",
		Long: `Check lab files. Without --kernel this needs no privileges and no particular machine.

With --kernel, nft and iptables themselves are asked too: the rules of every node are loaded, as the file and each of its steps have
them, in namespaces that are gone afterwards. Nothing else of the lab is built. Exit code 4 where labs cannot run, or where a program
that loads the rules is not installed.`,
		Example:           "  labctl validate\n  labctl validate lab.yaml --kernel",
		ValidArgsFunction: completeFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				one, err := oneFile(nil)
				if err != nil {
					return err
				}
				args = []string{one}
			}
			var docs []problemsDoc
			var bad problem.List
			for _, a := range args {
				f, err := findFile(a)
				if err != nil {
					return err
				}
				lab, problems := labfile.Load(f.display, f.source)
				if lab != nil && ask {
					refused, err := askRules(cmd.Context(), f)
					if err != nil && len(refused) == 0 {
						return err
					}
					if problems = append(problems, refused...); len(refused) > 0 {
						lab = nil
					}
				}
				docs = append(docs, problemsDoc{1, f.display, lab != nil, append(problem.List{}, problems...)})
				if lab == nil {
					bad = append(bad, problems...)
				} else if g.output == "table" {
					if len(problems) > 0 {
						fmt.Fprintln(terminal.Stderr(), problems.Error())
					}
					fmt.Fprintf(cmd.OutOrStdout(), "%s: ok: %s, %s\n", f.display, problem.Count(len(lab.Nodes), "node"),
						problem.Count(len(lab.Steps), "step"))
				}
			}
			if g.output != "table" {
				var doc any = docs
				if len(docs) == 1 {
					doc = docs[0]
				}
				if err := g.print(cmd.OutOrStdout(), doc, nil); err != nil {
					return err
				}
				if len(bad) > 0 {
					return exitStatus(exitUsage)
				}
				return nil
			}
			if len(bad) > 0 {
				return bad
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&ask, "kernel", false, "ask nft and iptables too, in namespaces that are gone afterwards")
	return cmd
}

func schemaCommand(*globals) *cobra.Command {
	return &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of lab files, for editors",
		Example: "  labctl schema > labctl.schema.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(labfile.Schema())
			return err
		},
	}
}

func planCommand(g *globals) *cobra.Command {
	var as string
	cmd := &cobra.Command{
		Use:   "plan [FILE]",
		Short: "Print what up would do, as a shell script; of a running lab, how it differs from its file",
		Long: `Print every kernel change of "labctl up", in order, as a script that does the same where labctl is not installed:
"labctl plan FILE | sudo sh -e" builds the lab, except for its virtual switches, which labctl itself runs. Nothing is touched.

With -l LAB, which is running: list what was set by hand since, what "labctl reset" would change, and, after steps, what
"labctl up --reset" would, against the file as it was at the last "labctl up"; and say when it was edited since ("labctl up --dry-run"
says what that would change). What was changed inside nodes, not by labctl, is not looked at.`,
		Example:           "  labctl plan lab.yaml\n  labctl plan -l lab",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if g.lab != "" && len(args) == 0 {
				return g.differences(cmd)
			}
			file, err := oneFile(args)
			if err != nil {
				return err
			}
			_, lab, err := load(file)
			if _, missing := os.Stat(file); err != nil && missing != nil && isRunning(file) {
				return usagef("%s: no such file; of the running lab of that name: labctl plan -l %s", file, file)
			}
			if err != nil {
				return err
			}
			instance, err := instanceFor(lab, as)
			if err != nil {
				return err
			}
			planned := plan.New(lab.Lab, instance)
			type doc struct {
				Format   int      `json:"format"`
				Lab      string   `json:"lab"`
				Instance string   `json:"instance"`
				Commands []string `json:"commands"`
			}
			return g.print(cmd.OutOrStdout(), doc{1, lab.Name, instance, planned.Commands()}, func(w io.Writer) error {
				_, err := io.WriteString(script(w), planned.String())
				return err
			})
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "name the namespaces after this instead of the lab")
	return cmd
}

// script is where a script goes: as it is, unless a person looks at it.
func script(w io.Writer) io.Writer {
	if v, ok := w.(terminal.Writer); ok && !term.IsTerminal(int(os.Stdout.Fd())) {
		return v.W
	}
	return w
}
