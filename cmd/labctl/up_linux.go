package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"labctl/cmd/labctl/client"
	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/terminal"
	"labctl/cmd/labctl/wire"
	"labctl/topology/labfile"
	"labctl/topology/plan"
	"labctl/topology/problem"
)

func upCommand(g *globals) *cobra.Command {
	var as string
	var foreground, allowRun, reset, dry, script bool
	cmd := &cobra.Command{
		Use:   "up [FILE]",
		Short: "Bring a lab up, or make a running one what its file says now",
		Long: `Bring a lab up and return when it is ready. On a lab that is up already, change only what differs and say what: other
nodes keep their namespaces, counters and processes; what was begun is finished, also when this command is interrupted. On one that is
degraded, because its supervisor was killed or a change ended midway, heal it: what is not known to be whole is rebuilt, and steps walked
through and what was set by hand stay.

With --dry-run: say in words what it would change, and touch nothing: exit code 0 if that is nothing, 1 if it is something. With --script
too: the kernel operations instead. For a lab that is not up, that is everything; for one to be healed, only what is broken. What was set
by hand is kept, as "up" keeps it.`,
		Example:           "  labctl up lab.yaml\n  labctl up two-hosts --as second\n  labctl up lab.yaml --dry-run",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := oneFile(args)
			if err != nil {
				return err
			}
			f, lab, err := load(file)
			if err != nil {
				return err
			}
			s, err := start(f, lab, as, allowRun)
			if err != nil {
				return err
			}
			if g.lab != "" && g.labGiven && g.lab != s.Instance {
				return usagef("up takes the lab's name from its file, %s, or from --as; -l %s is neither", s.Instance,
					g.lab)
			}
			s.Reset, s.Tied, s.Interrupted = reset, foreground,
				func() { leavingOf(cmd.Context()).takingDown(s.Instance) }
			if dry {
				return g.dryRun(cmd, s, script)
			}
			if script {
				return usagef("--script goes with --dry-run; \"labctl plan FILE\" prints the script that builds a " +
					"lab from nothing")
			}
			if reset && instance.Alive(s.Instance) {
				if err := client.Down(cmd.Context(), s.Instance, false); err != nil {
					return err
				}
			}
			events, done := progress()
			began := time.Now()
			c, applied, err := client.Up(cmd.Context(), s, events)
			done()
			if err != nil {
				return err
			}
			if err := printUp(g, cmd, s, c, applied, time.Since(began)); err != nil || !foreground {
				return err
			}
			return stay(cmd.Context(), s.Instance)
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "bring it up under this name, beside others of the same file")
	cmd.Flags().BoolVar(&foreground, "foreground", false, "stay, and take the lab down on Ctrl-C")
	cmd.Flags().BoolVar(&allowRun, "allow-run", false, "run the commands of a lab file that comes from standard input")
	cmd.Flags().BoolVar(&reset, "reset", false,
		"rebuild the lab instead of changing or healing the one that is there")
	cmd.Flags().BoolVar(&dry, "dry-run", false,
		"say what would change, and touch nothing; exit code 1 if that is something")
	cmd.Flags().BoolVar(&script, "script", false, "with --dry-run: the kernel operations, as a shell script")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "foreground")
	return cmd
}

// start checks what may be brought up under which name.
func start(f *labFile, lab *labfile.File, as string, allowRun bool) (client.Start, error) {
	instance, err := instanceFor(lab, as)
	if err != nil {
		return client.Start{}, err
	}
	s := client.Start{Instance: instance, File: f.identity, Lab: lab}
	if !f.fromDisk && !allowRun {
		if who := runsCommands(lab); who != "" {
			return s,
				usagef("%s: %s runs commands, with your rights on this machine's files, and the lab did not come "+
					"from a file; read it, then use --allow-run", f.display, who)
		}
	}
	return s, nil
}

// runsCommands names the first node or step of a lab that has commands of the file run; "" if none has.
func runsCommands(lab *labfile.File) string {
	for _, n := range lab.Nodes {
		if len(n.Run) > 0 {
			return "node " + n.Name
		}
	}
	for _, st := range lab.Steps {
		if slices.ContainsFunc(st.Do, func(a labfile.Action) bool {
			_, runs := a.What.(*labfile.RunAction)
			return runs
		}) {
			return fmt.Sprintf("step %q", st.Name)
		}
	}
	return ""
}

// upDoc is what "up -o json" prints.
type upDoc struct {
	Format  int           `json:"format"`
	Lab     string        `json:"lab"`
	PID     int           `json:"pid"`
	Changes []plan.Change `json:"changes"`
	Healed  bool          `json:"healed,omitempty"`
	Rebuilt bool          `json:"rebuilt,omitempty"`
	Broken  string        `json:"broken,omitempty"`
	Ended   []string      `json:"ended,omitempty"` // like those above, see wire.Applied
}

func printUp(g *globals, cmd *cobra.Command, s client.Start, c *client.Client, a *wire.Applied,
	took time.Duration) error {
	doc := upDoc{1, s.Instance, c.PID, a.Changes, a.Healed, a.Rebuilt, a.Broken, a.Ended}
	if doc.Changes == nil {
		doc.Changes = []plan.Change{}
	}
	if g.output != "table" {
		return g.print(cmd.OutOrStdout(), doc, nil)
	}
	w := terminal.Stderr() // a person reads this; scripts take -o json
	switch {
	case a.Rebuilt:
		fmt.Fprintf(w, "%s was degraded, with nothing that could be kept, and is rebuilt: %s, ready in %.2f s\n",
			s.Instance, problem.Count(len(s.Lab.Nodes), "node"), took.Seconds())
	case a.Healed:
		for _, ch := range a.Changes {
			fmt.Fprintf(w, "  %s: %s\n", ch.Node, ch.What)
		}
		fmt.Fprintf(w, "%s was degraded and is healed: %s, ready in %.2f s\n", s.Instance,
			problem.Count(len(s.Lab.Nodes), "node"), took.Seconds())
	case a.Changes == nil:
		fmt.Fprintf(w, "%s is up: %s, ready in %.2f s\n", s.Instance, problem.Count(len(s.Lab.Nodes), "node"),
			took.Seconds())
	case len(a.Changes) == 0:
		fmt.Fprintf(w, "%s is up and its file has not changed; nothing to change\n", s.Instance)
	default:
		for _, ch := range a.Changes {
			fmt.Fprintf(w, "  %s: %s\n", ch.Node, ch.What)
		}
		fmt.Fprintf(w, "%s changed, ready in %.2f s\n", s.Instance, took.Seconds())
	}
	if a.Broken != "" {
		fmt.Fprintf(w, "  %s\n", a.Broken)
	}
	for _, k := range a.Kept {
		fmt.Fprintf(w, "  kept, set by hand: %s\n", k)
	}
	if len(a.Ended) > 0 {
		fmt.Fprintf(w, "  %s\n", endedWith(a.Ended))
	}
	return nil
}

// endedWith says which actions of steps a killed supervisor took with it.
func endedWith(actions []string) string {
	return fmt.Sprintf("ended when the lab broke or was healed, and not started again: %s; \"labctl up --reset\" "+
		"starts over", strings.Join(actions, ", "))
}

// stay waits for Ctrl-C, or for the lab to go away by itself, and leaves nothing up.
func stay(ctx context.Context, name string) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			defer leavingOf(ctx).takingDown(name)()
			return client.Down(context.WithoutCancel(ctx), name, false)
		case <-tick.C:
			if !instance.Alive(name) {
				return fmt.Errorf("%s went away", name)
			}
		}
	}
}
