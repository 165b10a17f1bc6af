package rules

import (
	"slices"
	"strings"
	"testing"

	"labctl/topology/problem"
)

// A mistake is told of at its word.
func TestMistakesOfLines(t *testing.T) {
	for _, c := range []struct{ form, text, at, what string }{
		{"iptables", "-A FORWARD -j DROP\n-A FORWARD -j 'DROP", "2:15+5", "a quotation mark is missing"},
		{"iptables", "-t flter -A FORWARD -j DROP", "1:4+5", `"filter"`},
		{"iptables", "-X FORWARD", "1:1+2", "-X"},
		{"nft", "table ip f {\n  chain c {\n    drop\n", "2:11+1", "this brace is not closed"},
		{"nft", "table ip f {\n  chain c {\n    jump nowhere\n  }\n}", "3:10+7", "nowhere"},
	} {
		_, f := read(c.form, c.text)
		if len(f.said) != 1 || !strings.HasPrefix(f.said[0], c.at) || !strings.Contains(f.said[0], c.what) ||
			!strings.Contains(f.said[0], "mistake") {
			t.Errorf("%s: %q, want one mistake at %q about %q", c.text, f.said, c.at, c.what)
		}
	}
}

// Names of rules and tables are those that the text gives, in order; a rule of iptables without one is known by its
// line.
func TestNamesAndTables(t *testing.T) {
	set := readWell(t, "iptables", "-A FORWARD -p tcp -j DROP # tcp\n-A FORWARD -p udp -j DROP # udp\n-A FORWARD -j DROP")
	if !slices.Equal(set.Names, []string{"tcp", "udp", "3"}) || !set.Has("udp") || set.Has("icmp") || len(set.Lines) != 3 {
		t.Errorf("names %q, %d lines", set.Names, len(set.Lines))
	}
	set = readWell(t, "nft", "table bridge f { chain c { type filter hook forward priority 0; counter drop comment "+
		"\"all\"; } }\ntable ip g { }")
	if want := []NFTable{{Family: "bridge", Name: "f"}, {Family: "ip", Name: "g"}}; !slices.Equal(set.Tables, want) ||
		!slices.Equal(set.Names, []string{"all"}) {
		t.Errorf("tables %v, names %q", set.Tables, set.Names)
	}
}

// An accept of established connections ahead of what refuses by port is warned of, and not behind it.
func TestTraps(t *testing.T) {
	const accept, refuse = "-A FORWARD -m state --state ESTABLISHED -j ACCEPT # old",
		"-A FORWARD -m physdev --physdev-in a -j DROP # deny"
	for _, c := range []struct {
		text string
		want bool
	}{
		{accept + "\n" + refuse, true},
		{refuse + "\n" + accept, false},
		{accept, false},
	} {
		set, f := read("iptables", c.text)
		room := MaxWays
		CheckTraps([]*Set{set}, f, "n", &room)
		warned := len(f.said) == 1 && strings.Contains(f.said[0], "comes before") && strings.Contains(f.said[0], "warning")
		if warned != c.want || !c.want && len(f.said) > 0 {
			t.Errorf("%s: %q", c.text, f.said)
		}
		if room >= MaxWays && c.want {
			t.Error("looking took nothing of the room")
		}
	}
}

// A jump needs its chain in one of the node's sets of the same family.
func TestChainsAreThere(t *testing.T) {
	a, f := read("iptables", "-A FORWARD -j guests")
	CheckChains([]*Set{a}, f, "n")
	CheckNames([]*Set{a}, nil, f, "n")
	if len(f.said) == 0 || !strings.Contains(f.said[0], "guests") {
		t.Errorf("a jump to nowhere: %q", f.said)
	}
	b, g := read("iptables", "-N guests")
	b.Pos = problem.Pos{Line: 1, Col: 1}
	CheckChains([]*Set{b, a}, g, "n")
	CheckNames([]*Set{b, a}, nil, g, "n")
	if len(g.said) > 0 {
		t.Errorf("a jump to a chain of another set: %q", g.said)
	}
}
