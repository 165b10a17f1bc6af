package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"labctl/cmd/labctl/supervisor"
	"labctl/topology"
)

func portsCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "ports [SWITCH|SWITCH:PORT]...",
		Short: "Show the ports of virtual switches: state, addresses, policies and where they come from",
		Long: `Show the ports of virtual switches. Under PMF stand the three security policies as they work out for the port, promiscuous
mode, MAC changes and forged transmits, A(ccept) or R(eject), each with the level that says so: p(ort), g(roup), s(witch), or
nothing for the platform's default. PROMISC is what became of the guest's own wish to receive everything.`,
		ValidArgsFunction: completeSwitches(g, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			list := []supervisor.Port{}
			if err := g.read(cmd, "ports", args, &list); err != nil {
				return err
			}
			return g.print(cmd.OutOrStdout(), list, func(w io.Writer) error {
				var rows [][]string
				for _, p := range list {
					state := p.State
					if p.Why != "" {
						state += " (" + p.Why + ")"
					}
					rows = append(rows, []string{p.Switch, p.Port, strconv.FormatUint(uint64(p.Number), 10), p.Group, p.VLAN, p.Initial, p.Effective, policies(p), p.Promiscuous, state,
						strconv.FormatUint(p.RxFrames, 10), strconv.FormatUint(p.TxFrames, 10), dropsOf(p)})
				}
				return columns(w, "SWITCH PORT NUMBER GROUP VLAN INITIAL EFFECTIVE PMF PROMISC STATE RX TX DROPS", rows)
			})
		},
	}
}

// policies is Ag Rs R: each policy and the level it comes from.
func policies(p supervisor.Port) string {
	if p.Uplink {
		return "uplink"
	}
	var words []string
	for _, key := range []string{"promiscuous", "mac_changes", "forged_transmits"} {
		v, ok := p.Policy[key]
		if !ok {
			return ""
		}
		word := strings.ToUpper(v.Value[:1])
		if v.From != "default" && v.From != "" {
			word += v.From[:1]
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func dropsOf(p supervisor.Port) string {
	var words []string
	for _, reason := range slices.Sorted(maps.Keys(p.Drops)) {
		words = append(words, fmt.Sprintf("%s=%d", reason, p.Drops[reason]))
	}
	if p.Overruns > 0 {
		words = append(words, fmt.Sprintf("overruns=%d", p.Overruns))
	}
	return strings.Join(words, ",")
}

// completeSwitches completes the names of virtual switches and their ports.
func completeSwitches(g *globals, n int) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if n > 0 && len(args) >= n {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		name := g.lab
		if list, _ := supervisor.Chosen(); name == "" && len(list) == 1 {
			name = list[0]
		}
		lab, err := instanceLab(name)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for _, k := range lab.Nodes {
			if k.Switch == nil {
				continue
			}
			names = append(names, k.Name)
			for _, p := range k.Switch.Ports {
				names = append(names, k.Name+":"+p.Name)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

func dropsCommand(g *globals) *cobra.Command {
	var follow, short bool
	cmd := &cobra.Command{
		Use:   "drops [SWITCH|SWITCH:PORT]...",
		Short: "Show the frames that virtual switches dropped, and why, as pktcap-uw does",
		Long: `Show the frames that virtual switches dropped: when, at which point, for which reason, in which function of ESXi's where that
is known (else "-"), the port by number and name, the length, and the frame's first bytes; or with --short one decoded line each. A
switch remembers its last 4096 drops. With -o json one object a line.`,
		ValidArgsFunction: completeSwitches(g, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			n := 0
			return g.stream(cmd, "drops", supervisor.FollowParams{Nodes: args, Follow: follow}, func(item json.RawMessage, w io.Writer) error {
				var d supervisor.DroppedFrame
				if err := json.Unmarshal(item, &d); err != nil {
					return err
				}
				n++
				if short {
					_, err := fmt.Fprintf(w, "%s %s:%s %s  %s, length %d\n", d.Time.Local().Format("15:04:05.000000"), d.Switch, d.Port, d.Reason, d.What, d.Length)
					return err
				}
				return printDrop(w, d, n)
			})
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what is dropped from now on, until interrupted")
	cmd.Flags().BoolVarP(&short, "short", "s", false, "one line a frame, decoded, without its bytes")
	return cmd
}

// printDrop prints a dropped frame in the form that vSphere administrators know.
func printDrop(w io.Writer, d supervisor.DroppedFrame, n int) error {
	if d.Lost > 0 {
		fmt.Fprintf(w, "(%d drops of %s before this one are not remembered any more)\n", d.Lost, d.Switch)
	}
	reason := d.ESXi
	if reason == "" {
		reason = d.Reason
	}
	from := d.Switch + ":" + d.Source
	if d.Source != d.Port {
		from += " -> " + d.Port
	}
	fmt.Fprintf(w, "%s[%d] Captured at %s point, Drop Reason '%s'. Drop Function '%s'. %s, SourcePort %d (%s, %s), length %d.\n",
		d.Time.Local().Format("15:04:05.000000"), n, d.Point, reason, d.Function, d.Offload, d.Number, from, d.Reason, d.Length)
	data, err := hex.DecodeString(d.Data)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "        Segment[0] ---- %d bytes:\n", d.Length)
	_, err = io.WriteString(w, hexLines(data, "        "))
	if len(data) < d.Length {
		fmt.Fprintf(w, "        … %d more\n", d.Length-len(data))
	}
	return err
}

// hexLines prints bytes by sixteen, in pairs, with their offsets.
func hexLines(data []byte, indent string) string {
	var b strings.Builder
	for at := 0; at < len(data); at += 16 {
		fmt.Fprintf(&b, "%s0x%04x: ", indent, at)
		line := data[at:min(at+16, len(data))]
		for i := 0; i < len(line); i += 2 {
			fmt.Fprintf(&b, " %x", line[i:min(i+2, len(line))])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// stream prints what a supervisor has to tell, one after the other, as it comes.
func (g *globals) stream(cmd *cobra.Command, method string, params any, show func(item json.RawMessage, w io.Writer) error) error {
	c, err := g.running(cmd.Context())
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	err = c.Stream(cmd.Context(), method, params, func(item json.RawMessage) error {
		switch g.output {
		case "json":
			_, err := fmt.Fprintf(w, "%s\n", item)
			return err
		case "yaml":
			if _, err := io.WriteString(w, "---\n"); err != nil {
				return err
			}
			return printYAML(w, item)
		}
		return show(item, w)
	})
	if cmd.Context().Err() != nil {
		return nil // interrupted, which is how following ends
	}
	return err
}

func eventsCommand(g *globals) *cobra.Command {
	var follow bool
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Show what happened in a lab: policies, ports, addresses, links, steps",
		Long: `Show what happened in a lab since its supervisor was started, oldest first: what was changed and by whom, guests that changed
their MAC address or asked for promiscuous mode, ports that were blocked or came back, uplinks that failed. With -o json one object a line.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.stream(cmd, "events", supervisor.FollowParams{Follow: follow}, func(item json.RawMessage, w io.Writer) error {
				var e supervisor.Happened
				if err := json.Unmarshal(item, &e); err != nil {
					return err
				}
				at := e.Node
				if e.Object != "" {
					at = strings.TrimPrefix(at+":"+e.Object, ":")
				}
				line := fmt.Sprintf("%s  %-22s %-28s", e.Time.Local().Format("15:04:05.000000"), e.Kind, at)
				if e.Old != "" {
					line += " " + e.Old + " ->"
				}
				if e.New != "" {
					line += " " + e.New
				}
				if e.Cause != "" {
					line += "  (" + e.Cause + ")"
				}
				_, err := fmt.Fprintln(w, strings.TrimRight(line, " "))
				return err
			})
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what happens from now on, until interrupted")
	return cmd
}

// printChanges says what was changed, and what is still laid over the file.
func (g *globals) printChanges(cmd *cobra.Command, a supervisor.Applied) error {
	return g.print(cmd.OutOrStdout(), a, func(w io.Writer) error {
		if len(a.Changes) == 0 {
			fmt.Fprintln(w, "nothing to change: labctl has set it so already")
		}
		for _, c := range a.Changes {
			fmt.Fprintf(w, "%s: %s\n", c.Node, c.What)
		}
		return nil
	})
}

// assign sets by hand.
func (g *globals) assign(cmd *cobra.Command, assignments ...string) error {
	c, err := g.running(cmd.Context())
	if err != nil {
		return err
	}
	var a supervisor.Applied
	if err := c.Call(cmd.Context(), "set", supervisor.SetParams{Assignments: assignments}, &a, nil); err != nil {
		return err
	}
	return g.printChanges(cmd, a)
}

func setCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "set NODE.key=value...",
		Short: "Change a running lab by hand, in the words of its file",
		Long: `Change a running lab by hand. What stands left of "=" is where the value would stand in the file, below "nodes"; the value is
written as in the file:

  labctl set vSwitch0.promiscuous=accept
  labctl set dvs.groups.Nested.mac_learning='{limit: 2}' dvs.ports.probe.vlan=20
  labctl set guest.effective_mac=00:50:56:00:00:99

It takes effect at once, as a step's "set" would; "labctl reset NODE" takes it back, "labctl plan -l LAB" lists it, and "labctl up"
keeps it, unless --reset.`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeNodes(g, 0),
		RunE:              func(cmd *cobra.Command, args []string) error { return g.assign(cmd, args...) },
	}
}

func resetCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:               "reset [NODE]...",
		Short:             "Take back what was set by hand on nodes, or on all",
		ValidArgsFunction: completeNodes(g, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.running(cmd.Context())
			if err != nil {
				return err
			}
			var a supervisor.Applied
			if err := c.Call(cmd.Context(), "reset", supervisor.NodesParams{Nodes: args}, &a, nil); err != nil {
				return err
			}
			return g.printChanges(cmd, a)
		},
	}
}

func policyCommand(g *globals) *cobra.Command {
	cmd := &cobra.Command{Use: "policy", Short: "Change the policies of a virtual switch, a port group or a port"}
	cmd.AddCommand(&cobra.Command{
		Use:   "set SWITCH|SWITCH/GROUP|SWITCH:PORT key=value...",
		Short: `Set policies, a short name for "labctl set"`,
		Long: `Set policies: promiscuous, mac_changes, forged_transmits (accept or reject), mac_learning, vlan, teaming, as in the lab file:

  labctl policy set vSwitch0 promiscuous=accept
  labctl policy set dvs/Nested forged_transmits=accept mac_learning=true
  labctl policy set dvs:probe promiscuous=accept`,
		Args:              cobra.MinimumNArgs(2),
		ValidArgsFunction: completeSwitches(g, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			at := args[0]
			if sw, group, ok := strings.Cut(at, "/"); ok {
				at = sw + ".groups." + group
			} else if sw, port, ok := strings.Cut(at, ":"); ok {
				at = sw + ".ports." + port
			}
			var all []string
			for _, a := range args[1:] {
				if !strings.Contains(a, "=") {
					return usagef("%q is no assignment: write key=value, as promiscuous=accept", a)
				}
				all = append(all, at+"."+a)
			}
			return g.assign(cmd, all...)
		},
	})
	return cmd
}

// switchedOnOff makes "port block", "link down" and their opposites.
func switchedOnOff(g *globals, use, short, value string, key func(lab *topology.Lab, node, port string) string, complete cobra.CompletionFunc) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1), ValidArgsFunction: complete,
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
			return g.assign(cmd, node+"."+key(lab, node, port)+"="+value)
		},
	}
}

func portCommand(g *globals) *cobra.Command {
	cmd := &cobra.Command{Use: "port", Short: "Block a port of a virtual switch, or let it go on"}
	key := func(_ *topology.Lab, _, port string) string { return "ports." + port + ".blocked" }
	cmd.AddCommand(
		switchedOnOff(g, "block SWITCH:PORT", "Block a port; its guest is not told", "true", key, completeSwitches(g, 1)),
		switchedOnOff(g, "unblock SWITCH:PORT", "Let a blocked port go on", "false", key, completeSwitches(g, 1)))
	return cmd
}

func linkCommand(g *globals) *cobra.Command {
	cmd := &cobra.Command{Use: "link", Short: "Unplug an interface or a port, or plug it in"}
	key := func(lab *topology.Lab, node, port string) string {
		if n := lab.Node(node); n != nil && (n.Kind == topology.Bridge || n.Kind == topology.VSwitch) {
			return "ports." + port + ".up"
		}
		return "interfaces." + port + ".up"
	}
	cmd.AddCommand(
		switchedOnOff(g, "down NODE:INTERFACE|SWITCH:PORT", "Unplug; the other end sees its carrier go", "false", key, completeNodes(g, 1)),
		switchedOnOff(g, "up NODE:INTERFACE|SWITCH:PORT", "Plug in", "true", key, completeNodes(g, 1)))
	return cmd
}

// differences lists how a running lab differs from its file.
func (g *globals) differences(cmd *cobra.Command) error {
	c, err := g.running(cmd.Context())
	if err != nil {
		return err
	}
	var d supervisor.Difference
	if err := c.Call(cmd.Context(), "differs", nil, &d, nil); err != nil {
		return err
	}
	return g.print(cmd.OutOrStdout(), d, func(w io.Writer) error {
		if len(d.Changes) == 0 && d.Step == 0 && len(d.Set) == 0 {
			_, err := fmt.Fprintf(w, "%s is as its file says; what was changed inside nodes, not by labctl, is not looked at (labctl up --reset)\n", d.Lab)
			return err
		}
		if d.Step > 0 {
			fmt.Fprintf(w, "walked through by hand: %d steps\n", d.Step)
		}
		for _, s := range d.Set {
			fmt.Fprintf(w, "set by hand: %s\n", s)
		}
		for _, ch := range d.Changes {
			fmt.Fprintf(w, "reset would change %s: %s\n", ch.Node, ch.What)
		}
		return nil
	})
}
