package plan

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"labctl/topology"
	"labctl/topology/labfile"
	"labctl/topology/problem"
)

func mustLoad(t testing.TB, src string) *labfile.File {
	t.Helper()
	lab, problems := labfile.Load("diff.yaml", []byte(src))
	if lab == nil {
		t.Fatal(problems)
	}
	return lab
}

func rulesLab(t *testing.T, rules string) *labfile.File {
	t.Helper()
	src := "format: 1\nlab: rules\nnodes:\n  s1:\n    kind: bridge\n    rules:\n" + rules + "\n  a: {ip: 10.0.0.1/24}\n  b: {ip: 10.0.0.2/24}\nlinks: [a b -- s1]\n"
	lab, problems := labfile.Load("rules.yaml", []byte(src))
	if lab == nil {
		t.Fatal(problems.Error())
	}
	return lab
}

func loadGood(t testing.TB, name string) *labfile.File {
	t.Helper()
	lab, problems := labfile.Load(name+".yaml", mustRead(t, "../labfile/testdata/good/"+name+".yaml"))
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
	for _, glob := range []string{"../../labs/*.yaml", "../labfile/testdata/good/*.yaml"} {
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

// load is a lab from the text of its nodes and what follows.
func load(t *testing.T, text string) *labfile.File {
	t.Helper()
	lab, problems := labfile.Load("t.yaml", []byte("format: 1\nlab: t\n"+text))
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

// everyShipped calls f with each shipped lab.
func everyShipped(t *testing.T, f func(t *testing.T, name string, lab *labfile.File)) {
	names, err := filepath.Glob("../../labs/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no shipped labs: %v", err)
	}
	for _, file := range names {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			lab, problems := labfile.Load(file, mustRead(t, file))
			if lab == nil {
				t.Fatal(problems)
			}
			f(t, name, lab)
		})
	}
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

// set is the file's lab with one live change.
func set(f *labfile.File, node string, path []string, value string) (*topology.Lab, problem.List) {
	return f.Overlaid(0, []labfile.Overlay{{Node: node, Path: path, Value: value}})
}
