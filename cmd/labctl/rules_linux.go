package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"labctl/cmd/labctl/wire"
)

func rulesCommand(g *globals) *cobra.Command {
	var log, follow, loaded bool
	cmd := &cobra.Command{
		Use:   "rules [NODE]...",
		Short: "Show the nodes' filter rules by name, with what they have met",
		Long: `Show the rules of the nodes' rule sets in the order of the file, loaded or not, with the packets and bytes that each has met
since its set was loaded: also those without a name ("-"), and as "FORWARD policy" the policies of chains that refuse what no rule
accepts. A rule of nft has numbers only if it says "counter", a policy of nft never has. Loading or unloading a set ("labctl set
NODE.rules.SET.load=true") rebuilds the tables of its program (iptables, ip6tables or nft) on the node, so the counters of all sets of
that program begin at 0 then; reading never resets them.

With --log, show what the rules have logged, oldest first: those with the target NFLOG, or with "log group" in nft, by the rule's
prefix, SET/RULE if the file gives none. If a packet is logged to several groups, their order is undefined. (The targets that write to the kernel's log print nothing from a network namespace.)`,
		Example: "  labctl up mitm-one-bridge\n  labctl rules\n" +
			"  labctl rules virbr6 --loaded\n  labctl rules --log --follow",
		ValidArgsFunction: completeNodes(g, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			if follow && !log {
				return usagef("--follow goes with --log")
			}
			if log {
				return stream(g, cmd, wire.StreamRuleLog, wire.FollowParams{Nodes: args, Follow: follow}, showLogged)
			}
			list, err := read(g, cmd, wire.MethodRules, args)
			if err != nil {
				return err
			}
			if loaded {
				list = slices.DeleteFunc(list, func(r wire.Rule) bool { return !r.Loaded })
			}
			return g.print(cmd.OutOrStdout(), list, func(w io.Writer) error {
				var rows [][]string
				for _, r := range list {
					there := "no"
					if r.Loaded {
						there = "yes"
					}
					rows = append(rows, []string{r.Node, r.Set, there, r.Rule, counted(r.Packets), counted(r.Bytes),
						r.Text})
				}
				t := listing("NODE SET LOADED RULE PACKETS BYTES TEXT", rows)
				t.Prose = true
				return t.Write(w)
			})
		},
	}
	cmd.Flags().BoolVar(&loaded, "loaded", false, "leave out sets that are not loaded")
	cmd.Flags().BoolVar(&log, "log", false, "show what rules have logged")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false,
		"with --log: go on with what is logged from now on, until interrupted")
	return cmd
}

func counted(n *uint64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatUint(*n, 10)
}

func showLogged(e wire.Logged, w io.Writer) error {
	way := ""
	if e.In != "" {
		way += " in " + e.In
	}
	if e.Out != "" {
		way += " out " + e.Out
	}
	_, err := fmt.Fprintf(w, "%s  %-12s %-20s%s  %s, length %d\n", e.Time.Local().Format("15:04:05.000000"), e.Node,
		e.Rule, way, e.What, e.Length)
	return err
}
