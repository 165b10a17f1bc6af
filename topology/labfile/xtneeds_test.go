package labfile

import (
	"strings"
	"testing"
)

// An extension that only its user has is taken at his word; nothing else is.
func TestExtensionsThatTheFileNeeds(t *testing.T) {
	for _, c := range []struct{ needs, rule, want string }{
		{"", "-A INPUT -j TRAPDOOR", `no target is called "TRAPDOOR", and no -N makes such a chain in table filter; an extension of iptables from elsewhere is named at the top: "needs: [xtables:TRAPDOOR]"`},
		{"", "-A INPUT -m ourmark -j DROP", `no match is called "ourmark"; an extension of iptables from elsewhere is named at the top: "needs: [xtables:ourmark]"`},
		{"", "-A INPUT -j DORP", `did you mean "DROP"?`},
		{"needs: [xtables:TRAPDOOR, xtables:ourmark]\n", "-A INPUT -m ourmark -j TRAPDOOR", ""},
		{"needs: [xtables:TRAPDOOR]\n", "-A INPUT -m ourmark -j TRAPDOOR", "no match is called"},
		{"needs: [TRAPDOOR]\n", "-A INPUT -j TRAPDOOR", "no target is called"},
		{"needs: [ebtables:TRAPDOOR]\n", "-A INPUT -j DROP", "or of an extension of iptables, as xtables:TARPIT"},
	} {
		src := "format: 1\nlab: t\n" + c.needs + "nodes:\n  h: {ip: 10.0.0.1/24, rules: {r: {iptables: \"" + c.rule + "\"}}}\n  i: {ip: 10.0.0.2/24}\nlinks: [h -- i]\n"
		_, problems := Load("t.yaml", []byte(src))
		got := ""
		for _, p := range problems {
			got += p.Message + "\n"
		}
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s%s: %q, want %q", c.needs, c.rule, got, c.want)
		}
	}
}
