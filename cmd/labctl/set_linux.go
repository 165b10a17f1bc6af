package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"labctl/cmd/labctl/client"
	"labctl/cmd/labctl/wire"
	"labctl/topology"
	"labctl/topology/problem"
)

// assign sets by hand.
func (g *globals) assign(cmd *cobra.Command, assignments ...string) error {
	return g.set(cmd, wire.SetParams{Assignments: assignments})
}

func (g *globals) set(cmd *cobra.Command, p wire.SetParams) error {
	c, err := g.running(cmd.Context())
	if err != nil {
		return err
	}
	events, done := progress()
	a, err := client.Call(cmd.Context(), c, wire.MethodSet, p, events)
	done()
	if err != nil {
		return err
	}
	return g.printChanges(cmd, a, "labctl has set it so already")
}

// printChanges says what was changed, or why nothing was.
func (g *globals) printChanges(cmd *cobra.Command, a wire.Applied, whyNot string) error {
	return g.print(cmd.OutOrStdout(), a, func(w io.Writer) error {
		if len(a.Changes) == 0 {
			fmt.Fprintln(w, "nothing to change:", whyNot)
		}
		for _, c := range a.Changes {
			fmt.Fprintf(w, "%s: %s\n", c.Node, c.What)
		}
		return nil
	})
}

func setCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "set NODE.key=value...",
		Short: "Change a running lab by hand, in the words of its file",
		Long: `Change a running lab by hand. To the left of "=" goes the place that the value has in the file, below "nodes"; the value is
written as in the file.

The change takes effect at once, as a step's "set" would, and is finished even if this command is interrupted. "labctl reset NODE" takes
it back, "labctl plan -l LAB" lists it, and "labctl up" keeps it, unless --reset.`,
		Example: `  labctl up promiscuous
  labctl set vSwitch0.promiscuous=accept
  labctl set dvs.groups.Tap.mac_learning='{limit: 2}' dvs.groups.Staff.vlan=20
  labctl set win1.effective_mac=00:50:56:00:00:99`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeNodes(g, 0),
		RunE:              func(cmd *cobra.Command, args []string) error { return g.assign(cmd, args...) },
	}
}

func resetCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "reset [NODE]...",
		Short: "Take back what was set by hand on nodes, or on all",
		Long: `Take back what was set by hand on the nodes named, or on all: they become again what the file and the steps that were walked through
say. Steps stay walked through and their actions go on; "labctl up --reset" returns to the beginning. "labctl plan -l LAB" says what
would change.`,
		Example:           "  labctl reset\n  labctl reset h1",
		ValidArgsFunction: completeNodes(g, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.running(cmd.Context())
			if err != nil {
				return err
			}
			events, done := progress()
			a, err := client.Call(cmd.Context(), c, wire.MethodReset, wire.NodesParams{Nodes: args}, events)
			done()
			if err != nil {
				return err
			}
			return g.printChanges(cmd, a, `nothing was set by hand; "labctl up --reset" returns to the beginning`)
		},
	}
}

func policyCommand(g *globals) *cobra.Command {
	cmd := &cobra.Command{Use: "policy", Short: "Change the policies of a virtual switch, a port group or a port",
		Example: "  labctl up promiscuous\n  labctl policy set vSwitch0 promiscuous=accept"}
	cmd.AddCommand(&cobra.Command{
		Use:   "set SWITCH|SWITCH/GROUP|SWITCH:PORT key=value...",
		Short: `Set policies, a short name for "labctl set"`,
		Long:  `Set policies: promiscuous, mac_changes, forged_transmits (accept or reject), mac_learning, vlan, teaming, as in the lab file.`,
		Example: `  labctl up promiscuous
  labctl policy set vSwitch0 promiscuous=accept
  labctl policy set dvs/Tap forged_transmits=accept mac_learning=true
  labctl policy set dvs:probe promiscuous=accept`,
		Args:              cobra.MinimumNArgs(2),
		ValidArgsFunction: completeSwitches(g, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			at := args[0]
			if err := g.isSwitch(cmd, at); err != nil {
				return err
			}
			if sw, group, ok := strings.Cut(at, "/"); ok {
				at = sw + ".groups." + group
			} else if sw, port, ok := strings.Cut(at, ":"); ok {
				at = sw + ".ports." + port
			}
			var all []string
			for _, a := range args[1:] {
				if !strings.Contains(a, "=") {
					return usagef("%q is not an assignment: write key=value, such as promiscuous=accept", a)
				}
				all = append(all, at+"."+a)
			}
			return g.assign(cmd, all...)
		},
	})
	return cmd
}

// isSwitch says why the policies of a place cannot be set in the running lab: it is not at a virtual switch. A node
// that is not there is left to whoever sets them.
func (g *globals) isSwitch(cmd *cobra.Command, at string) error {
	c, err := g.running(cmd.Context())
	if err != nil {
		return err
	}
	lab, err := instanceLab(c.Instance)
	if err != nil {
		return err
	}
	name := at
	if i := strings.IndexAny(at, "/:"); i >= 0 {
		name = at[:i]
	}
	if n := lab.Lab.Node(name); n != nil && n.Kind != topology.VSwitch {
		return usagef("%s is a %s; policies need kind: vswitch", name, n.Kind)
	}
	return nil
}

// switchedOnOff makes "port block", "link down" and their opposites.
func switchedOnOff(g *globals, use, short, example, value string, key func(lab *topology.Lab, node, port string) string,
	complete cobra.CompletionFunc) *cobra.Command {
	noWait := false
	cmd := &cobra.Command{
		Use: use, Short: short, Example: "  labctl " + example, Args: cobra.ExactArgs(1), ValidArgsFunction: complete,
		RunE: func(cmd *cobra.Command, args []string) error {
			node, port, ok := strings.Cut(args[0], ":")
			if !ok {
				return usagef("%q names no port: write %s", args[0], use[strings.IndexByte(use, ' ')+1:])
			}
			c, err := g.running(cmd.Context())
			if err != nil {
				return err
			}
			lab, err := instanceLab(c.Instance)
			if err != nil {
				return err
			}
			path := key(lab.Lab, node, port)
			if err := hasInterface(lab.Lab.Node(node), path, port); err != nil {
				return err
			}
			return g.set(cmd, wire.SetParams{Assignments: []string{node + "." + path + "=" + value}, NoWait: noWait})
		},
	}
	cmd.Flags().BoolVar(&noWait, "no-wait", false,
		"return as soon as it is done, and not when the lab behaves as it will from then on: while a port of a "+
			"spanning tree still listens, for one")
	return cmd
}

// hasInterface says which interfaces a node has when it has none of a name that a path is about.
func hasInterface(n *topology.Node, path, name string) error {
	if n == nil || !strings.HasPrefix(path, "interfaces.") {
		return nil
	}
	var names []string
	for _, i := range n.Interfaces {
		if i.Name == name {
			return nil
		}
		names = append(names, i.Name)
	}
	if len(names) == 0 {
		return usagef("%s has no interface; link it to something", n.Name)
	}
	return usagef("%s has no interface %q; it has %s", n.Name, name, problem.AndList(names))
}

func portCommand(g *globals) *cobra.Command {
	cmd := &cobra.Command{Use: "port", Short: "Block a port of a virtual switch, or let it go on",
		Example: "  labctl up promiscuous\n  labctl port block dvs:win3\n" +
			"  labctl port unblock dvs:win3"}
	key := func(_ *topology.Lab, _, port string) string { return "ports." + port + ".blocked" }
	cmd.AddCommand(
		switchedOnOff(g, "block SWITCH:PORT", "Block a port; its guest is not told",
			"up promiscuous\n  labctl port block dvs:win3", "true", key, completeSwitches(g, 1)),
		switchedOnOff(g, "unblock SWITCH:PORT", "Let a blocked port go on",
			"up promiscuous\n  labctl port unblock dvs:win3", "false", key, completeSwitches(g, 1)))
	return cmd
}

func linkCommand(g *globals) *cobra.Command {
	cmd := &cobra.Command{Use: "link", Short: "Unplug an interface or a port, or plug it in",
		Example: "  labctl link down h1:eth0\n  labctl link up h1:eth0"}
	key := func(lab *topology.Lab, node, port string) string {
		if n := lab.Node(node); n != nil && (n.Kind == topology.Bridge || n.Kind == topology.VSwitch) {
			return "ports." + port + ".up"
		}
		return "interfaces." + port + ".up"
	}
	cmd.AddCommand(
		switchedOnOff(g, "down NODE:INTERFACE|SWITCH:PORT", "Unplug; the other end sees the carrier drop",
			"link down h1:eth0", "false", key, completeNodes(g, 1)),
		switchedOnOff(g, "up NODE:INTERFACE|SWITCH:PORT", "Plug in", "link up h1:eth0", "true", key,
			completeNodes(g, 1)))
	return cmd
}
