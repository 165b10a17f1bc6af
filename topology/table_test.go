package topology

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"labctl/switchcore"
	"labctl/topology/problem"
	"labctl/topology/rules"
)

// tableLab is a lab of hosts h0, h1 … behind the bridge s1, a router rt with two interfaces, a host hv with a bridge
// inside and a guest hv.vm1, a virtual switch dvs, and two entries of "names".
func tableLab(hosts int) *Lab {
	l := &Lab{Name: "tables"}
	s1 := &Node{Name: "s1", Kind: Bridge, Interfaces: []*Interface{{Name: "s1", Type: BridgeLink, Bridge: &BridgeSettings{}}}}
	l.Nodes = append(l.Nodes, s1)
	for i := range hosts {
		name := fmt.Sprintf("h%d", i)
		addr := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		s1.Interfaces = append(s1.Interfaces, &Interface{Name: name, Type: Veth, Master: "s1"})
		l.Nodes = append(l.Nodes, &Node{Name: name, Kind: Host, Interfaces: []*Interface{
			{Name: "eth0", Type: Veth, Addrs: []netip.Prefix{netip.PrefixFrom(addr, 16)}}}})
	}
	return l
}

// richLab adds what the simple one lacks.
func richLab() *Lab {
	l := tableLab(3)
	l.Nodes = append(l.Nodes,
		&Node{Name: "rt", Kind: Router, Interfaces: []*Interface{
			{Name: "eth0", Type: Veth, Pos: problem.Pos{Line: 9, Col: 1}, Addrs: mustPrefixes("10.1.0.254/24")},
			{Name: "eth1", Type: Veth, Pos: problem.Pos{Line: 8, Col: 1}, Addrs: mustPrefixes("2001:db8::1/64", "10.2.0.254/24")}}},
		&Node{Name: "hv", Kind: Host, Interfaces: []*Interface{
			{Name: "br0", Type: BridgeLink, Bridge: &BridgeSettings{}}, {Name: "up", Type: Veth, Master: "br0"},
			{Name: "vm1", Type: Veth, Master: "br0"}}},
		&Node{Name: "hv.vm1", Kind: Host, Interfaces: []*Interface{
			{Name: "eth0", Type: Veth, Addrs: mustPrefixes("10.0.0.77/16", "2001:db8::77/64")}}},
		&Node{Name: "dvs", Kind: VSwitch, Interfaces: []*Interface{{Name: "up", Type: Veth}, {Name: "p1", Type: Veth}},
			Switch: &Switch{Ports: []SwitchPort{{Name: "up"}, {Name: "p1"}}}},
		&Node{Name: "six", Kind: Host, Interfaces: []*Interface{{Name: "eth0", Type: Veth, Addrs: mustPrefixes("2001:db8::6/64")}}})
	l.Nodes[0].Rules = []*rules.Set{{Name: "deny", Load: true, Names: []string{"to-h0", "2"}}, {Name: "off", Names: []string{"1"}}}
	l.Names = []NamedEnd{{Name: "cluster", IP: netip.MustParseAddr("10.0.0.50"), MAC: switchcore.MAC{2, 0xbf}}, {Name: "mask1", MAC: switchcore.MAC{2, 1}}}
	return l
}

func mustPrefixes(ss ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range ss {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func richResolver() *Resolver {
	return &Resolver{Lab: richLab(), Streams: []string{"talk"}, Chats: []string{"talk"}, Cases: []string{"RRR", "RRA"}}
}

func TestCount(t *testing.T) {
	for want, n := range map[string]int{"0 cells": 0, "1 cell": 1, "2 cells": 2} {
		if got := problem.Count(n, "cell"); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
	if got := problem.Count(3, "entry"); got != "3 entries" {
		t.Error(got)
	}
}

func TestTarget(t *testing.T) {
	l := richLab()
	for _, tt := range []struct{ text, want string }{
		{"h1", "h1//|10.0.0.1|invalid IP"},
		{"h1:eth0", "h1/eth0/|10.0.0.1|invalid IP"},
		{"rt", "rt//|10.2.0.254|2001:db8::1"}, // eth1 stands first in the file
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
	l := tableLab(3)
	l.reindex()
	step := *l
	step.Nodes = append([]*Node{{Name: "new"}}, l.Nodes[2:]...)
	for _, name := range []string{"new", "h1", "h2"} {
		if got, ok := step.Target(name); !ok || got.Node != name {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
	if _, ok := step.Target("h0"); ok {
		t.Error("h0 is no longer there, and found")
	}
}

// show is the cells of tables, one a line.
func show(tables []*Table) string {
	var b strings.Builder
	for i, t := range tables {
		if i > 0 {
			b.WriteString("--\n")
		}
		for _, c := range t.Cells {
			fmt.Fprintf(&b, "%d:%d+%d %v = %s", c.Pos.Line, c.Pos.Col, c.Width, c.Question, c.Want.Text)
			if !c.Judged {
				b.WriteString(" (not judged)")
			}
			if c.Case >= 0 {
				fmt.Fprintf(&b, " case %d", c.Case)
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// TestShortFormAllocatesNothingPerCell: a matrix of a thousand nodes is a million cells.
func TestShortFormAllocatesNothingPerCell(t *testing.T) {
	l := tableLab(100)
	l.reindex()
	allocs := testing.AllocsPerRun(5, func() {
		table, problems := ParseShort("ping", "ok", problem.Pos{Line: 1, Col: 9}, &Resolver{Lab: l})
		if len(table.Cells) != 9900 || problems != nil {
			t.Fatal(len(table.Cells), problems)
		}
	})
	if allocs > 100 {
		t.Errorf("%v allocations for 9900 cells", allocs)
	}
}

// BenchmarkShortForm is to stay below 10 ms.
func BenchmarkShortForm(b *testing.B) {
	l := tableLab(100)
	l.reindex()
	for b.Loop() {
		ParseShort("ping", "ok", problem.Pos{Line: 1, Col: 9}, &Resolver{Lab: l})
	}
}
