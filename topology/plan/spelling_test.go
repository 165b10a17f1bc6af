package plan

import (
	"bytes"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"labctl/topology"
	"labctl/topology/labfile"
	"labctl/topology/rules"
)

// spelling writes a file in another way.
type spelling struct {
	name  string
	node  func(n *yaml.Node)
	text  func(src string) string
	moves bool // what a plan says in another order or with comments: only the way from one to the other is nothing
}

func spellings() []spelling {
	plain := func(n *yaml.Node) bool {
		return n.Kind == yaml.ScalarNode && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0
	}
	style := func(s yaml.Style) func(n *yaml.Node) {
		return func(n *yaml.Node) {
			if n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode {
				n.Style = s
			}
		}
	}
	quoted := func(s yaml.Style) func(n *yaml.Node) {
		return func(n *yaml.Node) {
			if plain(n) && n.Tag == "!!str" {
				n.Style = s
			}
		}
	}
	return []spelling{
		{name: "lines above", text: func(s string) string { return "# one\n\n# two\n" + s }},
		{name: "line ends of DOS", text: func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }},
		{name: "comments", node: func(n *yaml.Node) {
			if n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle == 0 {
				for i := 0; i < len(n.Content); i += 2 {
					n.Content[i].HeadComment = "# of " + n.Content[i].Value + "\n\n# and more"
				}
			}
		}},
		{name: "no comments", node: func(n *yaml.Node) { n.HeadComment, n.LineComment, n.FootComment = "", "", "" }},
		{name: "block style", node: style(0)},
		{name: "flow style", node: func(n *yaml.Node) {
			if !hasBlock(n) {
				style(yaml.FlowStyle)(n)
			}
		}},
		{name: "double quotes", node: quoted(yaml.DoubleQuotedStyle)},
		{name: "single quotes", node: quoted(yaml.SingleQuotedStyle)},
		{name: "rules in quotes", node: func(n *yaml.Node) {
			for i := 1; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
				if slices.Contains(rules.RuleForms(), n.Content[i-1].Value) && n.Content[i].Kind == yaml.ScalarNode {
					n.Content[i].Style = yaml.DoubleQuotedStyle
				}
			}
		}},
		{name: "comments in rules of nft", node: func(n *yaml.Node) {
			for i := 1; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
				if v := n.Content[i]; n.Content[i-1].Value == "nft" && v.Kind == yaml.ScalarNode {
					v.Value = "# above\n\n" + strings.ReplaceAll(v.Value, "\n", "   # \"behind\n\n")
				}
			}
		}, moves: true},
		{name: "keys backwards", node: backwards("rules", "cases", "nodes", "interfaces", "groups")},
		{name: "nodes backwards", node: backwards("rules", "cases"), moves: true},
	}
}

// hasBlock reports whether a literal block is in a value, which has no place in flow style.
func hasBlock(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Style&yaml.LiteralStyle != 0 || slices.ContainsFunc(n.Content, hasBlock)
}

// backwards turns the keys of maps round, save of those under the keys that are named: the order of rule sets means
// something, and cases are the columns of a table.
func backwards(but ...string) func(n *yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.MappingNode {
			return
		}
		turn(n)
		for i := 0; i < len(n.Content); i += 2 {
			if v := n.Content[i+1]; slices.Contains(but, n.Content[i].Value) && v.Kind == yaml.MappingNode {
				turn(v) // and once more when its time comes
			}
		}
	}
}

// turn leaves "links" where it is in relation to "nodes": ports that would have the same name are told apart in the
// order of links.
func turn(n *yaml.Node) {
	var out []*yaml.Node
	at := map[string]int{}
	for i := len(n.Content) - 2; i >= 0; i -= 2 {
		at[n.Content[i].Value] = len(out)
		out = append(out, n.Content[i], n.Content[i+1])
	}
	a, nodes := at["nodes"]
	b, links := at["links"]
	if nodes && links {
		out[a], out[b], out[a+1], out[b+1] = out[b], out[a], out[b+1], out[a+1]
	}
	n.Content = out
}

func everyNode(n *yaml.Node, f func(*yaml.Node)) {
	f(n)
	for _, c := range n.Content {
		everyNode(c, f)
	}
}

// respell writes a file in another way.
func respell(t *testing.T, src []byte, s spelling) []byte {
	t.Helper()
	if s.text != nil {
		return []byte(s.text(string(src)))
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(src, &doc); err != nil {
		t.Fatal(err)
	}
	everyNode(&doc, s.node)
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(&doc); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// noWay fails where there is anything between two labs.
func noWay(t *testing.T, where string, a, b *topology.Lab) {
	t.Helper()
	for _, way := range [][2]*topology.Lab{{a, b}, {b, a}} {
		if plan, changes := Diff(way[0], way[1], "x"); len(plan.Ops) > 0 || len(changes) > 0 {
			t.Errorf("%s: %v %v", where, changes, kinds(plan))
		}
	}
}

// sameScript fails where two labs are not built by the same commands.
func sameScript(t *testing.T, where string, a, b *topology.Lab) {
	t.Helper()
	x, y := strings.Split(New(a, "x").String(), "\n"), strings.Split(New(b, "x").String(), "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			t.Errorf("%s: line %d of the plan is\n%s\nand was\n%s", where, i+1, y[i], x[i])
			return
		}
	}
	if len(x) != len(y) {
		t.Errorf("%s: the plan has %d lines, and had %d", where, len(y), len(x))
	}
}

// How a file is written means nothing to what is running: comments, empty lines, the order of keys, quotes, flow or
// block style.
func TestSpellingChangesNothing(t *testing.T) {
	for _, name := range labFiles(t) {
		src := mustRead(t, name)
		lab := mustLoad(t, string(src))
		t.Run(filepath.Base(name), func(t *testing.T) {
			for _, s := range spellings() {
				again := respell(t, src, s)
				other, problems := labfile.Load("again.yaml", again)
				if other == nil {
					t.Errorf("%s: %v\n%s", s.name, problems.Errors(), again)
					continue
				}
				noWay(t, s.name, lab.Lab, other.Lab)
				if !s.moves {
					sameScript(t, s.name, lab.Lab, other.Lab)
				}
				if len(lab.Steps) != len(other.Steps) {
					t.Fatalf("%s: %d steps, were %d", s.name, len(other.Steps), len(lab.Steps))
				}
				for i, st := range lab.Steps {
					noWay(t, s.name+": step "+strconv.Itoa(i+1), st.Lab, other.Steps[i].Lab)
					for k, c := range st.Cases {
						noWay(t, s.name+": case "+c.Name, c.Lab, other.Steps[i].Cases[k].Lab)
					}
				}
			}
		})
	}
}

// What looks like a matter of spelling and once was none.
func TestSpellingOfOneKey(t *testing.T) {
	const head = "format: 1\nlab: spelling\nnodes:\n  s1: {kind: bridge, vlan_filtering: true, ports: {a: {vlan: %vlan}}}\n  a: {ip: 10.0.0.1/24, %a}\nlinks: [a -- s1]\n"
	lab := func(vlan, a string) *topology.Lab {
		return mustLoad(t, strings.NewReplacer("%vlan", vlan, "%a", a).Replace(head)).Lab
	}
	for _, c := range []struct{ name, vlan, a, vlan2, a2 string }{
		{"a VLAN in quotes", "10", "mtu: 1400", `"10"`, "mtu: 1400"},
		{"a gateway ahead of the route to it", "10", "routes: {192.168.9.0/24: {dev: eth0}, 192.168.10.0/24: 192.168.9.1}",
			"10", "routes: {192.168.10.0/24: 192.168.9.1, 192.168.9.0/24: {dev: eth0}}"},
		{"all behind an interface", "10", "sysctls: {net.ipv4.conf.all.forwarding: 1, net.ipv4.conf.eth0.forwarding: 0}",
			"10", "sysctls: {net.ipv4.conf.eth0.forwarding: 0, net/ipv4/conf/all/forwarding: 1}"},
		{"neighbours", "10", `neigh: {10.0.0.8: "02:00:00:00:00:08", 10.0.0.9: "02:00:00:00:00:09"}`,
			"10", `neigh: {10.0.0.9: "02:00:00:00:00:09", 10.0.0.8: "02:00:00:00:00:08"}`},
	} {
		a, b := lab(c.vlan, c.a), lab(c.vlan2, c.a2)
		noWay(t, c.name, a, b)
		sameScript(t, c.name, a, b)
	}
	if _, problems := labfile.Load("twice.yaml", []byte(strings.NewReplacer("%vlan", "10", "%a",
		"sysctls: {net.ipv4.conf.all.rp_filter: 1, net/ipv4/conf/all/rp_filter: 2}").Replace(head))); !strings.Contains(problems.Error(),
		"this is net.ipv4.conf.all.rp_filter of line 5 again") {
		t.Errorf("one value given twice: %v", problems)
	}
}
