package expect

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/problem"
	"labctl/topology/rules"
)

// tableLab is a lab of hosts h0, h1 … behind the bridge s1, a router rt with two interfaces, a host hv with a bridge
// inside and a guest hv.vm1, a virtual switch dvs, and two entries of "names".
func tableLab(hosts int) *topology.Lab {
	l := &topology.Lab{Name: "tables"}
	s1 := &topology.Node{Name: "s1", Kind: topology.Bridge, Interfaces: []*topology.Interface{{Name: "s1", Type: topology.BridgeLink, Bridge: &topology.BridgeSettings{}}}}
	l.Nodes = append(l.Nodes, s1)
	for i := range hosts {
		name := fmt.Sprintf("h%d", i)
		addr := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		s1.Interfaces = append(s1.Interfaces, &topology.Interface{Name: name, Type: topology.Veth, Master: "s1"})
		l.Nodes = append(l.Nodes, &topology.Node{Name: name, Kind: topology.Host, Interfaces: []*topology.Interface{
			{Name: "eth0", Type: topology.Veth, Addrs: []netip.Prefix{netip.PrefixFrom(addr, 16)}}}})
	}
	return l
}

// richLab adds what the simple one lacks.
func richLab() *topology.Lab {
	l := tableLab(3)
	l.Nodes = append(l.Nodes,
		&topology.Node{Name: "rt", Kind: topology.Router, Interfaces: []*topology.Interface{
			{Name: "eth0", Type: topology.Veth, Pos: problem.Pos{Line: 9, Col: 1}, Addrs: mustPrefixes("10.1.0.254/24")},
			{Name: "eth1", Type: topology.Veth, Pos: problem.Pos{Line: 8, Col: 1}, Addrs: mustPrefixes("2001:db8::1/64", "10.2.0.254/24")}}},
		&topology.Node{Name: "hv", Kind: topology.Host, Interfaces: []*topology.Interface{
			{Name: "br0", Type: topology.BridgeLink, Bridge: &topology.BridgeSettings{}}, {Name: "up", Type: topology.Veth, Master: "br0"},
			{Name: "vm1", Type: topology.Veth, Master: "br0"}}},
		&topology.Node{Name: "hv.vm1", Kind: topology.Host, Interfaces: []*topology.Interface{
			{Name: "eth0", Type: topology.Veth, Addrs: mustPrefixes("10.0.0.77/16", "2001:db8::77/64")}}},
		&topology.Node{Name: "dvs", Kind: topology.VSwitch, Interfaces: []*topology.Interface{{Name: "up", Type: topology.Veth}, {Name: "p1", Type: topology.Veth}},
			Switch: &topology.Switch{Ports: []topology.SwitchPort{{Name: "up"}, {Name: "p1"}}}},
		&topology.Node{Name: "six", Kind: topology.Host, Interfaces: []*topology.Interface{{Name: "eth0", Type: topology.Veth, Addrs: mustPrefixes("2001:db8::6/64")}}})
	l.Nodes[0].Rules = []*rules.Set{{Name: "deny", Load: true, Names: []string{"to-h0", "2"}}, {Name: "off", Names: []string{"1"}}}
	l.Names = []topology.NamedEnd{{Name: "cluster", IP: netip.MustParseAddr("10.0.0.50"), MAC: switchcore.MAC{2, 0xbf}}, {Name: "mask1", MAC: switchcore.MAC{2, 1}}}
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
	l.Index(nil, nil)
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
	l.Index(nil, nil)
	for b.Loop() {
		ParseShort("ping", "ok", problem.Pos{Line: 1, Col: 9}, &Resolver{Lab: l})
	}
}

// TestTablesOfPortsAreBounded: each question is asked alone, so a table of a thousand nodes and a thousand ports would
// take hours; several of less count together.
func TestTablesOfPortsAreBounded(t *testing.T) {
	table := func(columns int) string {
		head, row := `from\to`, "*"
		for i := range columns {
			head += fmt.Sprintf(" h0:%d", i+1)
			row += " open"
		}
		return head + "\n" + row
	}
	rs := &Resolver{Lab: tableLab(1001), Cells: new(int), Alone: new(int)}
	_, problems := ParseTable("tcp", table(1000), problem.Pos{Line: 1, Col: 1}, rs)
	const want = "the tables up to this one ask 1001000 questions about ports, one after the other, which takes 1h23m25s at best, " +
		"more than 10m0s; name fewer rows or columns"
	if len(problems) != 1 || problems[0].Message != want {
		t.Errorf("%v", problems)
	}
	rs = &Resolver{Lab: tableLab(1001), Cells: new(int), Alone: new(int)}
	for i, bad := range []bool{false, true, false} { // what is too much is said once
		if _, problems := ParseTable("udp", table(100), problem.Pos{Line: i, Col: 1}, rs); (len(problems) > 0) != bad {
			t.Errorf("table %d: %v", i, problems)
		}
	}
}
