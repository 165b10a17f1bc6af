package main

import (
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"labctl/cmd/labctl/client"
	"labctl/cmd/labctl/terminal"
	"labctl/cmd/labctl/wire"
	"labctl/topology/expect"
)

func lsCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "ls",
		Short: "List the labs that are up, and those that are broken",
		Long: `List your labs that are up, and those that are broken. Labs belong to the user who brought them up: an ordinary user does not
see root's, and root does not see those of other users.`,
		Example: "  labctl ls",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := client.List(cmd.Context())
			if err != nil {
				return err
			}
			return g.print(cmd.OutOrStdout(), list, func(w io.Writer) error {
				var rows [][]string
				for _, s := range list {
					pid := ""
					if s.PID > 0 {
						pid = strconv.Itoa(s.PID)
					}
					state := s.State
					for _, more := range []string{s.Why, s.Doing} {
						if more != "" {
							state += " (" + more + ")"
						}
					}
					rows = append(rows, []string{s.Lab, strconv.Itoa(s.Nodes), state, pid, displayOf(s.File)})
				}
				return columns(w, "LAB NODES STATE PID FILE", rows)
			})
		},
	}
}

// stateOf is a line about a lab that is not at rest, or not whole.
func stateOf(lab, state, why, doing string) string {
	s := lab + " is " + state
	if why != "" {
		s += ": " + why
	}
	if state == "degraded" && why != "" {
		s += fmt.Sprintf("; \"%s\" heals it", upAgain(lab))
	}
	if doing != "" {
		s += "; under way: " + doing
	}
	return s
}

func inspectCommand(g *globals) *cobra.Command {
	whole := false
	cmd := &cobra.Command{
		Use:   "inspect [NODE]...",
		Short: "Show a lab's nodes and interfaces as the kernel has them",
		Long: `Show a lab's nodes and interfaces as the kernel has them. STATE is the operational state as ip-link(8) calls it: up, down,
lowerlayerdown (an interface below it has no carrier), dormant or unknown.

With --state, write everything that decides what becomes of a packet in the lab, of all nodes, as JSON. Two readings of labs
that are alike are the same text. docs/state.md says what is in it.`,
		Example:           "  labctl inspect\n  labctl inspect h1 h2\n  labctl inspect --state > lab.json",
		ValidArgsFunction: completeNodes(g, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.running(cmd.Context())
			if err != nil {
				return err
			}
			if whole {
				return printState(g, cmd, c, args)
			}
			doc, err := client.Call(cmd.Context(), c, wire.MethodInspect, wire.NodesParams{Nodes: args}, nil)
			if err != nil {
				return err
			}
			doc.PID = c.PID // the supervisor itself knows only its number in its own PID namespace
			return g.print(cmd.OutOrStdout(), doc, func(w io.Writer) error {
				var rows [][]string
				for _, n := range doc.List {
					for k, i := range n.Interfaces {
						name, kind, ns := n.Name, n.Kind, n.Netns
						if k > 0 {
							name, kind, ns = "", "", ""
						}
						mtu := ""
						if i.MTU > 0 {
							mtu = strconv.Itoa(i.MTU)
						}
						rows = append(rows, []string{name, kind, ns, i.Name, i.State, mtu, i.MAC,
							strings.Join(i.Addrs, ","), i.Peer})
					}
				}
				t := listing("NODE KIND NETNS INTERFACE STATE MTU MAC ADDRESSES PEER", rows)
				t.Keys = []string{"NODE", "INTERFACE"}
				if err := t.Write(w); err != nil {
					return err
				}
				if doc.Why != "" || doc.Doing != "" {
					fmt.Fprintf(w, "\n%s\n", stateOf(doc.Lab, doc.State, doc.Why, doc.Doing))
				}
				for _, n := range doc.List {
					for _, d := range n.Died {
						fmt.Fprintf(w, "\na command in the background died:\n%s", indent(d.String()+"\n"))
					}
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&whole, "state", false, "everything that decides what becomes of a packet, as JSON")
	return cmd
}

// printState writes the state of a running lab. It has no other form than JSON and YAML.
func printState(g *globals, cmd *cobra.Command, c *client.Client, nodes []string) error {
	if len(nodes) > 0 {
		return wire.Usagef("--state is about the whole lab: a node alone says nothing of where its cables lead")
	}
	s, err := client.Call(cmd.Context(), c, wire.MethodState, wire.Nothing{}, nil)
	if err != nil {
		return err
	}
	return g.print(cmd.OutOrStdout(), s, func(w io.Writer) error {
		text, err := s.Text()
		if err == nil {
			_, err = w.Write(text)
		}
		return err
	})
}

// read asks a running lab for a reading of some nodes, all if none is named.
func read[R any](g *globals, cmd *cobra.Command, m wire.Method[wire.NodesParams, R],
	nodes []string) (out R, err error) {
	c, err := g.running(cmd.Context())
	if err != nil {
		return out, err
	}
	return client.Call(cmd.Context(), c, m, wire.NodesParams{Nodes: nodes}, nil)
}

func neighCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:               "neigh [NODE]...",
		Short:             "Show neighbour (ARP) tables, with the node that owns each MAC",
		Example:           "  labctl neigh\n  labctl neigh h1",
		ValidArgsFunction: completeNodes(g, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := read(g, cmd, wire.MethodNeigh, args)
			if err != nil {
				return err
			}
			return g.print(cmd.OutOrStdout(), list, func(w io.Writer) error {
				var rows [][]string
				for _, n := range list {
					rows = append(rows, []string{n.Node, n.Addr, n.MAC, n.Holder, n.State, n.Dev})
				}
				t := listing("NODE ADDR MAC HOLDER STATE DEV", rows)
				t.Keys = []string{"NODE", "ADDR"}
				return t.Write(w)
			})
		},
	}
}

func fdbCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:               "fdb [NODE]...",
		Short:             "Show what bridges and virtual switches know, with the node that owns each MAC",
		Example:           "  labctl fdb\n  labctl fdb s1",
		ValidArgsFunction: completeNodes(g, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := read(g, cmd, wire.MethodFDB, args)
			if err != nil {
				return err
			}
			return g.print(cmd.OutOrStdout(), list, func(w io.Writer) error {
				var rows [][]string
				for _, n := range list {
					vlan := ""
					if n.VLAN > 0 {
						vlan = strconv.Itoa(n.VLAN)
					}
					rows = append(rows, []string{n.Switch, n.MAC, vlan, n.Holder, n.Port, n.How})
				}
				t := listing("SWITCH MAC VLAN HOLDER PORT HOW", rows)
				t.Keys = []string{"SWITCH", "MAC"}
				return t.Write(w)
			})
		},
	}
}

func pingCommand(g *globals) *cobra.Command {
	var kept, six bool
	var echo echoFlags
	cmd := &cobra.Command{
		Use:   "ping FROM TO",
		Short: "Ping once from one node to another, and say what happened",
		Long: `Ping from the node FROM to TO, from fresh neighbour tables unless --kept, and say what came of it in ping's own words; and, where a
rule refused it or a virtual switch dropped its frames, which one and why. A pair that is not answered is asked again, so that no verdict
hangs on one lost frame. With fresh tables one that is answered is asked once more at the end, so that the tables are as it leaves them.
TO may be a node, node:interface, an entry of "names", or an address. If a node has several addresses, the first in the file of the wanted
family is asked; it is printed, since programs in nodes may choose another for the same name. Exit code 1 if it does not get through.`,
		Example: "  labctl ping h1 h2\n  labctl ping h1 10.0.0.99\n  labctl ping --kept h1 h2\n" +
			"  labctl ping --df --size 1472 h1 h2",
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: completeNodes(g, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			kind := "ping"
			if six {
				kind = "ping6"
			}
			of := asked{from: args[:1], to: args[1:]}
			if err := echo.set(cmd, &of); err != nil {
				return err
			}
			var cells []wire.Answer
			var lab string
			var err error
			if to, perr := netip.ParseAddr(args[1]); perr == nil {
				kind, cells, lab, err = g.pingAddress(cmd, args[0], to, six, kept, of)
			} else {
				cells, lab, err = g.probe(cmd, kind, of, kept)
			}
			if err != nil {
				return err
			}
			if len(cells) != 1 {
				return usagef("%s does not ping itself", args[0])
			}
			a := cells[0]
			err = g.print(cmd.OutOrStdout(), matrixDoc{1, lab, kind, of.with(kind), cells}, func(w io.Writer) error {
				return terminal.Paint(w, fmt.Sprintf("%s -> %s: %s%s\n", a.From, addressed(a), a.Outcome, detail(a)),
					outcomeRule(a.Outcome))
			})
			switch {
			case err != nil:
				return err
			case a.Outcome == "unknown":
				return fmt.Errorf("%s -> %s could not be asked: %s", a.From, a.To, a.Detail)
			case !strings.HasPrefix(a.Outcome, "ok"):
				return errNo
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&kept, "kept", false, "forget no neighbour entries first")
	echo.add(cmd)
	cmd.Flags().BoolVarP(&six, "ipv6", "6", false, "by IPv6; the nodes need IPv6 addresses and \"ipv6: true\"")
	return cmd
}

// pingAddress asks for an address, which need not be anybody's.
func (g *globals) pingAddress(cmd *cobra.Command, from string, to netip.Addr, six,
	kept bool, of asked) (kind string, cells []wire.Answer, lab string, err error) {
	kind = "ping"
	switch {
	case to.Zone() != "" || to.Is4In6():
		return kind, nil, "", usagef("%s: write an IPv4 or an IPv6 address, without a zone", to)
	case to.IsUnspecified() || to.IsMulticast():
		return kind, nil, "", usagef("%s is not the address of a host", to)
	case six && to.Is4():
		return kind, nil, "", usagef("%s is not an IPv6 address; leave -6 out", to)
	case to.Is6():
		kind = "ping6"
	}
	c, err := g.running(cmd.Context())
	if err != nil {
		return kind, nil, "", err
	}
	l, err := instanceLab(c.Instance)
	if err != nil {
		return kind, nil, "", err
	}
	if err := (asked{from: []string{from}}).unknown(l.Lab); err != nil {
		return kind, nil, "", err
	}
	if _, err := expect.NewMatrix(l.Lab, "arp", []string{from}, nil); err != nil { // who asks is checked as in a table
		return kind, nil, "", usageError{err}
	}
	cells, err = g.ask(cmd, c, wire.AskParams{Kept: kept,
		Questions: []expect.Question{{Kind: kind, With: of.with(kind), A: from, B: to.String()}}})
	return kind, cells, c.Instance, err
}

// addressed is the target of a ping with its address.
func addressed(a wire.Answer) string {
	if a.Addr == "" || a.Addr == a.To {
		return a.To
	}
	return a.To + " (" + a.Addr + ")"
}

func detail(a wire.Answer) string {
	s := ""
	if a.RTT > 0 {
		s = fmt.Sprintf(" (%.3f ms)", float64(a.RTT)/1000)
	}
	if a.Detail != "" {
		s += ": " + a.Detail
	}
	return s
}
