package labfile

import (
	"strings"
	"testing"
)

// TestATableThatAsksNothingIsRefused: it would pass whatever the lab does.
func TestATableThatAsksNothingIsRefused(t *testing.T) {
	const four, six = "  a: {ip: 10.0.0.1/24}\n  b: {ip: 10.0.0.2/24}\n", "  a: {ip: fd00::1/64}\n  b: {ip: fd00::2/64}\n"
	for _, c := range []struct{ nodes, expect, want string }{
		{six, "{ping6: ok}", ""},
		{six, "{ping: ok}", "t.yaml:8:16: expect.ping: nothing to ask: no two nodes have an IPv4 address; write ping6 instead"},
		{six, "{ping6: ok, answers: yes}", "t.yaml:8:30: expect.answers: nothing to ask: no two nodes have an IPv4 address, and answers is about IPv4 only"},
		{six, "\n  route: |\n    from\\to  *\n    *        direct", "t.yaml:10:5: expect.route: nothing to ask"},
		{six, "\n  arp: |\n    from\\to  b\n    a        b", "b has an IPv6 address only; arp is about IPv4 only"},
		{four, "{ping: ok, answers: yes}", ""},
		{four, "{ping6: ok}", "no two nodes have an IPv6 address; write ping instead"},
		{four, "\n  sees: |\n    flow\\at  *\n    a->b     no", "t.yaml:10:5: expect.sees: nothing to ask"},
		{"  a: {ip: 10.0.0.1/24}\n  b: {}\n", "{ping: ok}", "no two nodes have an IPv4 address; give them one"},
	} {
		src := "format: 1\nlab: t\nnodes:\n  s: {kind: bridge}\n" + c.nodes + "links: [a b -- s]\nexpect: " + c.expect + "\n"
		_, problems := Load("t.yaml", []byte(src))
		var said []string
		for _, p := range problems {
			if !p.Warning {
				said = append(said, p.Error())
			}
		}
		if got := strings.Join(said, "\n"); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s%s: %q, want %q", c.nodes, c.expect, got, c.want)
		}
	}
}
