package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"labctl/cmd/labctl/client"
	"labctl/cmd/labctl/wire"
	"labctl/topology/problem"
)

// frameFlags are the flags by which a frame is described.
type frameFlags struct {
	src, dst, etherType, payload, icmp, arp string
	vlan, count                             int
	every                                   time.Duration
}

func (f *frameFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.src, "src", "",
		"source: a MAC address, a node, node:if or a name; the interface's own if not given")
	cmd.Flags().StringVar(&f.dst, "dst", "", "destination: a MAC address, a node, node:if or a name, or broadcast")
	cmd.Flags().StringVar(&f.etherType, "type", "", "EtherType, such as 0x88cc")
	cmd.Flags().IntVar(&f.vlan, "vlan", 0, "802.1Q tag, 1 to 4094")
	must(cmd.MarkFlagRequired("dst"))
}

func (f *frameFlags) params(from string) (wire.SendParams, error) {
	p := wire.SendParams{From: from, Src: f.src, Dst: f.dst, VLAN: f.vlan, ICMP: f.icmp, ARP: f.arp, Count: f.count,
		Every: f.every.Microseconds()}
	if f.vlan < 0 || f.vlan > 4094 {
		return p, usagef("--vlan %d: want 1 to 4094", f.vlan)
	}
	if f.etherType != "" {
		n, err := strconv.ParseUint(f.etherType, 0, 16)
		if err != nil {
			return p, usagef("--type %q: want an EtherType, as 0x88cc", f.etherType)
		}
		p.Type = uint16(n)
	}
	if f.payload != "" {
		b, err := hex.DecodeString(strings.ReplaceAll(strings.ReplaceAll(f.payload, " ", ""), ":", ""))
		if err != nil {
			return p, usagef("--payload %q: want pairs of hexadecimal digits, as \"de ad be ef\"", f.payload)
		}
		p.Payload = b
	}
	return p, nil
}

func sendCommand(g *globals) *cobra.Command {
	var f frameFlags
	cmd := &cobra.Command{
		Use:   "send NODE|NODE:INTERFACE --dst MAC|NODE [--src MAC|NODE]",
		Short: "Send a forged frame from inside a node, and say where it was dropped",
		Long: `Send a frame from inside a node with arbitrary addresses, as Scapy's sendp does, padded to 60 bytes, and list the virtual
switches that dropped it.`,
		Example: `  labctl up forged-transmits
  labctl send guest --src 00:11:22:33:44:55 --dst gw --icmp 192.168.0.4,192.168.0.1
  labctl send guest --dst broadcast --arp reply,192.168.0.1@00:11:22:33:44:55,192.168.0.5
  labctl send guest --dst 01:80:c2:00:00:00 --type 0x0027 --payload 424203`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeNodes(g, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := f.params(args[0])
			if err != nil {
				return err
			}
			if f.count < 1 {
				return usagef("--count %d: at least 1", f.count)
			}
			c, err := g.running(cmd.Context())
			if err != nil {
				return err
			}
			s, err := client.Call(cmd.Context(), c, wire.MethodSend, p, nil)
			if err != nil {
				return err
			}
			return g.print(cmd.OutOrStdout(), s, func(w io.Writer) error {
				fmt.Fprintf(w, "sent %s of %d bytes from %s\n", problem.Count(s.Frames, "frame"), s.Length, s.From)
				for i, d := range s.Drops {
					if err := printDrop(w, d, i+1); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&f.payload, "payload", "", "what follows the EtherType, in hexadecimal")
	cmd.Flags().StringVar(&f.icmp, "icmp", "", "an ICMP echo request: FROM_IP,TO_IP")
	cmd.Flags().StringVar(&f.arp, "arp", "", "an ARP packet: request|reply,SENDER_IP[@MAC],TARGET_IP[@MAC]")
	cmd.Flags().IntVar(&f.count, "count", 1, "how many")
	cmd.Flags().DurationVar(&f.every, "every", 0,
		"interval between frames, such as 100ms; --count says how many (default 1)")
	cmd.MarkFlagsMutuallyExclusive("icmp", "arp", "payload")
	return cmd
}

func explainCommand(g *globals) *cobra.Command {
	var f frameFlags
	var size int
	cmd := &cobra.Command{
		Use:   "explain SWITCH:PORT [--src MAC|NODE] --dst MAC|NODE",
		Short: "Ask a virtual switch what it would do with a frame, and why, for each of its ports",
		Long: `Ask a virtual switch what it would do with a frame that comes in at a port: the rules it goes through, and for every other port
whether the frame leaves there, and why not. Nothing is sent, learned or counted.`,
		Example: "  labctl up forged-transmits\n" +
			"  labctl explain vSwitch0:guest --src 00:11:22:33:44:55 --dst gw",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeSwitches(g, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			node, port, ok := strings.Cut(args[0], ":")
			if !ok {
				return usagef("%q names no port: write SWITCH:PORT", args[0])
			}
			p, err := f.params("")
			if err != nil {
				return err
			}
			if p.Size = size; size < 0 || size > 65535 {
				return usagef("--size %d: want 0 to 65535 bytes", size)
			}
			c, err := g.running(cmd.Context())
			if err != nil {
				return err
			}
			e, err := client.Call(cmd.Context(), c, wire.MethodExplain,
				wire.ExplainParams{Switch: node, Port: port, Frame: p}, nil)
			if err != nil {
				return err
			}
			return g.print(cmd.OutOrStdout(), e, func(w io.Writer) error {
				for _, s := range e.Steps {
					fmt.Fprintln(w, s)
				}
				if e.Hint != "" {
					fmt.Fprintln(w, "hint:", e.Hint)
				}
				fmt.Fprintln(w)
				var rows [][]string
				for _, t := range e.Fates {
					if t.Hint == e.Hint { // said above
						t.Hint = ""
					}
					word := "no"
					if t.Delivered {
						word = "yes"
					}
					rows = append(rows, []string{t.Port, word, t.Why, t.Hint})
				}
				t := listing("PORT LEAVES WHY HINT", rows)
				t.Prose = true
				return t.Write(w)
			})
		},
	}
	f.add(cmd)
	cmd.Flags().IntVar(&size, "size", 0, "length of the packet in bytes, as an MTU counts it: ping -s N sends N+28")
	return cmd
}

func psCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "ps",
		Short: "List what runs in a lab's nodes: streams, senders, commands",
		Long: `List what labctl runs in a lab's nodes: streams, senders, spoofers, commands in the background and those of "exec". A command in the
background that ended with another status than 0, or by a signal that labctl did not send, stays in the list with how it ended and the
last lines that it wrote, until its node is built again, "labctl up" starts it again, or the lab goes down.

PID is the process's number where you run this verb: what "kill" there takes, "-" where it cannot be known. A lab has a PID namespace of its own.
Programs that "exec" starts for an ordinary user see only the lab's processes, with the numbers there, which -o json has as "pid_in_lab".
Those that "exec" starts for root see the machine's.`,
		Example: "  labctl ps",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.running(cmd.Context())
			if err != nil {
				return err
			}
			list, err := client.Call(cmd.Context(), c, wire.MethodPS, wire.Nothing{}, nil)
			if err != nil {
				return err
			}
			c.Number(list)
			return g.print(cmd.OutOrStdout(), list, func(w io.Writer) error {
				var rows [][]string
				for _, r := range list {
					pid := ""
					if r.PID > 0 {
						pid = strconv.Itoa(r.PID)
					}
					rows = append(rows, []string{r.Kind, r.Name, r.Node, pid, r.State, oneLine(r.What)})
				}
				t := listing("KIND NAME NODE PID STATE WHAT", rows)
				t.Prose = true
				if err := t.Write(w); err != nil {
					return err
				}
				for _, r := range list {
					if r.Said != "" {
						fmt.Fprintf(w, "\n%s: %s: its last lines:\n%s", r.Node, r.What, indent(r.Said+"\n"))
					}
				}
				return nil
			})
		},
	}
}
