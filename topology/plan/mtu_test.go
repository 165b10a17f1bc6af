package plan

import (
	"fmt"
	"strings"
	"testing"

	"labctl/topology/labfile"
)

// The MTU of a port is the port's, and a bridge takes the lowest unless it has one of its own, which then is written
// after its ports.
func TestMTUOfPorts(t *testing.T) {
	src := strings.Replace(diffBase, "s1: {kind: bridge}", "s1: {kind: bridge, ports: {a: {mtu: 9000}, b: {mtu: 9000}, r: {mtu: 9000}}}", 1)
	for name, c := range map[string]struct {
		old, new string
		bridge   int
		last     string // the operation that sets the bridge's MTU
	}{
		"all larger":      {"", "", 9000, ""},
		"one not":         {", r: {mtu: 9000}", "", 1500, ""},
		"one of its own":  {"{kind: bridge,", "{kind: bridge, mtu: 1600,", 1600, "SetMTU s1 link set dev s1 mtu 1600"},
		"its own, lowest": {"{kind: bridge,", "{kind: bridge, mtu: 9000,", 9000, ""},
	} {
		lab := mustLoad(t, strings.Replace(src, c.old, c.new, 1))
		s1 := lab.Node("s1")
		if s1.Interface("s1").MTU != c.bridge || s1.Interface("a").MTU != 9000 {
			t.Errorf("%s: the bridge has %d, port a %d", name, s1.Interface("s1").MTU, s1.Interface("a").MTU)
		}
		last := ""
		for _, op := range kinds(New(lab.Lab, "x")) {
			if strings.HasPrefix(op, "SetMTU s1 link set dev s1") {
				last = op
			}
		}
		if last != c.last {
			t.Errorf("%s: %q, want %q", name, last, c.last)
		}
	}
	// A change of ports moves a bridge that nobody has set yet, so what the file gives is written then.
	own := strings.Replace(diffBase, "s1: {kind: bridge}", "s1: {kind: bridge, mtu: 1500}", 1)
	larger := strings.Replace(own, "mtu: 1500}", "mtu: 1500, ports: {a: {mtu: 9000}, b: {mtu: 9000}, r: {mtu: 9000}}}", 1)
	plan, _ := Diff(mustLoad(t, own).Lab, mustLoad(t, larger).Lab, "x")
	if ops := fmt.Sprint(kinds(plan)); !strings.Contains(ops, "SetMTU s1 link set dev s1 mtu 1500") {
		t.Error(ops)
	}
}

// Who sends more than the other end of the cable takes is warned of, and nobody else.
func TestWarnsOfUnequalMTU(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"a: {ip: 10.0.0.1/24}", "a: {ip: 10.0.0.1/24, mtu: 9000}", "diff.yaml:5:29: warning: nodes.a.mtu: a:eth0 sends packets of up to 9000 bytes, and s1:a at the other end of its cable takes 1500"},
		{"{kind: bridge}", "{kind: bridge, ports: {b: {mtu: 1400}}}", "nodes.s1.ports.b.mtu: b:eth0 sends packets of up to 1500 bytes, and s1:b at the other end of its cable takes 1400"},
		{"{kind: bridge}", "{kind: vswitch, mtu: 1400}", "nodes.s1.mtu: a:eth0 sends packets of up to 1500 bytes, and s1:a at the other end of its cable takes 1400"},
		{"{kind: bridge}", "{kind: vswitch, mtu: 1600}", ""},
		{"lab: diff", "lab: diff\nmtu: 9000", ""},
		{"", "", ""},
	} {
		lab, problems := labfile.Load("diff.yaml", []byte(strings.Replace(diffBase, c.old, c.new, 1)))
		if got := problems.Error(); lab == nil || !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s: %v %s", c.new, lab != nil, got)
		}
	}
}
