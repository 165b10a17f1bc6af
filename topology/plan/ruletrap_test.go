package plan

import (
	"fmt"
	"strings"
	"testing"

	"labctl/topology/labfile"
)

const (
	est    = "-A FORWARD -m state --state ESTABLISHED -j ACCEPT # est\n"
	toA    = "-A FORWARD -m physdev --physdev-is-bridged --physdev-out a ! -d 10.0.0.1 -j DROP # to-a\n"
	fromA  = "-A FORWARD -m physdev --physdev-in a -s 10.0.0.1 -j ACCEPT # from-a\n"
	denied = "-P FORWARD DROP\n"
)

// What is established must not be accepted ahead of what refuses by port, however that is written.
func TestEstablishedTrap(t *testing.T) {
	for _, tt := range []struct{ name, iptables, want string }{
		{"a denial by port", est + toA, "1>to-a"},
		{"behind it", toA + est, ""},
		{"default deny", denied + est + fromA, "2>policy"},
		{"default deny, the policy last", est + fromA + denied, "1>policy"},
		{"default deny, the accept last", denied + fromA + est, "3>policy"},
		{"default deny, a router's", denied + est + "-A FORWARD -s 10.0.0.1 -j ACCEPT\n", ""},
		{"default accept again", denied + est + fromA + "-P FORWARD ACCEPT\n", ""},
		{"a last rule instead of a policy", est + fromA + "-A FORWARD -m comment --comment rest -j REJECT --reject-with icmp-net-prohibited # rest\n", "1>rest"},
		{"a last rule for some", est + fromA + "-A FORWARD -p tcp -j DROP # rest\n", ""},
		{"refused by port first", denied + toA + est + fromA, "3>policy"},
		{"in a chain of its own", "-N est\n-A est -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A FORWARD -j est\n" + toA, "2>to-a"},
		{"a chain behind the state", "-N est\n-A FORWARD -m state --state ESTABLISHED -g est\n-A est -j ACCEPT\n" + toA, "3>to-a"},
		{"a chain that is left", "-N est\n-A FORWARD -m state --state ESTABLISHED -j est\n-A est -j RETURN\n" + toA, ""},
		{"a chain for one port", "-N est\n-A FORWARD -m physdev --physdev-in a -j est\n-A est -m state --state ESTABLISHED -j ACCEPT\n" + toA, ""},
		{"all in a chain", "-N fw\n-A FORWARD -j fw\n-A fw -m state --state ESTABLISHED -j ACCEPT\n-A fw -m physdev --physdev-in a -j ACCEPT\n-A fw -j DROP # rest\n", "3>rest"},
		{"a chain that refuses", "-N to\n-A to -j DROP\n" + est + "-A FORWARD -m physdev --physdev-out a -j to # jump\n", "3>jump"},
		{"chains in a ring", "-N x\n-N y\n-A FORWARD -j x\n-A x -j y\n-A y -j x\n" + est + toA, "6>to-a"},
		{"not new, not invalid", "-A FORWARD -m conntrack ! --ctstate NEW,INVALID -j ACCEPT\n" + toA, "1>to-a"},
		{"not established", "-A FORWARD -m conntrack ! --ctstate ESTABLISHED -j ACCEPT\n" + toA, ""},
		{"only new", "-A FORWARD -m state --state NEW -j ACCEPT\n" + toA, ""},
		{"inserted", toA + "-I FORWARD 1 -m state --state ESTABLISHED -j ACCEPT\n", "2>to-a"},
		{"another table", "-t mangle " + est + toA, ""},
	} {
		checkTrapCase(t, tt.name, "iptables", tt.iptables, tt.want)
	}
}

func TestEstablishedTrapOfNft(t *testing.T) {
	hook := "table bridge t {\nchain c {\ntype filter hook forward priority 0; policy %s;\n%s}\n%s}\n"
	const (
		toA   = "oifname \"a\" ip daddr != 10.0.0.1 counter drop comment \"to-a\"\n"
		fromA = "iifname \"a\" ip saddr 10.0.0.1 accept\n"
	)
	for _, tt := range []struct{ name, policy, rules, chains, want string }{
		{"a denial by port", "accept", "ct state established,related accept\n" + toA, "", "4>to-a"},
		{"a set of states", "accept", "ct state { established, related } counter accept\n" + toA, "", "4>to-a"},
		{"a map", "accept", "ct state vmap { invalid : drop, established : accept }\n" + toA, "", "4>to-a"},
		{"a map that drops them", "accept", "ct state vmap { new : accept, established : drop }\n" + toA, "", ""},
		{"not new", "accept", "ct state != { new, invalid } accept\n" + toA, "", "4>to-a"},
		{"not established", "accept", "ct state != established accept\n" + toA, "", ""},
		{"behind it", "accept", toA + "ct state established accept\n", "", ""},
		{"default deny", "drop", "ct state established accept\n" + fromA, "", "4>policy"},
		{"default deny without ports", "drop", "ct state established accept\n", "", ""},
		{"a last rule", "accept", "ct state established accept\n" + fromA + "counter drop comment \"rest\"\n", "", "4>rest"},
		{"a chain of its own", "accept", "jump est\n" + toA, "chain est {\nct state established accept\n}\n", "8>to-a"},
		{"a map of ports", "accept", "ct state established accept\niifname vmap { \"a\" : jump x, \"b\" : accept }\n", "chain x {\nip saddr != 10.0.0.1 drop\n}\n", "4>port"},
		{"rules behind the table", "accept", toA, "}\ninsert rule bridge t c ct state established accept\ntable bridge u {\n", "7>to-a"},
		{"another chain's accept", "accept", "ct state established accept\n", "chain d {\ntype filter hook forward priority 9;\n" + toA + "}\n", ""},
	} {
		checkTrapCase(t, tt.name, "nft", fmt.Sprintf(hook, tt.policy, tt.rules, tt.chains), tt.want)
	}
}

// checkTrapCase wants one warning, "LINE>WORD" of the text, or none.
func checkTrapCase(t *testing.T, name, form, text, want string) {
	t.Helper()
	const above = "format: 1\nlab: x\nnodes:\n  s1:\n    kind: bridge\n    rules:\n      x:\n        %s: |\n"
	body := "          " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n          ")
	lab, problems := labfile.Load("x.yaml", []byte(fmt.Sprintf(above, form)+body+"\n  a: {ip: 10.0.0.1/24}\n  b: {ip: 10.0.0.2/24}\nlinks: [a b -- s1]\n"))
	if lab == nil {
		t.Errorf("%s: %s", name, problems.Error())
		return
	}
	line, word, _ := strings.Cut(want, ">")
	switch {
	case want == "" && len(problems) == 0:
	case want == "" || len(problems) != 1:
		t.Errorf("%s: want %q, got %v", name, want, problems)
	default:
		where, _, _ := strings.Cut(problems[0].Message, " (line")
		if got := fmt.Sprint(problems[0].Line - strings.Count(above, "\n")); got != line || !strings.Contains(where, word) {
			t.Errorf("%s: line %s, %s; want %s", name, got, problems[0].Message, want)
		}
	}
}

// A step, or somebody by hand, that loads or adds what makes a trap is told.
func TestTrapsOfChanges(t *testing.T) {
	const file = `format: 1
lab: x
nodes:
  s1:
    kind: bridge
    rules:
      first: {load: false, iptables: "-A FORWARD -j ACCEPT # all"}
      deny: {iptables: "-A FORWARD -m physdev --physdev-out a -j DROP # to-a"}
  a: {ip: 10.0.0.1/24}
  b: {ip: 10.0.0.2/24}
links: [a b -- s1]
steps:
  - name: one
    set: {s1: {rules: {first: {load: true, iptables: "-A FORWARD -m state --state ESTABLISHED -j ACCEPT # est"}}}}
`
	lab, problems := labfile.Load("x.yaml", []byte(file))
	if lab == nil || len(problems) != 1 || problems[0].Line != 14 || !problems[0].Warning || !strings.Contains(problems[0].Message, "deny/to-a (line 8)") {
		t.Errorf("a step's: %v", problems)
	}
	now, problems := lab.Overlaid(1, []labfile.Overlay{{Node: "s1", Path: []string{"rules", "first", "load"}, Value: "false"}})
	if now == nil {
		t.Fatal(problems)
	}
	if _, changes := Diff(lab.Steps[0].Lab, now, "x"); len(changes) != 1 {
		t.Errorf("unloaded: %v", changes)
	}
	_, changes := Diff(now, lab.Steps[0].Lab, "x")
	if len(changes) != 2 || !strings.HasPrefix(changes[1].What, "rules first: warning: first/est comes before deny/to-a (line 8): ") {
		t.Errorf("loaded: %v", changes)
	}
}
