package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"labctl/cmd/labctl/client"
	"labctl/cmd/labctl/terminal"
	"labctl/cmd/labctl/wire"
	"labctl/topology"
	"labctl/topology/expect"
	"labctl/topology/problem"
)

// matrixDoc is what "matrix -o json" prints.
type matrixDoc struct {
	Format int           `json:"format"`
	Lab    string        `json:"lab"`
	Probe  string        `json:"probe"`
	Cells  []wire.Answer `json:"cells"`
}

// probes of "matrix".
var probes = []string{"ping", "ping6", "arp", "answers", "route", "sees"}

// asked says what a matrix is to have.
type asked struct {
	from, to, at []string
	noPromisc    bool // those who listen are not promiscuous
}

// title is a kind with the options that it is asked with.
func (a asked) title(kind string) string {
	if !a.noPromisc {
		return kind
	}
	return expect.Title(kind, map[string][]string{"promiscuous": {"false"}})
}

func (a asked) table(lab *topology.Lab, kind string) (*expect.Table, error) {
	if kind == "sees" {
		return expect.NewVisibility(lab, a.title(kind), a.from, a.to, a.at)
	}
	return expect.NewMatrix(lab, kind, a.from, a.to)
}

func matrixCommand(g *globals) *cobra.Command {
	var probe string
	var a asked
	var kept, noTiming bool
	cmd := &cobra.Command{
		Use:   "matrix",
		Short: "Probe every node against every other and print the table",
		Long: `Probe every node that has an address against every other and print the table as a lab file takes it: paste it under
"ping: |". Each cell is a try from fresh neighbour tables, unless --kept. Below the table are the rules and virtual switches
that stopped the pings that did not get through. On a terminal that is too narrow, the table comes in blocks of columns, which can be pasted
all the same.`,
		Example: "  labctl matrix\n  labctl matrix --probe sees --from h1 --to h2\n  labctl matrix --from h1,h2",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(probes, probe) {
				return usagef("--probe %q is not a probe; there are %s%s", probe, strings.Join(probes, ", "),
					problem.Suggest(probe, probes))
			}
			if a.at != nil && probe != "sees" {
				return usagef("--at says who listens, which only --probe sees asks")
			}
			if a.noPromisc && probe != "sees" {
				return usagef("--no-promisc says how somebody listens, which only --probe sees asks")
			}
			cells, lab, err := g.probe(cmd, probe, a, kept)
			if err != nil {
				return err
			}
			if noTiming {
				for i := range cells {
					cells[i].RTT = 0
				}
			}
			if err := g.print(cmd.OutOrStdout(), matrixDoc{1, lab, a.title(probe), cells},
				func(w io.Writer) error { return g.table(w, probe, a, cells) }); err != nil {
				return err
			}
			for _, c := range cells {
				if c.Outcome == "unknown" {
					return fmt.Errorf("some cells could not be asked; the first: %s -> %s: %s", c.From, c.To, c.Detail)
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&probe, "probe", "ping",
		"ping, ping6, arp (what the sender's table says after a try), answers (who answers ARP), route, or sees (who "+
			"overhears whom); arp, answers and route are about IPv4 only")
	cmd.Flags().StringSliceVar(&a.from, "from", nil, "only these senders")
	cmd.Flags().StringSliceVar(&a.to, "to", nil, "only these targets")
	cmd.Flags().StringSliceVar(&a.at, "at", nil,
		"with --probe sees: only these listeners, NODE, NODE:IF or SWITCH:PORT; each is promiscuous meanwhile")
	cmd.Flags().BoolVar(&a.noPromisc, "no-promisc", false,
		"with --probe sees: who listens is not promiscuous, and hears what tcpdump -p would")
	cmd.Flags().BoolVar(&kept, "kept", false, "forget no neighbour entries, and ask one pair after the other")
	cmd.Flags().BoolVar(&noTiming, "no-timing", false, "leave times out, so that two reports can be compared")
	must(cmd.RegisterFlagCompletionFunc("probe", cobra.FixedCompletions(probes, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

// probe asks a running lab for a matrix; the cells come row by row.
func (g *globals) probe(cmd *cobra.Command, kind string, a asked, kept bool) ([]wire.Answer, string, error) {
	c, err := g.running(cmd.Context())
	if err != nil {
		return nil, "", err
	}
	lab, err := instanceLab(c.Instance)
	if err != nil {
		return nil, "", err
	}
	if err := a.unknown(lab.Lab); err != nil {
		return nil, "", err
	}
	t, err := a.table(lab.Lab, kind)
	if hint := a.otherFamily(lab.Lab, kind, cmd.Name() == "ping"); hint != nil && (err != nil || len(t.Cells) == 0) {
		return nil, "", usageError{hint}
	}
	if err != nil {
		return nil, "", usageError{err}
	}
	p := wire.AskParams{Kept: kept}
	for _, cell := range t.Cells {
		p.Questions = append(p.Questions, cell.Question)
	}
	if len(p.Questions) == 0 {
		return nil, "", usageError{a.nothing(lab.Lab, kind)}
	}
	cells, err := g.ask(cmd, c, p)
	return cells, c.Instance, err
}

// ask puts questions to a running lab and shows its progress.
func (g *globals) ask(cmd *cobra.Command, c *client.Client, p wire.AskParams) ([]wire.Answer, error) {
	events, done := progress()
	defer done()
	return client.Call(cmd.Context(), c, wire.MethodAsk, p, events)
}

// unknown says which nodes there are, if one that was named is not among them.
func (a asked) unknown(lab *topology.Lab) error {
	for _, name := range slices.Concat(a.from, a.to, a.at) {
		node, _, _ := strings.Cut(name, ":")
		_, err := netip.ParseAddr(name)
		if err != nil && lab.Node(node) == nil && lab.Entry(name) == nil {
			return wire.UnknownNode(lab, name)
		}
	}
	return nil
}

// otherFamily says what to ask instead where targets have no address of the family that the kind asks by, but one of
// the other; nil if there are none. one: "ping" asks a single pair.
func (a asked) otherFamily(lab *topology.Lab, kind string, one bool) error {
	family, other, probe, flag := "IPv4", "IPv6", "ping6", "by IPv6 with -6"
	if kind == "ping6" {
		family, other, probe, flag = "IPv6", "IPv4", "ping", "by IPv4, without -6"
	}
	lacking := a.lacking(lab, kind)
	who, verb := strings.Join(lacking, ", "), "have"
	switch {
	case kind == "sees": // asks each by what it has
		return nil
	case a.to != nil && len(lacking) == 0:
		return nil
	case a.to == nil:
		t, err := expect.NewMatrix(lab, probe, a.from, nil)
		if err != nil || len(t.Cells) == 0 {
			return nil
		}
		who = "the nodes to be asked in " + lab.Name
	case len(lacking) == 1:
		verb = "has"
	}
	if one {
		return fmt.Errorf("nothing to ask: %s %s no %s address; ask %s", who, verb, family, flag)
	}
	if kind != "ping" && kind != "ping6" {
		return fmt.Errorf("nothing to ask: %s %s %s addresses only; --probe %s is about IPv4 only", who, verb, other,
			kind)
	}
	flag = "--probe " + probe
	if a.to != nil {
		flag += " --to " + strings.Join(lacking, ",")
	}
	return fmt.Errorf("%s %s no %s address; ask by %s with %s", who, verb, family, other, flag)
}

// lacking are the named targets that have addresses of the family alone by which the kind does not ask.
func (a asked) lacking(lab *topology.Lab, kind string) (out []string) {
	for _, to := range a.to {
		t, _ := lab.Target(to)
		if v4, v6 := t.IP.IsValid(), t.IP6.IsValid(); v4 != v6 && v4 == (kind == "ping6") {
			out = append(out, to)
		}
	}
	return out
}

// nothing says why there is nothing to ask.
func (a asked) nothing(lab *topology.Lab, kind string) error {
	family := map[string]string{"ping6": "an IPv6", "sees": "an"}[kind]
	if family == "" {
		family = "an IPv4"
	}
	if kind == "sees" && expect.AnyFlow(lab, a.from, a.to) {
		return errors.New("nothing to ask: nobody is left to listen, since the two ends of a flow are not listeners " +
			"unless they are named; name them, or others, with --at")
	}
	if len(a.from) == 1 && slices.Equal(a.from, a.to) {
		return fmt.Errorf("nothing to ask: %s does not ask itself; name another node", a.from[0])
	}
	return fmt.Errorf("nothing to ask: no two nodes that were named have %s address", family)
}

// table prints a measured matrix and its legend.
func (g *globals) table(w io.Writer, kind string, a asked, cells []wire.Answer) error {
	c, err := g.running(nil)
	if err != nil {
		return err
	}
	lab, err := instanceLab(c.Instance)
	if err != nil {
		return err
	}
	t, err := a.table(lab.Lab, kind)
	if err != nil {
		return err
	}
	at := map[*expect.Cell]string{}
	var words []string
	var why []reason
	for i, cell := range t.Cells {
		at[cell] = cells[i].Outcome
		words = append(words, cells[i].Outcome)
		why = append(why, reason{cell.Label(), cells[i].Causes})
	}
	columns := terminal.On(w).Columns
	text := expect.RenderWithin(t, func(c *expect.Cell) string { return at[c] }, columns)
	err = terminal.Paint(w, text, outcomeRules...)
	if l := reasons(why); l != "" {
		err = errors.Join(err, terminal.Paint(w, terminal.Comments(l, columns), causeRule))
	}
	if l := expect.Legend(a.title(kind), words); l != "" {
		err = errors.Join(err, terminal.Paint(w, "\n"+terminal.Comments(l, columns), asideRule))
	}
	return err
}
