package labfile

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"labctl/topology"
	"labctl/topology/problem"
)

func loadGood(t testing.TB, name string) *File {
	t.Helper()
	lab, problems := Load(name+".yaml", mustRead(t, "testdata/good/"+name+".yaml"))
	if lab == nil {
		t.Fatal(problems)
	}
	return lab
}

var update = flag.Bool("update", false, "rewrite the golden files")

// labFiles are the shipped labs and the good examples.
func labFiles(t testing.TB) []string {
	t.Helper()
	var out []string
	for _, glob := range []string{"../../labs/*.yaml", "testdata/good/*.yaml"} {
		names, err := filepath.Glob(glob)
		if err != nil || len(names) == 0 {
			t.Fatalf("no files %s: %v", glob, err)
		}
		out = append(out, names...)
	}
	return out
}

func mustRead(t testing.TB, name string) []byte {
	t.Helper()
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// inside checks that problems point into the file, in its order.
func inside(t testing.TB, src []byte, problems problem.List) {
	t.Helper()
	lines := strings.Split(strings.TrimPrefix(string(src), "\ufeff"), "\n")
	last := problem.Problem{}
	for _, p := range problems {
		if p.Line < 0 || p.Line > len(lines) || p.Line > 0 && (p.Col < 1 || p.Col > len(lines[p.Line-1])+1) || p.Width < 0 || p.Message == "" {
			t.Fatalf("%d:%d: not a place in the file: %s", p.Line, p.Col, p.Message)
		}
		if p.Line < last.Line || p.Line == last.Line && p.Col < last.Col {
			t.Fatalf("%s stands after %s", p.Error(), last.Error())
		}
		last = p
	}
}

// load is a lab from the text of its nodes and what follows.
func load(t *testing.T, text string) *File {
	t.Helper()
	lab, problems := Load("t.yaml", []byte("format: 1\nlab: t\n"+text))
	if lab == nil {
		t.Fatal(problems.Error())
	}
	return lab
}

func values(n *topology.Node) map[string]string {
	out := map[string]string{}
	for _, s := range n.Sysctls {
		out[s.Key] = s.Value
	}
	return out
}

// describeLab is everything a lab says of its nodes, and of the steps', as text.
func describeLab(l *File) string {
	var b strings.Builder
	describeNodes(&b, l.Lab)
	for _, s := range l.Steps {
		fmt.Fprintf(&b, "step %q reset %v timeout %v\n", s.Name, s.Reset, s.Timeout)
		describeNodes(&b, s.Lab)
		for _, a := range s.Do {
			switch do := a.What.(type) {
			case *Flush:
				fmt.Fprintf(&b, "flush %+v\n", *do)
			case *RunAction:
				fmt.Fprintf(&b, "run %+v\n", *do)
			case *Stream:
				fmt.Fprintf(&b, "stream %+v\n", *do)
			case *Stop:
				fmt.Fprintf(&b, "stop %+v\n", *do)
			case *topology.Send:
				send := *do
				send.Echo, send.ARP = nil, nil
				fmt.Fprintf(&b, "send %+v", send)
				if do.Echo != nil {
					fmt.Fprintf(&b, " %+v", *do.Echo)
				}
				if do.ARP != nil {
					fmt.Fprintf(&b, " %+v", *do.ARP)
				}
				b.WriteByte('\n')
			case *topology.ARPSpoof:
				fmt.Fprintf(&b, "arp_spoof %+v\n", *do)
			case *Restart:
				fmt.Fprintf(&b, "restart %v\n", do.Nodes)
			default:
				fmt.Fprintf(&b, "%T\n", do)
			}
		}
		for _, c := range s.Cases {
			fmt.Fprintf(&b, "case %s\n", c.Name)
			describeNodes(&b, c.Lab)
		}
	}
	return b.String()
}

// describeSwitch is what a node does as a virtual switch.
func describeSwitch(b *strings.Builder, n *topology.Node) {
	if n.Switch == nil {
		return
	}
	config, err := json.Marshal(n.Switch.Config)
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(b, "  %s\n", config)
	for i, p := range n.Switch.Config.Ports {
		at := n.Switch.Ports[i]
		fmt.Fprintf(b, "  port %s group=%q uplink=%v mtu=%d down=%v at=%s shared=%v", p.Name, p.Group, p.Uplink, p.MTU, p.Down, at.At, at.Shared)
		if at.Far.Node != "" {
			fmt.Fprintf(b, " far=%s initial=%s", at.Far, p.Initial)
		}
		b.WriteByte('\n')
	}
}

func describeNodes(b *strings.Builder, l *topology.Lab) {
	for _, n := range l.Nodes {
		fmt.Fprintf(b, "%s %s ipv6=%v\n", n.Kind, n.Name, n.IPv6)
		describeSwitch(b, n)
		for _, i := range n.Interfaces {
			fmt.Fprintf(b, "  %s %s %s mtu=%d up=%v promisc=%v %v", i.Type, i.Name, i.MAC, i.MTU, i.Up, i.Promisc, i.Addrs)
			if len(i.Joins) > 0 {
				fmt.Fprintf(b, " joins=%v", i.Joins)
			}
			if i.Peer.Node != "" {
				fmt.Fprintf(b, " peer=%s", i.Peer)
			}
			if i.Master != "" {
				port := *i.Port
				port.VLAN = nil
				fmt.Fprintf(b, " master=%s %+v", i.Master, port)
				if i.Port.VLAN != nil {
					fmt.Fprintf(b, " vlan=%v", *i.Port.VLAN)
				}
			}
			if i.Bridge != nil {
				fmt.Fprintf(b, " %+v", *i.Bridge)
			}
			if i.Lower.Node != "" {
				fmt.Fprintf(b, " lower=%s mode=%s sources=%v id=%d", i.Lower, i.Mode, i.Sources, i.VLANID)
			}
			fmt.Fprintln(b)
		}
		for _, r := range n.Routes {
			fmt.Fprintf(b, "  route %s %s via=%v dev=%s metric=%d src=%v onlink=%v\n", r.Type, r.Dst, r.Via, r.Dev, r.Metric, r.Src, r.OnLink)
		}
		for _, e := range n.Neighbours {
			fmt.Fprintf(b, "  neigh %v\n", e)
		}
		for _, c := range n.Run {
			fmt.Fprintf(b, "  run %q background=%v\n", c.Sh, c.Background)
		}
		for _, s := range n.Sysctls {
			fmt.Fprintf(b, "  %s=%s\n", s.Key, s.Value)
		}
	}
}
