package topology

import (
	"strings"
	"testing"
)

const twoPorts = "format: 1\nlab: t\nnodes:\n  vs: {kind: vswitch, profile: distributed, ports: {a: {vlan: %}}}\n  a: {}\n  b: {}\nlinks: [a b -- vs]\n"

// A port in a VLAN and a trunk of that VLAN alone take different frames, so going from one to the other is a change.
func TestTrunkOfOneVLAN(t *testing.T) {
	load := func(vlan string) *Lab { return mustLoad(t, strings.Replace(twoPorts, "%", vlan, 1)) }
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
