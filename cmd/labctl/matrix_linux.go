package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
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
	With   string        `json:"with,omitempty"` // the options of the questions: df,size=1472
	Cells  []wire.Answer `json:"cells"`
}

// probes of "matrix".
var probes = []string{"ping", "ping6", "mtu", "mtu6", "tcp", "udp", "tcp6", "udp6", "arp", "answers", "route", "sees"}

// asked says what a matrix is to have.
type asked struct {
	from, to, at []string
	options      map[string][]string // of tables of the kind
}

// refuse says what is wrong with the flags, whatever the lab.
func (a asked) refuse(probe string) error {
	k := expect.KindOf(probe)
	switch {
	case !slices.Contains(probes, probe):
		return usagef("--probe %q is not a probe; there are %s%s", probe, strings.Join(probes, ", "),
			problem.Suggest(probe, probes))
	case a.at != nil && probe != "sees":
		return usagef("--at says who listens, which only --probe sees asks")
	case k.Ports && a.to == nil:
		return usagef("--probe %s asks for ports; name them: --to NODE:80", probe)
	}
	for name := range a.options {
		if k.Option(name) == nil {
			return usagef("--%s is not for --probe %s", name, probe)
		}
	}
	return nil
}

// setOption has a flag set an option of tables, if it is given.
func (a *asked) setOption(name string, values []string) {
	if len(values) == 0 {
		return
	}
	if a.options == nil {
		a.options = map[string][]string{}
	}
	a.options[name] = values
}

// title is a kind with the options that it is asked with.
func (a asked) title(kind string) string { return expect.Title(kind, a.options) }

func (a asked) table(lab *topology.Lab, kind string) (*expect.Table, error) {
	if kind == "sees" {
		return expect.NewVisibility(lab, a.title(kind), a.from, a.to, a.at)
	}
	title := a.title(kind)
	if option, value, wrong := expect.WrongOption(&expect.Resolver{Lab: lab}, title); wrong != "" {
		return nil, fmt.Errorf("--%s: %s", strings.TrimSpace(option+" "+value), wrong)
	}
	return expect.NewMatrix(lab, title, a.from, a.to)
}

// echoFlags are the flags that say what a ping's requests are like.
type echoFlags struct {
	size int
	df   bool
}

func (f *echoFlags) add(cmd *cobra.Command) {
	cmd.Flags().IntVarP(&f.size, "size", "s", 56,
		"bytes of payload, as of ping -s: the packet is 28 longer, by IPv6 48")
	cmd.Flags().BoolVar(&f.df, "df", false,
		"let nobody fragment the packet, as ping -M do; without it, one of a --size may be fragmented, as with -M "+
			"dont; by IPv6 only with --df=false, and by the sender")
}

// set has the flags that were given set options of tables.
func (f *echoFlags) set(cmd *cobra.Command, a *asked) error {
	if cmd.Flags().Changed("size") {
		if o := expect.KindOf("ping").Option("size"); f.size < o.Min || f.size > o.Max {
			return usagef("--size %d: want %s", f.size, o.Want)
		}
		a.setOption("size", []string{strconv.Itoa(f.size)})
	}
	if cmd.Flags().Changed("df") {
		a.setOption("df", []string{strconv.FormatBool(f.df)})
	}
	return nil
}

// with is the options of the questions, as these have them.
func (a asked) with(kind string) string {
	_, with, _ := strings.Cut(expect.Title(kind, a.options), ",")
	return with
}

func matrixCommand(g *globals) *cobra.Command {
	var probe string
	var a asked
	var echo echoFlags
	var listen, payload []string
	var kept, noTiming, noPromisc bool
	cmd := &cobra.Command{
		Use:   "matrix",
		Short: "Probe every node against every other and print the table",
		Long: `Probe every node that has an address against every other and print the table as a lab file takes it: paste it under
"ping: |". Each cell is a try from fresh neighbour tables, unless --kept. Below the table are the rules and virtual switches
that stopped what did not get through. On a terminal that is too narrow, the table comes in blocks of columns, which can be pasted
all the same.`,
		Example: "  labctl matrix\n  labctl matrix --probe sees --from h1 --to h2\n" +
			"  labctl matrix --probe tcp --to web:80,web:22\n  labctl matrix --from h1,h2",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a.setOption("listen", listen)
			a.setOption("payload", payload)
			if err := echo.set(cmd, &a); err != nil {
				return err
			}
			if noPromisc && probe != "sees" {
				return usagef("--no-promisc says how somebody listens, which only --probe sees asks")
			} else if noPromisc {
				a.setOption("promiscuous", []string{"false"})
			}
			if err := a.refuse(probe); err != nil {
				return err
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
			if err := g.print(cmd.OutOrStdout(), matrixDoc{1, lab, probe, a.with(probe), cells},
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
		"ping, ping6, mtu and mtu6 (the longest packet that gets through), "+
			"tcp, udp, tcp6 or udp6 (who may open a connection to a port of --to, whose datagram arrives), "+
			"arp (what the sender's table says after a try), answers (who answers ARP), route, or sees (who overhears "+
			"whom); arp, answers and route are about IPv4 only")
	cmd.Flags().StringSliceVar(&a.from, "from", nil, "only these senders")
	cmd.Flags().StringSliceVar(&a.to, "to", nil, "only these targets; NODE:PORT with --probe tcp and its like")
	echo.add(cmd)
	cmd.Flags().StringSliceVar(&a.at, "at", nil,
		"with --probe sees: only these listeners, NODE, NODE:IF or SWITCH:PORT; each is promiscuous meanwhile")
	cmd.Flags().BoolVar(&noPromisc, "no-promisc", false,
		"with --probe sees: who listens is not promiscuous, and hears what tcpdump -p would")
	cmd.Flags().StringSliceVar(&listen, "listen", nil,
		"with --probe tcp, udp and their like: who listens, real (the lab's own program) or NODE:PORT; if not given, "+
			"labctl does at the address that is asked")
	cmd.Flags().StringArrayVar(&payload, "payload", nil,
		"with --listen real and --probe udp or udp6: what the datagram carries, for the program to answer")
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
	base := strings.TrimSuffix(kind, "6")
	if !expect.KindOf(kind).Echo {
		base = "ping"
	}
	family, other, probe, flag := "IPv4", "IPv6", base+"6", "by IPv6 with -6"
	if expect.KindOf(kind).IPv6() {
		family, other, probe, flag = "IPv6", "IPv4", base, "by IPv4, without -6"
	}
	lacking := a.lacking(lab, kind)
	who, verb := strings.Join(lacking, ", "), "have"
	switch {
	case kind == "sees", expect.KindOf(kind).Ports: // asks each by what it has; a table says so itself
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
	if !expect.KindOf(kind).Echo {
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
		if v4, v6 := t.IP.IsValid(), t.IP6.IsValid(); v4 != v6 && v4 == expect.KindOf(kind).IPv6() {
			out = append(out, to)
		}
	}
	return out
}

// nothing says why there is nothing to ask.
func (a asked) nothing(lab *topology.Lab, kind string) error {
	family := map[string]string{"ping6": "an IPv6", "mtu6": "an IPv6", "sees": "an"}[kind]
	if family == "" {
		family = "an IPv4"
	}
	if expect.KindOf(kind).Ports {
		return errors.New("nothing to ask: nobody is left who could ask; name other nodes with --from")
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
