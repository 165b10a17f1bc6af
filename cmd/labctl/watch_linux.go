package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"labctl/cmd/labctl/wire"
)

func watchCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "watch [NODE]...",
		Short: "Show changes of neighbour tables, forwarding tables, links and ports as they happen",
		Long: `Show, until interrupted, what changes in the nodes named, or in all: in neighbour tables (arp, and ndp for IPv6), in the forwarding
tables of Linux bridges (fdb), in interfaces and bridge ports (link), and what "labctl events" tells, of virtual switches above all: as "ip monitor"
and "bridge monitor" would in all nodes at once, with the node that owns each MAC. It changes nothing.
With -o json one object a line.`,
		Example: `  labctl up mitm-one-bridge
  labctl watch kali3 kali5
  labctl watch -o json | jq -r 'select(.kind == "arp" and .holder == "kali4") | .node'`,
		ValidArgsFunction: completeNodes(g, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			return stream(g, cmd, wire.StreamWatch, wire.NodesParams{Nodes: args},
				func(k wire.Change, w io.Writer) error {
					_, err := fmt.Fprintf(w, "%s %s\n", k.Time.Local().Format("15:04:05.000000"), changeLine(k))
					return err
				})
		},
	}
}

// changeLine is a change as a person reads it, without its time.
func changeLine(k wire.Change) string {
	who := k.MAC
	if k.Holder != "" {
		who = k.Holder + " (" + k.MAC + ")"
	}
	words := []string{cmp.Or(k.Node, "-"), k.Kind}
	switch k.Kind {
	case "arp", "ndp":
		words = append(words, k.Object)
		if who != "" {
			words = append(words, "lladdr", who)
		}
		if !k.Gone {
			words = append(words, k.State)
		}
	case "fdb":
		words = append(words, who, "on", k.Dev)
		if k.VLAN > 0 {
			words = append(words, fmt.Sprintf("vlan %d", k.VLAN))
		}
		words = append(words, k.State)
	default:
		words = append(words, k.Object, k.Key)
		if k.Old != "" {
			words = append(words, k.Old, "->")
		}
		if words = append(words, k.New); k.New == "" && k.Old != "" {
			words = append(words, "-")
		}
		if k.Cause != "" {
			words = append(words, "("+k.Cause+")")
		}
	}
	if k.Gone {
		words = append(words, "gone")
	}
	return strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), " ")
}
