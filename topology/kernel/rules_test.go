package kernel

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"

	"labctl/topology"
	"labctl/topology/plan"
	"labctl/topology/problem"
	"labctl/topology/rules"
)

// iptables makes a set out of lines as a lab file has them: what follows "iptables", then "# name".
func iptables(name string, lines ...string) *rules.Set {
	r := &rules.Set{Name: name, Load: true, Form: "iptables", Pos: problem.Pos{Line: 10, Col: 7}}
	for i, l := range lines {
		rule, named, _ := strings.Cut(l, " # ")
		line := rules.Line{Table: "filter", Name: named, Pos: problem.Pos{Line: 12 + i, Col: 11}, Args: strings.Fields(rule)}
		if line.Args[0] == "-t" {
			line.Table, line.Args = line.Args[1], line.Args[2:]
		}
		r.Lines, r.Names = append(r.Lines, line), append(r.Names, named)
	}
	return r
}

func nft(name, table, text string, names ...string) *rules.Set {
	family, called, _ := strings.Cut(table, " ")
	return &rules.Set{Name: name, Load: true, Form: "nft", Pos: problem.Pos{Line: 20, Col: 7}, Text: "table " + table + " {\n" + text + "}\n",
		Tables: []rules.NFTable{{Family: family, Name: called}}, TextPos: problem.Pos{Line: 22, Col: 11}, Names: names}
}

// The tools' words, as they were seen, become a place in the lab file and one line.
func TestRuleFailure(t *testing.T) {
	sets := []*rules.Set{iptables("deny", "-A FORWARD -j DROP # a", "-A FORWARD -j nowhere # b", "-A INPUT -m physdev --physdev-out eth0 # c")}
	old, guard := nft("old", "ip t", ""), nft("guard", "bridge g", " chain c {\n  bogus\n }\n")
	parts := ruleParts(plan.SetRules{Node: "n", From: []*rules.Set{old}, To: append(sets, guard)})
	if len(parts) != 2 {
		t.Fatalf("%d parts", len(parts))
	}
	xt, text := parts[0], parts[1] // the rules of the one are lines 5 to 7, the text of the other begins in line 3
	for _, c := range []struct {
		part rulePart
		said string
		want string
	}{
		{xt, "iptables-restore v1.8.9 (nf_tables): Couldn't load match `nosuch':No such file or directory\n\nError occurred at line: 5\nTry `iptables-restore -h' or 'iptables-restore --help' for more information.\n",
			"{12 11} nodes.n.rules.deny: Couldn't load match `nosuch':No such file or directory"},
		{xt, "iptables-restore v1.8.9 (nf_tables): \nline 7: RULE_APPEND failed (Invalid argument): rule in chain INPUT\n",
			"{14 11} nodes.n.rules.deny: RULE_APPEND failed (Invalid argument): rule in chain INPUT"},
		{xt, "iptables-restore v1.8.9 (nf_tables): Chain 'nowhere' does not exist\nError occurred at line: 8\nTry `iptables-restore -h' or 'iptables-restore --help' for more information.\n",
			"{13 11} nodes.n.rules.deny: Chain 'nowhere' does not exist"},
		{xt, "iptables-restore: line 8 failed\n", "{10 7} nodes.n.rules.deny: the kernel refuses a rule and does not say which or why"},
		{xt, "iptables-restore: line 6 failed: No chain/target/match by that name.\n", "{13 11} nodes.n.rules.deny: failed: No chain/target/match by that name."},
		{xt, "Permission denied\n", "{0 0} nodes.n.rules: Permission denied"},
		{text, "/dev/stdin:5:3-7: Error: syntax error, unexpected newline\n  bogus\n  ^^^^^\n", "{24 13} nodes.n.rules.guard: syntax error, unexpected newline"},
		{text, "netlink: Error: cache initialization failed: Operation not permitted\n", "{0 0} nodes.n.rules: netlink: Error: cache initialization failed: Operation not permitted"},
	} {
		var e *RuleError
		if err := ruleFailure(context.Background(), "n", c.part, c.said, errors.New("exit status 1")); !errors.As(err, &e) {
			t.Errorf("%q: %v", c.said, err)
		} else if got := fmt.Sprint(e.Pos, " ", e); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.said, got, c.want)
		}
	}
}

// The values that let iptables see bridged frames, as a plan has them.
var (
	seen   = []topology.Sysctl{{Key: "net/bridge/bridge-nf-call-iptables", Value: "1"}}
	unseen = []topology.Sysctl{{Key: "net/bridge/bridge-nf-call-iptables", Value: "0"}}
)

// withTool lets a space run programs as the tests' own children.
func withTool(t *testing.T) *held {
	s, _ := newSpace(t)
	s.Rules.tools.run = func(ctx context.Context, node string, argv []string, stdin []byte) ([]byte, []byte, error) {
		var stdout, stderr bytes.Buffer
		cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
		if err := s.Enter(node, cmd.Start); err != nil {
			return nil, nil, err
		}
		err := cmd.Wait()
		return stdout.Bytes(), stderr.Bytes(), err
	}
	return s
}

func inOrder(list []RuleCount) []RuleCount {
	return slices.SortedFunc(slices.Values(list), func(a, b RuleCount) int {
		return cmp.Or(cmp.Compare(a.Set, b.Set), cmp.Compare(a.Rule, b.Rule))
	})
}

// inNode runs a command by iproute2.
func inNode(t *testing.T, node, command string) (string, error) {
	t.Helper()
	out, err := exec.Command("ip", append([]string{"netns", "exec", "t." + node}, strings.Fields(command)...)...).CombinedOutput()
	return string(out), err
}

// hits are read by netlink; what the programs print is the same.
func hits(t *testing.T, s *held, node string, sets ...*rules.Set) map[string]uint64 {
	t.Helper()
	n := &topology.Node{Name: node, Rules: sets}
	dumped, err := s.Counts(context.Background(), n)
	if err != nil {
		t.Fatal(err)
	}
	if printed, err := s.printedCounts(context.Background(), n, n.Loaded()); err != nil || !reflect.DeepEqual(inOrder(dumped), inOrder(addUp(printed))) {
		t.Errorf("by netlink %+v, printed %+v, %v", dumped, printed, err)
	}
	h, err := s.Hits(context.Background(), &topology.Node{Name: node, Rules: sets})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

const bridged = `format: 1
lab: t
nodes:
  s1: {kind: bridge}
  a: {ip: 10.0.0.1/24}
  b: {ip: 10.0.0.2/24}
  c: {ip: 10.0.0.3/24}
links: [a b c -- s1]
`

func pings(t *testing.T, from, to string) bool {
	t.Helper()
	_, err := inNode(t, from, "ping -c 1 -W 1 -n "+to)
	return err == nil
}

func TestPhysdevRulesDropAndCount(t *testing.T) {
	s := withTool(t)
	apply(t, s, plan.New(load(t, bridged), "t").Ops...)
	deny := iptables("deny", "-A FORWARD -m physdev --physdev-is-bridged --physdev-out b -j DROP # to-b", "-A FORWARD -p tcp -j DROP # tcp")
	accept := iptables("accept", "-A FORWARD -s 10.0.0.3 -j ACCEPT # c")
	if !pings(t, "a", "10.0.0.2") {
		t.Fatal("a does not reach b before there are rules")
	}
	apply(t, s, plan.SetRules{Node: "s1", To: []*rules.Set{deny}, Sysctls: seen})
	if pings(t, "a", "10.0.0.2") || pings(t, "c", "10.0.0.2") || !pings(t, "a", "10.0.0.3") {
		t.Error("the rule for port b does not stop just what is for b")
	}
	if h := hits(t, s, "s1", deny); h["deny/to-b"] != 2 || h["deny/tcp"] != 0 || len(h) != 2 {
		t.Errorf("hits %v, want 2 and 0", h)
	}
	apply(t, s, plan.SetRules{Node: "s1", From: []*rules.Set{deny}, To: []*rules.Set{accept, deny}})
	if pings(t, "a", "10.0.0.2") || !pings(t, "c", "10.0.0.2") {
		t.Error("the set above the other does not come first")
	}
	if h := hits(t, s, "s1", accept, deny); h["accept/c"] != 1 || h["deny/to-b"] != 1 {
		t.Errorf("hits %v, want 1 and 1", h) // the answer goes to c, by a port that has no rule
	}
	apply(t, s, plan.SetRules{Node: "s1", From: []*rules.Set{accept, deny}, To: []*rules.Set{deny, accept}})
	if pings(t, "c", "10.0.0.2") {
		t.Error("the order of the sets is not that of the lab")
	}
	apply(t, s, plan.SetRules{Node: "s1", From: []*rules.Set{deny, accept}, Sysctls: unseen})
	if !pings(t, "a", "10.0.0.2") {
		t.Error("rules that are not loaded any more still stop frames")
	}
	if v, err := inNode(t, "s1", "cat /proc/sys/net/bridge/bridge-nf-call-iptables"); err != nil || strings.TrimSpace(v) != "0" {
		t.Errorf("bridge-nf-call-iptables is %q, %v", v, err)
	}
	if left, err := inNode(t, "s1", "nft list ruleset"); err != nil || left != "" {
		t.Errorf("left behind: %v %s", err, left)
	}
}

const guard = `  chain in {
    type filter hook prerouting priority 0;
    iifname "b" ether saddr != 02:00:00:00:00:77 counter drop comment "b-mac"
    iifname "a" counter name mine accept comment "a-all"
    accept comment "uncounted"
  }
  counter mine {}
`

func TestNftBridgeRulesDropAndCount(t *testing.T) {
	s := withTool(t)
	apply(t, s, plan.New(load(t, bridged), "t").Ops...)
	set := nft("guard", "bridge guard", guard, "b-mac", "a-all", "uncounted")
	apply(t, s, plan.SetRules{Node: "s1", To: []*rules.Set{set}})
	if pings(t, "a", "10.0.0.2") || !pings(t, "a", "10.0.0.3") {
		t.Error("the rule does not stop just what b sends")
	}
	h := hits(t, s, "s1", set)
	if _, ok := h["guard/uncounted"]; ok || h["guard/b-mac"] == 0 || h["guard/a-all"] == 0 {
		t.Errorf("hits %v", h)
	}
	if again := hits(t, s, "s1", set); again["guard/b-mac"] < h["guard/b-mac"] {
		t.Errorf("reading reset the counters: %v, then %v", h, again)
	}
	apply(t, s, plan.SetRules{Node: "s1", From: []*rules.Set{set}})
	if !pings(t, "a", "10.0.0.2") {
		t.Error("still stopped")
	}
}

// ruleset is everything that a node's kernel has, with its tables in a stable order.
func ruleset(t *testing.T, node string) string {
	t.Helper()
	out, err := inNode(t, node, "nft list ruleset")
	if err != nil {
		t.Fatal(err)
	}
	tables := strings.SplitAfter(out, "\n}\n")
	slices.Sort(tables)
	return strings.Join(tables, "")
}

// Whatever part of a change fails, what was there before is there again.
func TestRulesAllOrNothing(t *testing.T) {
	good := iptables("good", "-A FORWARD -j ACCEPT # a", "-t mangle -A FORWARD -j ACCEPT # b")
	text := nft("text", "inet t", "")
	for name, c := range map[string]struct {
		to   []*rules.Set
		want string
	}{
		"iptables does not know it": {[]*rules.Set{good, iptables("bad", "-A INPUT -j DROP # x", "-A INPUT -m nosuch -j DROP # y")}, "{13 11} nodes.a.rules.bad"},
		"the kernel refuses it":     {[]*rules.Set{good, iptables("bad", "-t nat -A PREROUTING -p udp -j ACCEPT # x", "-t nat -A PREROUTING -j MASQUERADE # y")}, "{13 11} nodes.a.rules.bad"},
		"no such chain":             {[]*rules.Set{iptables("bad", "-A FORWARD -j DROP # x", "-A FORWARD -j nowhere # y")}, "{13 11} nodes.a.rules.bad"},
		"nft does not know it":      {[]*rules.Set{iptables("more", "-A INPUT -j DROP # x"), text, nft("bad", "ip t", "  bogus\n")}, "{23 "},
		"nft's kernel refuses it":   {[]*rules.Set{iptables("more", "-A INPUT -j DROP # x"), nft("bad", "ip t", "  chain c {\n    type nat hook forward priority 0;\n  }\n")}, "nodes.a.rules.bad"},
	} {
		for _, from := range [][]*rules.Set{nil, {good, text}} {
			t.Run(fmt.Sprint(name, len(from)), func(t *testing.T) {
				s := withTool(t)
				apply(t, s, plan.AddNamespace{Node: "a"}, plan.SetRules{Node: "a", To: from})
				before := ruleset(t, "a")
				op := plan.SetRules{Node: "a", From: from, To: c.to, Sysctls: seen}
				err := s.Apply(context.Background(), &plan.Plan{Instance: "t", Ops: []plan.Op{plan.SetSysctl{Node: "a", Sysctl: unseen[0]}, op}}, noCommands)
				var e *RuleError
				if !errors.As(err, &e) {
					t.Fatalf("%v is not a RuleError", err)
				}
				if got := fmt.Sprint(e.Pos, " ", e); !strings.Contains(got, c.want) {
					t.Errorf("got %s, want %s", got, c.want)
				}
				if after := ruleset(t, "a"); after != before {
					t.Errorf("before\n%s\nafter\n%s", before, after)
				}
				if v, err := inNode(t, "a", "cat /proc/sys/net/bridge/bridge-nf-call-iptables"); err != nil || strings.TrimSpace(v) != "0" {
					t.Errorf("bridge-nf-call-iptables is %q, %v", v, err)
				}
			})
		}
	}
}

// A rollback brings the counters back too.
func TestRollbackKeepsCounters(t *testing.T) {
	s := withTool(t)
	out := iptables("out", "-A OUTPUT -j DROP # all")
	apply(t, s, plan.AddNamespace{Node: "a"}, plan.SetUp{Node: "a", Name: "lo", Up: true}, plan.SetRules{Node: "a", To: []*rules.Set{out}})
	if pings(t, "a", "127.0.0.1") {
		t.Fatal("not stopped")
	}
	bad := []*rules.Set{out, nft("bad", "ip t", "  chain c {\n    type nat hook forward priority 0;\n  }\n"), iptables("more", "-A INPUT -j DROP # x")}
	err := s.Apply(context.Background(), &plan.Plan{Instance: "t", Ops: []plan.Op{plan.SetRules{Node: "a", From: []*rules.Set{out}, To: bad}}}, noCommands)
	if err == nil {
		t.Fatal("the kernel took a nat chain where there is none")
	}
	if h := hits(t, s, "a", out); h["out/all"] != 1 {
		t.Errorf("hits %v, want the 1 from before", h)
	}
}

// Connection tracking is a namespace's own: what one node knows as established another does not.
func TestConntrackIsPerNode(t *testing.T) {
	s := withTool(t)
	apply(t, s, plan.New(load(t, `format: 1
lab: t
nodes:
  s1: {kind: bridge}
  s2: {kind: bridge}
  a: {ip: 10.0.0.1/24}
  b: {ip: 10.0.0.2/24}
links:
  - a -- s1
  - s1 -- s2
  - s2 -- b
`), "t").Ops...)
	track := iptables("track", "-A FORWARD -p icmp -m state --state NEW -j ACCEPT # new", "-A FORWARD -p icmp -m state --state ESTABLISHED -j ACCEPT # old")
	for _, n := range []string{"s1", "s2"} {
		apply(t, s, plan.SetRules{Node: n, To: []*rules.Set{track}, Sysctls: seen})
	}
	if !pings(t, "a", "10.0.0.2") {
		t.Fatal("no answer")
	}
	for _, n := range []string{"s1", "s2"} {
		if h := hits(t, s, n, track); h["track/new"] != 1 || h["track/old"] != 1 {
			t.Errorf("%s: hits %v, want 1 new and 1 established each: a bridge below has its own table", n, h)
		}
	}
}

func TestMissingToolIsUnsupported(t *testing.T) {
	_, err := toolPath("no-such-restore")
	if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "apt-get install iptables") {
		t.Errorf("%v", err)
	}
}

func TestSavedTables(t *testing.T) {
	const saved = "# x\n*filter\n:INPUT ACCEPT [1:2]\n[3:4] -A INPUT -j DROP\nCOMMIT\n*raw\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
	text, rest := savedTables(saved, []string{"filter", "nat"})
	if text != "*filter\n:INPUT ACCEPT [1:2]\n[3:4] -A INPUT -j DROP\nCOMMIT\n" || !slices.Equal(rest, []string{"nat"}) {
		t.Errorf("%q %v", text, rest)
	}
}
