package kernel

import (
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/plan"
)

// Every rule of routing policy that a lab can have is read back from the kernel as it was added, and the kernel's own
// rules are there as well; iproute2 sees as many, under the same priorities.
func TestIPRulesAreReadBack(t *testing.T) {
	s, _ := newSpace(t)
	from, to := netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("10.7.0.0/16")
	want := []topology.IPRule{
		{Priority: 1, From: from, Action: "table", Table: 100, Suppress: -1},
		{Priority: 2, Not: true, To: to, IIF: "lo", Action: "table", Table: 70000, Suppress: -1},
		{Priority: 3, OIF: "gone", Mark: 0, MarkMask: 1, Action: "table", Suppress: 0},
		{Priority: 4, Mark: 7, MarkMask: ^uint32(0), TOS: 0x1c, Action: "blackhole", Suppress: -1},
		{Priority: 5, Proto: 17, SPort: topology.PortRange{First: 1, Last: 65534}, Action: "unreachable", Suppress: -1},
		{Priority: 4294967295, Proto: 6, DPort: topology.PortRange{First: 80, Last: 80}, Action: "prohibit", Suppress: -1},
		{Priority: 6, V6: true, From: netip.MustParsePrefix("fd00::/8"), TOS: 0xfc, Action: "table", Table: topology.LocalTable, Suppress: 64},
	}
	ops := []plan.Op{plan.AddNamespace{Node: "a"}}
	for _, r := range want {
		ops = append(ops, plan.AddIPRule{Node: "a", IPRule: r})
	}
	apply(t, s, ops...)
	read := func() (ours []topology.IPRule, all int) {
		t.Helper()
		list, err := s.IPRules("a")
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			if r.Priority != 0 && r.Priority != 32766 && r.Priority != 32767 {
				ours = append(ours, r)
			}
		}
		return ours, len(list)
	}
	ours, all := read()
	if !slices.Equal(ours, want) {
		t.Errorf("read back\n%+v, want\n%+v", ours, want)
	}
	if n := len(prioritiesByIP(t, "-4")) + len(prioritiesByIP(t, "-6")); n != all || n != len(want)+5 {
		t.Errorf("%d rules are read, and ip shows %d", all, n)
	}
	for _, r := range want {
		apply(t, s, plan.DelIPRule{Node: "a", IPRule: r})
	}
	if ours, _ := read(); len(ours) > 0 {
		t.Errorf("%v are left", ours)
	}
}

func prioritiesByIP(t *testing.T, family string) []int {
	t.Helper()
	var list []struct{ Priority int }
	if err := json.Unmarshal([]byte(ip(t, family+" -j -n t.a rule")), &list); err != nil {
		t.Fatal(err)
	}
	var out []int
	for _, r := range list {
		out = append(out, r.Priority)
	}
	return out
}

// Routes of all tables are listed, with their next hops; one whose interface is down is dead.
func TestRoutesOfAllTables(t *testing.T) {
	s, _ := newSpace(t)
	via := netip.MustParseAddr
	apply(t, s, plan.AddNamespace{Node: "a"}, plan.AddNamespace{Node: "b"}, plan.SetUp{Node: "a", Name: "lo", Up: true},
		plan.AddAddr{Node: "a", Name: "lo", Addr: netip.MustParsePrefix("10.255.0.1/32")})
	for i, name := range []string{"v0", "v1"} {
		m := switchcore.MAC{2, 0, 0, 0, byte(i), 1}
		far := m
		far[5] = 2
		apply(t, s, plan.AddVeth{Near: plan.VethEnd{Node: "a", Name: name, MAC: m, MTU: 1500, Up: true}, Far: plan.VethEnd{Node: "b", Name: name, MAC: far, MTU: 1500}},
			plan.SetUp{Node: "b", Name: name, Up: true},
			plan.AddAddr{Node: "a", Name: name, Addr: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i), 1}), 24)})
	}
	apply(t, s, plan.AddRoute{Node: "a", Route: topology.Route{Dst: netip.MustParsePrefix("10.9.0.0/16"), Type: "unicast", Table: 100, Src: via("10.255.0.1"),
		NextHops: []topology.NextHop{{Via: via("10.0.0.2"), Weight: 3}, {Dev: "v1", Weight: 256}}}})
	look := func() RouteEntry {
		t.Helper()
		list, err := s.Routes("a")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if e.Table == "local" {
				t.Errorf("%+v is the kernel's own", e)
			}
		}
		i := slices.IndexFunc(list, func(e RouteEntry) bool { return e.Dst == "10.9.0.0/16" })
		if i < 0 {
			t.Fatalf("not among %+v", list)
		}
		return list[i]
	}
	e := look()
	if e.Table != "100" || e.Src != "10.255.0.1" || e.Via != "" ||
		!slices.Equal(e.NextHops, []NextHopEntry{{Via: "10.0.0.2", Dev: "v0", Weight: 3}, {Dev: "v1", Weight: 256}}) {
		t.Errorf("%+v", e)
	}
	apply(t, s, plan.AddIPRule{Node: "a", IPRule: topology.IPRule{Priority: 5, Proto: unix.IPPROTO_ICMP, Action: "table", Table: 100, Suppress: -1}},
		plan.AddIPRule{Node: "a", IPRule: topology.IPRule{Priority: 6, From: netip.MustParsePrefix("10.0.1.1/32"), Action: "table", Table: 100, Suppress: -1}})
	for _, c := range []struct {
		q    topology.RouteQuery
		want error
	}{
		{topology.RouteQuery{}, unix.ENETUNREACH}, {topology.RouteQuery{Proto: unix.IPPROTO_ICMP}, nil}, {topology.RouteQuery{Proto: unix.IPPROTO_TCP}, unix.ENETUNREACH},
		{topology.RouteQuery{From: via("10.0.1.1")}, nil}, {topology.RouteQuery{From: via("10.0.0.1")}, unix.ENETUNREACH},
	} {
		c.q.Dst = via("10.9.1.1")
		if _, err := s.Route("a", c.q); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v, want %v", c.q, err, c.want)
		}
	}
	apply(t, s, plan.SetUp{Node: "a", Name: "v1", Up: false})
	if e = look(); len(e.NextHops) != 2 || e.NextHops[0].Dead || !e.NextHops[1].Dead {
		t.Errorf("with v1 down: %+v", e)
	}
}
