package plan

import (
	"slices"
	"strings"
	"testing"

	"labctl/topology"
	"labctl/topology/labfile"
)

const twoPorts = "format: 1\nlab: t\nnodes:\n  vs: {kind: vswitch, profile: distributed, ports: {a: {vlan: %}}}\n  a: {}\n  b: {}\nlinks: [a b -- vs]\n"

// A port in a VLAN and a trunk of that VLAN alone take different frames, so going from one to the other is a change.
func TestTrunkOfOneVLAN(t *testing.T) {
	load := func(vlan string) *topology.Lab { return mustLoad(t, strings.Replace(twoPorts, "%", vlan, 1)).Lab }
	for _, c := range []struct{ from, to, want string }{
		{`10`, `"10-10"`, "a: vlan: 10 -> trunk 10"},
		{`"10-10"`, `10`, "a: vlan: trunk 10 -> 10"},
		{`10`, `"10"`, ""},
		{`0`, `"0"`, ""},
		{`"10-10"`, `"10,20-30"`, "a: vlan: trunk 10 -> 10,20-30"},
		{`trunk`, `"0-4094"`, ""},
	} {
		_, changes := Diff(load(c.from), load(c.to), "x")
		got := ""
		for _, x := range changes {
			got += x.What
		}
		if got != c.want {
			t.Errorf("%s to %s: %q, want %q", c.from, c.to, got, c.want)
		}
	}
}

// What a step, a case or a live change may not do to a virtual switch is refused while the file is read, as in the file
// itself.
func TestSetsOfSwitchesAreChecked(t *testing.T) {
	const grouped = "format: 1\nlab: t\nnodes:\n  vs: {kind: vswitch, profile: distributed, groups: {Nested: {}, Lab: {}}}\n  a: {}\n  b: {}\nlinks: [a -- vs/Nested, b -- vs/Lab]\n"
	const plain = "format: 1\nlab: t\nnodes:\n  vs: {kind: vswitch}\n  a: {}\n  b: {}\nlinks: [a b -- vs]\n"
	for _, c := range []struct{ file, set, want string }{
		{grouped, `{groups: {Nestd: {promiscuous: accept}}}`, `groups.Nestd: vs has no port group "Nestd"; did you mean "Nested"?`},
		{grouped, `{groups: {lab: {promiscuous: accept}}}`, `groups.lab: vs has no port group "lab"; did you mean "Lab"?`},
		{grouped, `{groups: {Nope: {}}}`, `groups.Nope: vs has no port group "Nope"; it has Nested and Lab`},
		{grouped, `{ports: {c: {up: false}}}`, `ports.c: vs has no port "c"; it has a and b`},
		{grouped, `{ports: {a: {promiscuous: accept}}}`, `ports.a.promiscuous: vs:a: group Nested does not let its ports override this`},
		{grouped, `{groups: {Lab: {vlan: {pvlan: 5}}}}`, `groups.Lab.vlan: vs/Lab: 5 is not an id of a private VLAN of this switch`},
		{plain, `{groups: {Foo: {vlan: 5}}}`, `groups.Foo: vs has no port groups; say it for the switch, or make the group in the file`},
		{plain, `{ports: {a: {mac_changes: accept}}}`, `ports.a.mac_changes: vs:a: ports of a standard switch have no policies`},
		{plain, `{mac_learning: true}`, `mac_learning: a standard switch does not learn`},
		{plain, `{vlan: "10-20"}`, `vlan: a standard switch has one VLAN or all of them`},
		{plain, `{teaming: {active: [a]}}`, `teaming: a is not an uplink`},
	} {
		for prefix, step := range map[string]string{
			"steps[0].set.vs.":     "steps:\n- name: one\n  set: {vs: " + c.set + "}\n",
			"steps[0].cases.x.vs.": "steps:\n- name: one\n  cases: {x: {vs: " + c.set + "}}\n  expect: {cases: \"x\"}\n",
		} {
			lab, problems := labfile.Load("t.yaml", []byte(c.file+step))
			if lab != nil || len(problems) == 0 || !strings.Contains(problems.Error(), ": "+prefix+c.want) {
				t.Errorf("%s%s:\n%v\nwant %s", prefix, c.set, problems.Error(), prefix+c.want)
			}
		}
		changed, problems := set(mustLoad(t, c.file), "vs", nil, c.set)
		if changed != nil || len(problems) != 1 || !strings.HasPrefix(problems[0].Error(), "set vs."+c.want) {
			t.Errorf("%s:\n%v\nwant set vs.%s", c.set, problems, c.want)
		}
	}
}

// A live change of a group survives as long as its file has the group.
func TestOverlayOfAGroupThatIsGone(t *testing.T) {
	const file = "format: 1\nlab: t\nnodes:\n  vs: {kind: vswitch, groups: {%: {}}}\n  a: {}\nlinks: [a -- vs/%]\n"
	change := []labfile.Overlay{{Node: "vs", Path: []string{"groups", "Lab", "promiscuous"}, Value: "accept"}}
	if changed, problems := mustLoad(t, strings.ReplaceAll(file, "%", "Lab")).Overlaid(0, change); changed == nil {
		t.Fatal(problems)
	}
	again, problems := mustLoad(t, strings.ReplaceAll(file, "%", "Office")).Overlaid(0, change)
	if again != nil || !strings.Contains(problems.Error(), `set vs.groups.Lab: vs has no port group "Lab"; it has Office`) {
		t.Errorf("%v", problems)
	}
}

// A changed file may have a group more; nothing is rebuilt for it.
func TestGroupsOfAChangedFile(t *testing.T) {
	const file = "format: 1\nlab: t\nnodes:\n  vs: {kind: vswitch, profile: distributed, groups: {Lab: {}%}}\n  a: {}\nlinks: [a -- vs/Lab]\n"
	plan, changes := Diff(mustLoad(t, strings.Replace(file, "%", "", 1)).Lab, mustLoad(t, strings.Replace(file, "%", ", New: {}", 1)).Lab, "x")
	want := []Change{{"vs", "New: - -> made"}, {"vs", "New: port_overrides: - -> [blocked]"}}
	if !slices.Equal(changes, want) || len(plan.Ops) != 0 {
		t.Errorf("%v\n%s", changes, plan)
	}
}
