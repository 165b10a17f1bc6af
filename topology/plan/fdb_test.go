package plan

import (
	"strings"
	"testing"

	"labctl/topology"
	"labctl/topology/labfile"
)

// What is between two labs says everything about static entries: those that move, go, and those that went with their
// port.
func TestDiffOfStaticEntries(t *testing.T) {
	with := func(fdb, rest string) *topology.Lab {
		return mustLoad(t, strings.Replace(strings.Replace(diffBase, "s1: {kind: bridge}", "s1: {kind: bridge, "+fdb+"}", 1), "a: {ip: 10.0.0.1/24", "a: {ip: 10.0.0.1/24"+rest, 1)).Lab
	}
	one := `fdb: {"02:00:00:00:00:09": a, "02:00:00:00:00:08": b}`
	for _, c := range []struct{ name, fdb, rest, ops, says string }{
		{"moved", `fdb: {"02:00:00:00:00:09": r, "02:00:00:00:00:08": b}`, "", "AddStatic bridge -n x.s1 fdb replace 02:00:00:00:00:09 dev r master static", "s1: fdb 02:00:00:00:00:09: a -> r"},
		{"gone", `fdb: {"02:00:00:00:00:09": a}`, "", "DelStatic bridge -n x.s1 fdb del 02:00:00:00:00:08 dev b master 2>/dev/null || true", "s1: fdb 02:00:00:00:00:08: b -> -"},
		{"other order", `fdb: {"02:00:00:00:00:08": b, "02:00:00:00:00:09": a}`, "", "", ""},
		{"port made again", one, `, run: ["true"]`, "AddStatic bridge -n x.s1 fdb replace 02:00:00:00:00:09 dev a master static", ""},
		{"bridge made again", one + ", ipv6: true", "", "AddStatic bridge -n x.s1 fdb replace 02:00:00:00:00:08 dev b master static\nAddStatic bridge -n x.s1 fdb replace 02:00:00:00:00:09 dev a master static", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan, changes := Diff(with(one, ""), with(c.fdb, c.rest), "x")
			var ops, says []string
			for _, op := range kinds(plan) {
				if strings.Contains(op, "Static ") {
					ops = append(ops, op)
				}
			}
			for _, k := range changes {
				if strings.Contains(k.What, "fdb") {
					says = append(says, k.What)
				}
			}
			if strings.Join(ops, "\n") != c.ops || strings.Join(says, "\n") != c.says {
				t.Errorf("got\n%s\nsays %q", strings.Join(ops, "\n"), says)
			}
		})
	}
}

// A step and "labctl set" lay single entries over the file's; an empty map empties.
func TestSetStaticEntries(t *testing.T) {
	lab := mustLoad(t, strings.Replace(diffBase, "s1: {kind: bridge}", `s1: {kind: bridge, fdb: {"02:00:00:00:00:09": a}}`, 1))
	node, path, ok := labfile.SplitSetting(lab.Lab, "s1.fdb.02:00:00:00:00:09")
	if !ok || node != "s1" || len(path) != 2 {
		t.Fatalf("%v %q %v", node, path, ok)
	}
	for value, want := range map[string]string{"b": "[{02:00:00:00:00:09 b}]", "nobody": ""} {
		got, problems := set(lab, node, path, value)
		if (len(problems) > 0) != (want == "") {
			t.Fatalf("%s: %v", value, problems)
		}
		if want != "" && words(got.Node("s1").Interface("s1").Static) != want {
			t.Errorf("%s: %v", value, got.Node("s1").Interface("s1").Static)
		}
	}
	empty, problems := set(lab, "s1", []string{"fdb"}, "{}")
	if len(problems) > 0 || len(empty.Node("s1").Interface("s1").Static) != 0 {
		t.Errorf("%v %v", problems, empty.Node("s1").Interface("s1").Static)
	}
}

func words(list []topology.StaticEntry) string {
	var out []string
	for _, e := range list {
		out = append(out, "{"+e.MAC.String()+" "+e.Port+"}")
	}
	return "[" + strings.Join(out, " ") + "]"
}
