package plan

import (
	"strings"
	"testing"
)

// TestJoins: what is in both files stays joined, unless its interface is made again; then all of it is joined again,
// when everything is up.
func TestJoins(t *testing.T) {
	lab := func(h string) string {
		return "format: 1\nlab: x\nipv6: true\nnodes:\n  s1: {kind: bridge}\n  h: {" + h + "}\nlinks: [h -- s1]\n"
	}
	from := `joins: [239.1.1.1, 239.1.1.2]`
	for _, c := range []struct{ name, to, says, ops string }{
		{"the same", from, "", ""},
		{"another order", `joins: [239.1.1.2, 239.1.1.1]`, "h: eth0: joins [239.1.1.1 239.1.1.2] -> [239.1.1.2 239.1.1.1]", ""},
		{"one more, one less", `joins: [239.1.1.2, "ff15::1"]`, "h: eth0: joins [239.1.1.1 239.1.1.2] -> [239.1.1.2 ff15::1]",
			"LeaveGroup h addr del 239.1.1.1/32 dev eth0 2>/dev/null || true | JoinGroup h addr replace ff15::1/128 dev eth0 nodad noprefixroute autojoin"},
		{"none", `joins: []`, "h: eth0: joins [239.1.1.1 239.1.1.2] -> []",
			"LeaveGroup h addr del 239.1.1.1/32 dev eth0 2>/dev/null || true | LeaveGroup h addr del 239.1.1.2/32 dev eth0 2>/dev/null || true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, changes := Diff(mustLoad(t, lab(from)).Lab, mustLoad(t, lab(c.to)).Lab, "x")
			var says []string
			for _, c := range changes {
				says = append(says, c.Node+": "+c.What)
			}
			if got := strings.Join(says, "; "); got != c.says {
				t.Errorf("says %q, want %q", got, c.says)
			}
			if got := strings.Join(kinds(p), " | "); got != c.ops {
				t.Errorf("plan\n%s\nwant\n%s", got, c.ops)
			}
		})
	}
	is := mustLoad(t, lab(from)).Lab
	again := kinds(Rejoin(is, "x"))
	if len(again) != 2 || !strings.HasPrefix(again[0], "JoinGroup h addr replace 239.1.1.1/32") {
		t.Errorf("to join all again: %q", again)
	}
	// The far end of the cable is made again with its node, and the host's end with it.
	rebuilt := kinds(Rebuild(is, "x", []string{"s1"}))
	if got := strings.Join(rebuilt[len(rebuilt)-2:], " | "); got != strings.Join(again, " | ") {
		t.Errorf("the end of the plan is %q, want %q", got, again)
	}
}
