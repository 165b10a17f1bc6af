package graph_test

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"labctl/labs"
	"labctl/topology/graph"
	"labctl/topology/labfile"
)

var update = flag.Bool("update", false, "rewrite testdata")

// draw loads a lab file and draws it.
func draw(t *testing.T, name string, src []byte) *graph.Graph {
	t.Helper()
	lab, problems := labfile.Load(name, src)
	if lab == nil {
		t.Fatal(problems)
	}
	return graph.New(lab.Lab, lab.About)
}

// languages are all that a graph can be written in.
var languages = map[string]func(*graph.Graph) string{
	"txt": (*graph.Graph).Text, "mmd": (*graph.Graph).Mermaid, "dot": (*graph.Graph).DOT,
	"json": func(g *graph.Graph) string {
		b, err := json.MarshalIndent(g, "", "  ")
		if err != nil {
			panic(err)
		}
		return string(b) + "\n"
	},
}

// sources are the labs of testdata, and shipped ones that have what those lack.
func sources(t *testing.T) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, name := range []string{"nested", "nested-two-uplinks", "vlan-modes", "guest-macvlan", "kvm-vmware-2", "spanning-tree", "vxlan-bridges"} {
		src, err := labs.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = src
	}
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, path := range files {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(path), ".yaml")] = src
	}
	return out
}

func TestGolden(t *testing.T) {
	for name, src := range sources(t) {
		g := draw(t, name+".yaml", src)
		for ext, language := range languages {
			path, got := filepath.Join("testdata", name+"."+ext), language(g)
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("not as in %s:\n%s", path, got)
			}
		}
	}
}

// Every drawing shows every node, with its addresses, and the names of both ends of every cable.
func TestEverythingIsShown(t *testing.T) {
	for _, name := range labs.Names() {
		src, err := labs.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		lab, _ := labfile.Load(name+".yaml", src)
		g := draw(t, name+".yaml", src)
		if len(g.Nodes) != len(lab.Nodes) {
			t.Errorf("%s: %d nodes of %d", name, len(g.Nodes), len(lab.Nodes))
		}
		for ext, language := range languages {
			text := language(g)
			for _, n := range lab.Nodes {
				if !strings.Contains(text, n.Base()) {
					t.Errorf("%s.%s: no node %s", name, ext, n.Name)
				}
				for _, i := range n.Interfaces {
					for _, a := range i.Addrs {
						if !strings.Contains(text, a.String()) {
							t.Errorf("%s.%s: no address %s of %s", name, ext, a, n.Name)
						}
					}
					if i.Peer.Node != "" && !strings.Contains(text, i.Name) {
						t.Errorf("%s.%s: no end %s of %s", name, ext, i.Name, n.Name)
					}
				}
			}
		}
		ends := map[string]bool{}
		for _, c := range g.Cables {
			if c.Kind != graph.CableKind {
				continue
			}
			if ends[c.Ends[0]] || ends[c.Ends[1]] {
				t.Errorf("%s: %s -- %s is there twice", name, c.Ends[0], c.Ends[1])
			}
			ends[c.Ends[0]], ends[c.Ends[1]] = true, true
		}
		for _, n := range lab.Nodes {
			for _, i := range n.Interfaces {
				if end := n.Name + ":" + i.Name; i.Peer.Node != "" && i.Peer.Node != n.Name && !ends[end] {
					t.Errorf("%s: no cable at %s", name, end)
				}
			}
		}
	}
}

// Graphviz itself reads every drawing, and has a node of its own for each of the lab's and an edge for each cable.
func TestGraphvizReadsIt(t *testing.T) {
	if _, err := exec.LookPath("dot"); err != nil {
		t.Skip("dot is not installed: scripts/setup.sh installs it")
	}
	all := sources(t)
	for _, name := range labs.Names() {
		src, err := labs.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = src
	}
	for name, src := range all {
		g := draw(t, name+".yaml", src)
		cmd := exec.Command("dot", "-Tjson0")
		cmd.Stdin = strings.NewReader(g.DOT())
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var read struct {
			Name    string
			Edges   []struct{ Label string }
			Objects []struct{ Name, Label string }
		}
		if err := json.Unmarshal(out, &read); err != nil {
			t.Fatal(err)
		}
		has := map[string]bool{}
		for _, o := range read.Objects {
			has[o.Name] = true
		}
		for _, n := range g.Nodes {
			if !has[n.Name] && !has["cluster_"+n.Name] {
				t.Errorf("%s: Graphviz has no node %s", name, n.Name)
			}
		}
		if read.Name != g.Lab || len(read.Edges) != len(g.Cables) {
			t.Errorf("%s: Graphviz has %d edges of %q, want %d", name, len(read.Edges), read.Name, len(g.Cables))
		}
	}
}
