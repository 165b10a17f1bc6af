package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"labctl/cmd/labctl/client"
	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/terminal"
	"labctl/cmd/labctl/wire"
	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/problem"
)

// noSwitch is said where a lab has nothing to show.
const noSwitch = "labctl: the lab has no virtual switch (kind: vswitch)"

func portsCommand(g *globals) *cobra.Command {
	decisions := switchcore.Decisions()
	return &cobra.Command{
		Use:   "ports [SWITCH|SWITCH:PORT]...",
		Short: "Show the ports of virtual switches: state, addresses, policies and where they come from",
		Long: `Show the ports of virtual switches. Under ` + initials(decisions) + ` are the security policies as they work
out for the port, ` + problem.AndList(keysOf(decisions)) + `: A(ccept) or R(eject), each with
the level that says so: p(ort), g(roup), s(witch), or nothing for the platform's default. PROMISC is what became of the guest's own
wish to receive everything.`,
		Example:           "  labctl up mac-changes\n  labctl ports\n  labctl ports vSwitch0:guest",
		ValidArgsFunction: completeSwitches(g, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := read(g, cmd, wire.MethodPorts, args)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				fmt.Fprintln(terminal.Stderr(), noSwitch)
			}
			return g.print(cmd.OutOrStdout(), list, func(w io.Writer) error {
				var rows [][]string
				for _, p := range list {
					state := p.State
					if p.Why != "" {
						state += " (" + p.Why + ")"
					}
					rows = append(rows, []string{p.Switch, p.Port, strconv.FormatUint(uint64(p.Number), 10), p.Group,
						p.VLAN, p.Initial, p.Effective, policies(p, decisions), p.Promiscuous, state,
						strconv.FormatUint(p.RxFrames, 10), strconv.FormatUint(p.TxFrames, 10), dropsOf(p)})
				}
				t := listing("SWITCH PORT NUMBER GROUP VLAN INITIAL EFFECTIVE "+initials(decisions)+
					" PROMISC STATE RX TX DROPS", rows)
				t.Keys = []string{"SWITCH", "PORT"}
				return t.Write(w)
			})
		},
	}
}

// initials are the first letters of the policies that accept or reject: PMF.
func initials(decisions []switchcore.Decision) string {
	var b strings.Builder
	for _, d := range decisions {
		b.WriteString(strings.ToUpper(d.Key[:1]))
	}
	return b.String()
}

func keysOf(decisions []switchcore.Decision) (keys []string) {
	for _, d := range decisions {
		keys = append(keys, d.Key)
	}
	return keys
}

// policies is Ag Rs R: each policy and the level it comes from. An older supervisor does not know all of them.
func policies(p wire.Port, decisions []switchcore.Decision) string {
	if p.Uplink {
		return "uplink"
	}
	var words []string
	for _, key := range keysOf(decisions) {
		v, ok := p.Policy[key]
		if !ok || v.Value == "" {
			words = append(words, "?")
			continue
		}
		word := strings.ToUpper(v.Value[:1])
		if v.From != "default" && v.From != "" {
			word += v.From[:1]
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func dropsOf(p wire.Port) string {
	var words []string
	for _, reason := range slices.Sorted(maps.Keys(p.Drops)) {
		words = append(words, fmt.Sprintf("%s=%d", reason, p.Drops[reason]))
	}
	if p.Overruns > 0 {
		words = append(words, fmt.Sprintf("overruns=%d", p.Overruns))
	}
	return strings.Join(words, ",")
}

func dropsCommand(g *globals) *cobra.Command {
	var follow, short bool
	cmd := &cobra.Command{
		Use:   "drops [SWITCH|SWITCH:PORT]...",
		Short: "Show the frames that virtual switches dropped, and why, as pktcap-uw does",
		Long: `Show the frames that virtual switches dropped: when, at which point, for which reason, in which function of ESXi's where that
is known (else "-"), the port by number and name, the length, and the frame's first bytes; or with --short one decoded line each. A
switch remembers its last 4096 drops. With -o json one object a line.`,
		Example: "  labctl up mac-changes\n  labctl drops\n" +
			"  labctl drops vSwitch0:guest --follow\n  labctl drops --short",
		ValidArgsFunction: completeSwitches(g, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.noteNoSwitch(cmd.Context()); err != nil {
				return err
			}
			n := 0
			return stream(g, cmd, wire.StreamDrops, wire.FollowParams{Nodes: args, Follow: follow},
				func(d wire.DroppedFrame, w io.Writer) error {
					n++
					if short {
						_, err := fmt.Fprintf(w, "%s %s:%s %s  %s, length %d\n",
							d.Time.Local().Format("15:04:05.000000"), d.Switch, d.Port, d.Reason, d.What, d.Length)
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

// noteNoSwitch tells a person who waits for what virtual switches do that there are none.
func (g *globals) noteNoSwitch(ctx context.Context) error {
	c, err := g.running(ctx)
	if err != nil {
		return err
	}
	lab, err := instanceLab(c.Instance)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(lab.Nodes, func(n *topology.Node) bool { return n.Switch != nil }) {
		fmt.Fprintln(terminal.Stderr(), noSwitch)
	}
	return nil
}

// printDrop prints a dropped frame in the form that vSphere administrators know.
func printDrop(w io.Writer, d wire.DroppedFrame, n int) error {
	if d.Lost > 0 {
		fmt.Fprintf(w, "(not remembered any more: %s of %s before this one)\n", problem.Count(int(d.Lost), "drop"),
			d.Switch)
	}
	reason := d.ESXi
	if reason == "" {
		reason = d.Reason
	}
	from := d.Switch + ":" + d.Source
	if d.Source != d.Port {
		from += " -> " + d.Port
	}
	fmt.Fprintf(w,
		"%s[%d] Captured at %s point, Drop Reason '%s'. Drop Function '%s'. %s, SourcePort %d (%s, %s), length %d.\n",
		d.Time.Local().Format("15:04:05.000000"), n, d.Point, reason, d.Function, d.Offload, d.Number, from, d.Reason,
		d.Length)
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
func stream[P, I any](g *globals, cmd *cobra.Command, m wire.Stream[P, I], params P,
	show func(item I, w io.Writer) error) error {
	c, err := g.running(cmd.Context())
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	err = client.Follow(cmd.Context(), c, m, params, func(item json.RawMessage) error {
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
		var i I
		if err := json.Unmarshal(item, &i); err != nil {
			return err
		}
		return show(i, w)
	})
	if cmd.Context().Err() != nil {
		return nil // interrupted, which is how following ends
	}
	if _, gone := instance.ReadMeta(c.Instance); err != nil && errors.Is(gone, fs.ErrNotExist) {
		fmt.Fprintf(terminal.Stderr(), "labctl: %s was taken down\n", c.Instance)
		return nil // and so is this
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
		Example: "  labctl events\n  labctl events --follow",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return stream(g, cmd, wire.StreamEvents, wire.FollowParams{Follow: follow},
				func(e wire.Happened, w io.Writer) error {
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
