package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"labctl/cmd/labctl/supervisor"
)

func watchCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "watch [NODE]...",
		Short: "Show changes of neighbour tables, forwarding tables, links and ports as they happen",
		Long: `Show, until interrupted, what changes in the nodes' neighbour tables (arp, and ndp for IPv6), in the forwarding tables of Linux
bridges (fdb), in interfaces and bridge ports (link), and what "labctl events" tells, of virtual switches above all: as "ip monitor"
and "bridge monitor" would in all nodes at once, with the node that owns each MAC. Of the nodes named, or of all. It changes nothing.
With -o json one object a line.`,
		Example: `  labctl watch kali3 kali5
  labctl watch -o json | jq -r 'select(.kind == "arp" and .holder == "kali4") | .node'`,
		ValidArgsFunction: completeNodes(g, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.stream(cmd, "watch", supervisor.NodesParams{Nodes: args}, func(item json.RawMessage, w io.Writer) error {
				var k supervisor.Change
				if err := json.Unmarshal(item, &k); err != nil {
					return err
				}
				_, err := fmt.Fprintf(w, "%s %s\n", k.Time.Local().Format("15:04:05.000000"), k.Line())
				return err
			})
		},
	}
}
