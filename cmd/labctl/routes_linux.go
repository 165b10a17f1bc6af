package main

import (
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"labctl/cmd/labctl/wire"
)

func routesCommand(g *globals) *cobra.Command {
	var rules bool
	cmd := &cobra.Command{
		Use:   "routes [NODE]...",
		Short: "Show the routes of the nodes, or their routing rules",
		Long: `Show the routes of the nodes as their kernels have them, of all tables but what the kernel itself keeps in the local one, with a line
for each of several next hops; or, with --rules, the rules of routing policy, which say what packets are looked up in which table.`,
		Example:           "  labctl routes\n  labctl routes h1\n  labctl routes --rules h1",
		ValidArgsFunction: completeNodes(g, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			if rules {
				return g.ipRules(cmd, args)
			}
			list, err := read(g, cmd, wire.MethodRoutes, args)
			if err != nil {
				return err
			}
			return g.print(cmd.OutOrStdout(), list, func(w io.Writer) error {
				var rows [][]string
				for _, r := range list {
					hops := r.NextHops
					if len(hops) == 0 {
						hops = []wire.NextHop{{Via: r.Via, Dev: r.Dev}}
					}
					for _, h := range hops {
						rows = append(rows, []string{r.Node, r.Dst, h.Via, h.Dev, r.Src, r.Type, r.Protocol, r.Table})
					}
				}
				t := listing("NODE DST VIA DEV SRC TYPE PROTOCOL TABLE", rows)
				t.Keys = []string{"NODE", "DST"}
				return t.Write(w)
			})
		},
	}
	cmd.Flags().BoolVar(&rules, "rules", false, "show the routing rules instead")
	return cmd
}

// ipRules prints the routing rules of nodes.
func (g *globals) ipRules(cmd *cobra.Command, nodes []string) error {
	list, err := read(g, cmd, wire.MethodIPRules, nodes)
	if err != nil {
		return err
	}
	return g.print(cmd.OutOrStdout(), list, func(w io.Writer) error {
		var rows [][]string
		for _, r := range list {
			rows = append(rows, []string{r.Node, r.Family, strconv.FormatUint(uint64(r.Priority), 10), r.Rule})
		}
		t := listing("NODE FAMILY PRIORITY RULE", rows)
		t.Keys = []string{"NODE", "PRIORITY"}
		return t.Write(w)
	})
}
