package labfile

import (
	"strings"
	"testing"

	"labctl/topology"
	"labctl/topology/problem"
)

// TestPlacesOfWhatIsSet: a mistake in what is set by hand is shown where it was typed.
func TestPlacesOfWhatIsSet(t *testing.T) {
	f, problems := Load("t.yaml", []byte(`format: 1
lab: t
nodes:
  a: {ip: 10.0.0.1/24}
  s: {kind: vswitch}
links: [a -- s]
`))
	if f == nil {
		t.Fatal(problems)
	}
	for _, c := range []struct{ key, value, under, message string }{
		{"routes", "5", "5", "set a.routes: want a map"},
		{"routes", "{default: 10.9.9.9}", "default: 10.9.9.9", "set a.routes.default: 10.9.9.9 is on no network"},
		{"routes", "{default: 10.0.0.2, 10.0.0.0: 10.0.0.3}", "10.0.0.0: 10.0.0.3", `set a.routes.10.0.0.0: "10.0.0.0" has no length`},
		{"interfaces.eth0", "{mtu: 1400, mc: 3}", "mc: 3", "set a.interfaces.eth0.mc: unknown key"},
		{"interfaces", "{eth0: {mtu: 1}}", "mtu: 1", "set a.interfaces.eth0.mtu: 1 does not fit"},
		{"ip", "[10.0.0.1/24, x]", "[", `set a.ip[1]: "x" is not a prefix`},
		{"nonsense", "3", "a.nonsense", "set a.nonsense: unknown key"},
		{"ip", `"10.0.0.1`, `"`, "set a.ip: the quoted text"},
		{"rules.x", "{iptables: |\n  -A INPUT -j NOSUCH\n}", "", ""},
	} {
		o := Overlay{Node: "a", Path: strings.Split(c.key, "."), Value: c.value}
		_, problems := f.Overlaid(0, []Overlay{{Node: "a", Path: []string{"mtu"}, Value: "1400"}, o})
		if len(problems) != 1 {
			t.Errorf("%s: %v", o, problems)
			continue
		}
		p := problems[0]
		if c.message == "" {
			if p.Line < 1 || p.Line > 3 {
				t.Errorf("%s: line %d", o, p.Line)
			}
			continue
		}
		if !strings.HasPrefix(p.Error(), c.message) || p.Line != 1 || p.Source != o.String() {
			t.Errorf("%s: %v in line %d of %q", o, p, p.Line, p.Source)
		} else if got := p.Source[p.Col-1:][:p.Width]; got != c.under {
			t.Errorf("%s: %q is marked, not %q", o, got, c.under)
		}
	}
}

func TestPlacesOfRefusedRules(t *testing.T) {
	list := []Overlay{
		{Node: "a", Path: []string{"rules", "x"}, Value: "{nft: 'table ip t { chain c { foo; } }'}"},
		{Node: "b", Path: []string{"rules"}, Value: "{y: {iptables: -A INPUT --dprt 1}}"},
		{Node: "b", Path: []string{"mtu"}, Value: "1400"},
	}
	for _, c := range []struct {
		node, text string
		col        int
		under      string
	}{
		{"a", "table ip t { chain c { foo; } }", 24, "f"},
		{"b", "-A INPUT --dprt 1 -m comment --comment y", 10, "--dprt"},
		{"b", "table ip t {", 1, ""}, // what no change has
		{"c", "foo", 1, ""},
		{"a", "", 0, ""},
	} {
		was := problem.Problem{File: "t.yaml", Line: 7, Col: 1, Path: "nodes." + c.node + ".rules.x", Message: "refused"}
		p, ok := RuleRefused(was, c.node, c.text, c.col, list)
		switch {
		case ok != (c.under != ""):
			t.Errorf("%s: %v", c.text, ok)
		case !ok && p != was:
			t.Errorf("%s: it became %v", c.text, p)
		case ok && (p.Source[p.Col-1:][:p.Width] != c.under || p.Error() != "set "+c.node+".rules.x: refused"):
			t.Errorf("%s: %v, %q", c.text, p, p.Source[p.Col-1:][:p.Width])
		}
	}
}

func TestWanted(t *testing.T) {
	for path, want := range map[string]string{
		"routes":              "a map from destinations to gateways",
		"routes default":      "a gateway",
		"interfaces eth0 mtu": "an MTU",
		"nonsense":            "",
		"mtu deeper":          "",
	} {
		if got := Wanted(topology.Host, strings.Fields(path)); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s: %q", path, got)
		}
	}
}
