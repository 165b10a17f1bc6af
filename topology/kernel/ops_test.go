package kernel

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/plan"
)

// TestEveryOpApplies carries out every type of operation and asks iproute2 what came of it.
func TestEveryOpApplies(t *testing.T) {
	mac := func(s string) switchcore.MAC {
		m, err := switchcore.ParseMAC(s)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	base := []plan.Op{
		plan.AddNamespace{Node: "a"}, plan.AddNamespace{Node: "b"},
		plan.SetUp{Node: "a", Name: "lo", Up: true},
		plan.AddBridge{Node: "a", Name: "br", MTU: 1500, Settings: topology.DefaultBridgeSettings()},
		plan.AddVeth{Near: plan.VethEnd{Node: "a", Name: "p0", MAC: mac("02:00:00:00:00:01"), MTU: 1500, Up: true},
			Far: plan.VethEnd{Node: "b", Name: "eth0", MAC: mac("02:00:00:00:00:02"), MTU: 1500}},
		plan.SetUp{Node: "b", Name: "eth0", Up: true},
	}
	addr := plan.AddAddr{Node: "b", Name: "eth0", Addr: netip.MustParsePrefix("10.0.0.1/24")}
	route := topology.Route{Dst: netip.MustParsePrefix("10.7.0.0/16"), Type: "unicast", Via: netip.MustParseAddr("10.0.0.9")}
	several := topology.Route{Dst: netip.MustParsePrefix("10.8.0.0/16"), Type: "unicast", Table: 70000, Metric: 9,
		NextHops: []topology.NextHop{{Via: netip.MustParseAddr("10.0.0.9"), Weight: 2}, {Via: netip.MustParseAddr("9.9.9.9"), Dev: "eth0", OnLink: true, Weight: 1}}}
	fewer := several
	fewer.NextHops = several.NextHops[:1]
	rule := topology.IPRule{Priority: 4294967295, Not: true, From: netip.MustParsePrefix("10.0.0.1/32"), To: netip.MustParsePrefix("10.7.0.0/16"),
		IIF: "lo", OIF: "eth0", Mark: 1, MarkMask: 0xff, TOS: 0x10, Proto: 6, SPort: topology.PortRange{First: 1024, Last: 65534},
		DPort: topology.PortRange{First: 80, Last: 80}, Action: "table", Table: 4294967295, Suppress: -1}
	prohibit := topology.IPRule{Priority: 7, V6: true, Action: "prohibit", Suppress: -1}
	neigh := topology.Neighbour{IP: netip.MustParseAddr("10.0.0.8"), Dev: "eth0", MAC: mac("02:00:00:00:00:08")}
	to := topology.DefaultBridgeSettings()
	to.Ageing, to.STP, to.Priority, to.McastSnooping, to.GroupFwdMask = 30*time.Second, true, 4096, false, 8
	to.ForwardDelay, to.HelloTime, to.MaxAge = 4*time.Second, time.Second, 6500*time.Millisecond
	port := topology.DefaultPortSettings()
	port.Learning, port.Isolated, port.Hairpin, port.Cost = false, true, true, 9
	static := plan.AddStatic{Node: "a", Bridge: "br", StaticEntry: topology.StaticEntry{MAC: mac("02:00:00:00:00:07"), Port: "p0"}}
	master := plan.SetMaster{Node: "a", Name: "p0", Master: "br"}

	vx := plan.AddVXLAN{Node: "b", Name: "vx", Lower: topology.End{Node: "b", Interface: "eth0"}, MAC: mac("02:00:00:00:00:06"), MTU: 1400,
		VXLAN: topology.VXLAN{ID: 10, Remotes: []netip.Addr{netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.3")}, Local: addr.Addr.Addr(),
			DstPort: 8472, TTL: 9, DF: "set", Ageing: time.Minute}}
	other := vx.VXLAN
	other.Remotes, other.TTL, other.DF, other.Learning, other.Ageing = []netip.Addr{netip.MustParseAddr("10.0.0.9")}, 0, "inherit", true, time.Second
	entry := func(mac switchcore.MAC, remote string) plan.AddTunnelEntry {
		return plan.AddTunnelEntry{Node: "b", Name: "vx", TunnelEntry: topology.TunnelEntry{MAC: mac, Remote: netip.MustParseAddr(remote)}}
	}
	far := entry(mac("02:00:00:00:00:07"), "10.0.0.5")
	unknown := entry(switchcore.MAC{}, "10.0.0.3")
	ran := ""
	cases := []struct {
		ops  []plan.Op // the last one is the one that is tested
		look string    // ip -n t.…
		want string    // in what it prints; "!x": not in it
	}{
		{[]plan.Op{plan.AddNamespace{Node: "c"}}, "netns list", "t.c"},
		{[]plan.Op{plan.AddNamespace{Node: "c"}, plan.DelNamespace{Node: "c"}}, "netns list", "!t.c"},
		{[]plan.Op{plan.SetSysctl{Node: "b", Sysctl: topology.Sysctl{Key: "net/ipv4/ip_default_ttl", Value: "9"}}}, "netns exec t.b sysctl net.ipv4.ip_default_ttl", "= 9"},
		{[]plan.Op{plan.AddBridge{Node: "b", Name: "br1", MAC: mac("02:00:00:00:00:77"), MTU: 1400, Settings: to}}, "-d -n t.b link show br1", "mtu 1400"},
		{nil, "-n t.b link show eth0", "02:00:00:00:00:02"}, // AddVeth, in base
		{[]plan.Op{plan.AddUpper{Node: "a", Name: "mv", Type: topology.Macvlan, Lower: topology.End{Node: "b", Interface: "eth0"}, Mode: "vepa", MAC: mac("02:00:00:00:00:05"), MTU: 1500}}, "-d -n t.a link show mv", "macvlan mode vepa"},
		{[]plan.Op{plan.DelLink{Node: "b", Name: "eth0"}}, "-n t.a link", "!p0"},
		{[]plan.Op{master}, "-n t.a link show p0", "master br"},
		{[]plan.Op{plan.SetUp{Node: "b", Name: "eth0", Up: false}}, "-n t.b link show eth0", "state DOWN"},
		{[]plan.Op{plan.SetMAC{Node: "b", Name: "eth0", MAC: mac("02:00:00:00:00:99")}}, "-n t.b link show eth0", "02:00:00:00:00:99"},
		{[]plan.Op{plan.SetMTU{Node: "b", Name: "eth0", MTU: 1300}}, "-n t.b link show eth0", "mtu 1300"},
		{[]plan.Op{plan.SetPromisc{Node: "b", Name: "eth0", On: true}}, "-d -n t.b link show eth0", "promiscuity 1"},
		{[]plan.Op{plan.SetBridge{Node: "a", Name: "br", From: topology.DefaultBridgeSettings(), To: to}}, "-d -n t.a link show br", "forward_delay 400 hello_time 100 max_age 650 ageing_time 3000 stp_state 1 priority 4096"},
		{[]plan.Op{master, plan.SetPort{Node: "a", Name: "p0", From: topology.DefaultPortSettings(), To: port}}, "-d -n t.a link show p0", "hairpin on guard off root_block off fastleave off learning off"},
		{[]plan.Op{addr}, "-n t.b addr show eth0", "10.0.0.1/24"},
		{[]plan.Op{addr, plan.DelAddr(addr)}, "-n t.b addr show eth0", "!10.0.0.1"},
		{[]plan.Op{addr, plan.AddRoute{Node: "b", Route: route}}, "-n t.b route", "10.7.0.0/16 via 10.0.0.9"},
		{[]plan.Op{addr, plan.AddRoute{Node: "b", Route: route}, plan.DelRoute{Node: "b", Route: route}}, "-n t.b route", "!10.7.0.0"},
		{[]plan.Op{addr, plan.AddRoute{Node: "b", Route: several}}, "-o -n t.b route show table 70000", "10.8.0.0/16 metric 9 \\\tnexthop via 10.0.0.9 dev eth0 weight 2 \\\tnexthop via 9.9.9.9 dev eth0 weight 1 onlink"},
		{[]plan.Op{addr, plan.AddRoute{Node: "b", Route: fewer}, plan.DelRoute{Node: "b", Route: several}}, "-n t.b route show table all", "!10.8.0.0"},
		{[]plan.Op{plan.AddIPRule{Node: "b", IPRule: rule}}, "-n t.b rule", "not from 10.0.0.1 to 10.7.0.0/16 tos 0x10 fwmark 0x1/0xff iif lo oif eth0 ipproto tcp sport 1024-65534 dport 80 lookup 4294967295"},
		{[]plan.Op{plan.AddIPRule{Node: "b", IPRule: rule}, plan.DelIPRule{Node: "b", IPRule: rule}}, "-n t.b rule", "!4294967295"},
		{[]plan.Op{plan.AddIPRule{Node: "b", IPRule: prohibit}}, "-6 -n t.b rule", "from all prohibit"},
		{[]plan.Op{addr, plan.AddNeighbour{Node: "b", Neighbour: neigh}}, "-n t.b neigh", "10.0.0.8 dev eth0 lladdr 02:00:00:00:00:08 PERMANENT"},
		{[]plan.Op{addr, plan.AddNeighbour{Node: "b", Neighbour: neigh}, plan.DelNeighbour{Node: "b", Neighbour: neigh}}, "-n t.b neigh", "!10.0.0.8"},
		{[]plan.Op{master, static}, "netns exec t.a bridge fdb show br br", "02:00:00:00:00:07 dev p0 master br static"},
		{[]plan.Op{master, static, plan.DelStatic(static)}, "netns exec t.a bridge fdb show br br", "!02:00:00:00:00:07"},
		{[]plan.Op{vx}, "-d -n t.b link show vx", "vxlan id 10 remote 10.0.0.2 local 10.0.0.1 dev eth0 srcport 0 0 dstport 8472 nolearning ttl 9 df set ageing 60 udpcsum"},
		{[]plan.Op{vx, plan.SetVXLAN{Node: "b", Name: "vx", From: vx.VXLAN, To: other}}, "-d -n t.b link show vx", "vxlan id 10 remote 10.0.0.9 local 10.0.0.1 dev eth0 srcport 0 0 dstport 8472 ttl auto df inherit ageing 1 udpcsum"},
		{[]plan.Op{vx, unknown}, "netns exec t.b bridge fdb show dev vx", "00:00:00:00:00:00 dst 10.0.0.3 self permanent"},
		{[]plan.Op{vx, entry(far.MAC, "10.0.0.4"), far}, "netns exec t.b bridge fdb show dev vx", "02:00:00:00:00:07 dst 10.0.0.5 self permanent"},
		{[]plan.Op{vx, entry(far.MAC, "10.0.0.4"), far}, "netns exec t.b bridge fdb show dev vx", "!10.0.0.4"},
		{[]plan.Op{vx, unknown, plan.DelTunnelEntry(unknown)}, "netns exec t.b bridge fdb show dev vx", "!10.0.0.3"},
		{[]plan.Op{vx, plan.DelTunnelEntry(unknown)}, "netns exec t.b bridge fdb show dev vx", "00:00:00:00:00:00 dst 10.0.0.2"},
		{[]plan.Op{plan.RunCommand{Node: "b", Command: topology.Command{Sh: "x"}}}, "netns list", "t.b"},
		{[]plan.Op{plan.AwaitReady{Node: "b", Command: topology.Command{Sh: "x"}}}, "netns list", "t.b"},
	}
	tested := map[string]bool{}
	for _, c := range cases {
		ops := append(base[:len(base):len(base)], c.ops...)
		if c.ops == nil {
			tested["AddVeth"] = true
		}
		for _, op := range ops[len(ops)-1:] {
			tested[reflect.TypeOf(op).Name()] = true
		}
		t.Run(reflect.TypeOf(ops[len(ops)-1]).Name(), func(t *testing.T) {
			s, _ := newSpace(t)
			run := func(_ context.Context, node string, c topology.Command) error { ran = node + ":" + c.Sh; return nil }
			await := func(_ context.Context, node string, c topology.Command) error {
				ran += " " + node + "!" + c.Sh
				return nil
			}
			if err := s.Apply(context.Background(), &plan.Plan{Instance: "t", Ops: ops}, Runner{run, await}); err != nil {
				t.Fatal(err)
			}
			got := ip(t, c.look)
			if not, ok := strings.CutPrefix(c.want, "!"); ok == strings.Contains(got, not) {
				t.Errorf("ip %s: want %q in\n%s", c.look, c.want, got)
			}
		})
	}
	if noKernel == "" && ran != "b:x b!x" {
		t.Errorf("the command was run, and waited for, as %q", ran)
	}
	for _, name := range opTypes(t) {
		if !tested[name] {
			t.Errorf("no case for %s", name)
		}
	}
}

// opTypes are the operations: the types there that have the method shell.
func opTypes(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, name := range []string{"../plan/ops.go", "../plan/routes.go", "../plan/iprules.go", "../plan/staticdiff.go",
		"../plan/vxlan.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv != nil && fn.Name.Name == "shell" {
				out = append(out, fn.Recv.List[0].Type.(*ast.Ident).Name)
			}
		}
	}
	if len(out) < 20 {
		t.Fatalf("only %v found", out)
	}
	return out
}

// Deleting what is gone already is no error: the kernel takes some things away with others.
func TestRemovalOfWhatIsGone(t *testing.T) {
	s, _ := newSpace(t)
	apply(t, s, plan.AddNamespace{Node: "a"},
		plan.DelLink{Node: "a", Name: "nothing"},
		plan.DelRoute{Node: "a", Route: topology.Route{Dst: netip.MustParsePrefix("10.0.0.0/8"), Type: "blackhole"}},
		plan.DelRoute{Node: "a", Route: topology.Route{Dst: netip.MustParsePrefix("10.0.0.0/8"), Type: "unicast", Table: 5, NextHops: make([]topology.NextHop, 2)}},
		plan.DelIPRule{Node: "a", IPRule: topology.IPRule{Priority: 5, Action: "table", Table: 5, Suppress: -1}})
	err := s.Apply(context.Background(), &plan.Plan{Instance: "t", Ops: []plan.Op{plan.SetMTU{Node: "a", Name: "nothing", MTU: 1400}}}, noCommands)
	var oe *OpError
	if !errors.As(err, &oe) || !strings.Contains(err.Error(), "ip -n t.a link set dev nothing mtu 1400") {
		t.Errorf("changing what is not there: %v", err)
	}
}

// What this kernel cannot do must be said to be so, and must be so: iproute2 fails too.
func TestTypesOfInterfacesWhereTheKernelHasThem(t *testing.T) {
	s, _ := newSpace(t)
	apply(t, s, plan.AddNamespace{Node: "a"},
		plan.AddVeth{Near: plan.VethEnd{Node: "a", Name: "v0", MAC: switchcore.MAC{2, 0, 0, 0, 0, 1}, MTU: 1500}, Far: plan.VethEnd{Node: "a", Name: "v1", MAC: switchcore.MAC{2, 0, 0, 0, 0, 2}, MTU: 1500}})
	one := func(op plan.Op) error {
		return s.Apply(context.Background(), &plan.Plan{Instance: "t", Ops: []plan.Op{op}}, noCommands)
	}
	settings := topology.DefaultBridgeSettings()
	settings.VLANFiltering = true
	for what, c := range map[string]struct {
		op     plan.Op
		byHand string
	}{
		"VLAN interface": {plan.AddUpper{Node: "a", Name: "v0.5", Type: topology.VLAN, Lower: topology.End{Node: "a", Interface: "v0"}, VLANID: 5, MAC: switchcore.MAC{2, 0, 0, 0, 0, 3}, MTU: 1500},
			"ip -n t.a link add link v1 name v1.5 type vlan id 5"},
		"ipvlan": {plan.AddUpper{Node: "a", Name: "iv", Type: topology.IPVLAN, Lower: topology.End{Node: "a", Interface: "v0"}, Mode: "l3", Flags: "private", MTU: 1500},
			"ip -n t.a link add link v1 name iv1 type ipvlan mode l3 private"},
		"VLAN filtering": {plan.AddBridge{Node: "a", Name: "br", MTU: 1500, Settings: settings},
			"ip -n t.a link add by type bridge && ip -n t.a link set by type bridge vlan_filtering 1 && ip -n t.a -d link show by | grep -q 'vlan_filtering 1'"},
	} {
		err := one(c.op)
		out, byHand := exec.Command("sh", "-c", c.byHand).CombinedOutput()
		switch {
		case err == nil && byHand != nil:
			t.Errorf("%s: made, and iproute2 cannot: %v %s", what, byHand, out)
		case err != nil && byHand == nil:
			t.Errorf("%s: iproute2 can, and we say %v", what, err)
		case err != nil && !errors.Is(err, ErrUnsupported):
			t.Errorf("%s: %v is not ErrUnsupported", what, err)
		}
	}
}
