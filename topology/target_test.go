package topology

import (
	"fmt"
	"net/netip"
	"testing"

	"labctl/switchcore"
	"labctl/topology/problem"
)

// targetLab has hosts h0 to h2 behind the bridge s1, a router of two interfaces, a guest, and two entries of "names".
func targetLab() *Lab {
	eth := func(name string, line int, addrs ...string) *Interface {
		i := &Interface{Name: name, Type: Veth, Pos: problem.Pos{Line: line, Col: 1}}
		for _, a := range addrs {
			i.Addrs = append(i.Addrs, netip.MustParsePrefix(a))
		}
		return i
	}
	return &Lab{Name: "targets", Nodes: []*Node{
		{Name: "s1", Kind: Bridge, Interfaces: []*Interface{{Name: "s1", Type: BridgeLink, Bridge: &BridgeSettings{}}, {Name: "h0", Type: Veth, Master: "s1"}}},
		{Name: "h0", Kind: Host, Interfaces: []*Interface{eth("eth0", 0, "10.0.0.0/16")}},
		{Name: "h1", Kind: Host, Interfaces: []*Interface{eth("eth0", 0, "10.0.0.1/16")}},
		{Name: "h2", Kind: Host, Interfaces: []*Interface{eth("eth0", 0, "10.0.0.2/16")}},
		{Name: "rt", Kind: Router, Interfaces: []*Interface{eth("eth0", 9, "10.1.0.254/24"), eth("eth1", 8, "2001:db8::1/64", "10.2.0.254/24")}},
		{Name: "hv.vm1", Kind: Host, Interfaces: []*Interface{eth("eth0", 0, "10.0.0.77/16", "2001:db8::77/64")}},
	}, Names: []NamedEnd{{Name: "cluster", IP: netip.MustParseAddr("10.0.0.50"), MAC: switchcore.MAC{2, 0xbf}}, {Name: "mask1", MAC: switchcore.MAC{2, 1}}}}
}

func TestTarget(t *testing.T) {
	l := targetLab()
	for _, tt := range []struct{ text, want string }{
		{"h1", "h1//|10.0.0.1|invalid IP"},
		{"h1:eth0", "h1/eth0/|10.0.0.1|invalid IP"},
		{"rt", "rt//|10.2.0.254|2001:db8::1"}, // eth1 comes first in the file
		{"rt:eth0", "rt/eth0/|10.1.0.254|invalid IP"},
		{"hv.vm1", "hv.vm1//|10.0.0.77|2001:db8::77"},
		{"s1", "s1//|invalid IP|invalid IP"},
		{"s1:h0", "s1/h0/|invalid IP|invalid IP"},
		{"cluster", "//cluster|10.0.0.50|invalid IP"},
		{"mask1", "//mask1|invalid IP|invalid IP"},
		{"h9", ""}, {"h1:eth9", ""}, {"", ""}, {"h1:", ""}, {"cluster:eth0", ""},
	} {
		for _, indexed := range []bool{false, true} {
			if l.byName = nil; indexed {
				l.reindex()
			}
			got := ""
			if g, ok := l.Target(tt.text); ok {
				got = fmt.Sprintf("%s/%s/%s|%v|%v", g.Node, g.Interface, g.Name, g.IP, g.IP6)
				if g.Text != tt.text {
					t.Errorf("%q: Text is %q", tt.text, g.Text)
				}
			}
			if got != tt.want {
				t.Errorf("%q (indexed %v): %q, want %q", tt.text, indexed, got, tt.want)
			}
		}
	}
}

func TestTargetSurvivesAStaleIndex(t *testing.T) {
	l := targetLab()
	l.reindex()
	step := *l
	step.Nodes = append([]*Node{{Name: "new"}}, l.Nodes[2:4]...)
	for _, name := range []string{"new", "h1", "h2"} {
		if got, ok := step.Target(name); !ok || got.Node != name {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
	if _, ok := step.Target("h0"); ok {
		t.Error("h0 is no longer there, and found")
	}
}
