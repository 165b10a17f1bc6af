package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const (
	denyA   = "      deny: {iptables: -A FORWARD -s 10.0.0.1 -j DROP}\n"
	denyOff = "      deny: {load: false, iptables: -A FORWARD -s 10.0.0.1 -j DROP}\n"
	denyB   = "      deny: {iptables: -A FORWARD -s 10.0.0.2 -j DROP}\n"
	natSet  = "      nat: {iptables: -t nat -A POSTROUTING -j MASQUERADE}\n"
	sixSet  = "      six: {ip6tables: -A FORWARD -j DROP}\n"
	nftSet1 = "      text: {nft: \"table ip t { chain c { counter drop comment \\\"all\\\"; } }\"}\n"
)

// TestDiffOfRules: a change of rules is one operation, says what it does, and rebuilds nothing.
func TestDiffOfRules(t *testing.T) {
	for _, tt := range []struct{ name, from, to, changes, loads, calls string }{
		{"the same", denyA, denyA, "", "", ""},
		{"elsewhere in the file", denyA, "\n\n" + denyA, "", "", ""},
		{"loaded", denyOff, denyA, "deny: loaded", "iptables filter", "iptables=1"},
		{"unloaded", denyA, denyOff, "deny: unloaded", "iptables filter", "iptables=0"},
		{"changed", denyA, denyB, "deny: changed, loaded", "iptables filter", ""},
		{"changed, not loaded", denyOff, strings.Replace(denyOff, "0.1", "0.2", 1), "deny: changed, not loaded", "", ""},
		{"new", denyA, denyA + natSet, "nat: new, loaded", "iptables nat iptables filter", ""},
		{"removed", denyA + natSet, denyA, "nat: removed", "iptables nat iptables filter", ""},
		{"another order", denyA + natSet, natSet + denyA, "another order, nat deny", "iptables nat iptables filter", ""},
		{"another family", denyA, sixSet, "six: new, loaded; deny: removed", "iptables filter ip6tables filter", "iptables=0 ip6tables=1"},
		{"text for nft", denyA, denyA + nftSet1, "text: new, loaded", "iptables filter nft", ""},
		{"nothing any more", nftSet1, "      {}", "text: removed", "nft", "iptables=0"},
	} {
		plan, changes := Diff(rulesLab(t, tt.from).Lab, rulesLab(t, tt.to).Lab, "x")
		var said, loads, calls []string
		for _, c := range changes {
			what, _ := strings.CutPrefix(c.What, "rules")
			said = append(said, strings.TrimLeft(what, ": "))
		}
		for _, op := range plan.Ops {
			o, ok := op.(SetRules)
			if !ok || o.Node != "s1" {
				t.Errorf("%s: %T", tt.name, op)
				continue
			}
			for _, r := range o.Tables() {
				loads = append(loads, r.Family+" "+r.Table)
				if n := strings.Count(r.Text, "\n"); n != len(r.Lines) {
					t.Errorf("%s: %d lines, %d known", tt.name, n, len(r.Lines))
				}
			}
			if text, places := o.NFT(); text != "" {
				loads = append(loads, "nft")
				if n := strings.Count(text, "\n"); n != len(places) {
					t.Errorf("%s: %d lines, %d places", tt.name, n, len(places))
				}
			}
			for _, s := range o.Sysctls {
				calls = append(calls, strings.TrimPrefix(s.Key, "net/bridge/bridge-nf-call-")+"="+s.Value)
			}
		}
		for _, c := range []struct{ what, got, want string }{{"changes", strings.Join(said, "; "), tt.changes},
			{"loads", strings.Join(loads, " "), tt.loads}, {"calls", strings.Join(calls, " "), tt.calls}} {
			if c.got != c.want {
				t.Errorf("%s: %s %q, want %q", tt.name, c.what, c.got, c.want)
			}
		}
	}
}

// TestRulesComeWithTheirNode: a node that is rebuilt has no rules of before to remove.
func TestRulesComeWithTheirNode(t *testing.T) {
	lab := rulesLab(t, denyA)
	for _, plan := range []*Plan{New(lab.Lab, "x"), Rebuild(lab.Lab, "x", []string{"s1"})} {
		at := slices.IndexFunc(plan.Ops, func(op Op) bool { _, ok := op.(SetRules); return ok })
		if at < 0 {
			t.Fatal("no rules are loaded")
		}
		if o := plan.Ops[at].(SetRules); len(o.From) != 0 || len(o.To) != 1 || len(o.Sysctls) != 1 {
			t.Errorf("%+v", o)
		}
	}
	if plan := Rebuild(lab.Lab, "x", []string{"a"}); strings.Contains(plan.String(), "iptables-restore") {
		t.Error("a neighbour's rebuilding loads rules again")
	}
}

func TestRestoreWords(t *testing.T) {
	lab := rulesLab(t, `      deny:
        iptables: |
          -A FORWARD -m comment --comment 'it is "so" \' -j DROP   # quoted
          -A FORWARD -m string --string "a\"b" --algo bm -j DROP
`)
	want := []string{`-A FORWARD -m comment --comment labctl:deny/quoted -m comment --comment "it is \"so\" \\" -j DROP`,
		`-A FORWARD -m comment --comment labctl:deny/2 -m string --string "a\"b" --algo bm -j DROP`}
	op := SetRules{Node: "s1", To: lab.Node("s1").Loaded()}
	var got []string
	for i, line := range strings.Split(strings.TrimSuffix(op.Tables()[0].Text, "\n"), "\n") {
		if l := op.Tables()[0].Lines[i]; l != nil {
			got = append(got, line)
			if fmt.Sprint(l.Pos.Line) != fmt.Sprint(8+len(got)) || l.Pos.Col != 11 {
				t.Errorf("%s: %v", line, l.Pos)
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestRule(t *testing.T) {
	lab := rulesLab(t, denyA+nftSet1)
	for text, want := range map[string]bool{"s1/deny/1": true, "s1/text/all": true, "s1/deny/2": false, "s1/text": false, "a/deny/1": false,
		"x/deny/1": false, "s1/den/1": false, "s1/deny/1/1": false} {
		node, set, rule, ok := lab.Rule(text)
		if ok != want || ok && node+"/"+set+"/"+rule != text {
			t.Errorf("%s: %s %s %s %v", text, node, set, rule, ok)
		}
	}
}
