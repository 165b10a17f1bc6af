package plan

import (
	"fmt"
	"strings"
	"testing"

	"labctl/topology/labfile"
)

const diffBase = `format: 1
lab: diff
nodes:
  s1: {kind: bridge}
  a: {ip: 10.0.0.1/24}
  b: {ip: 10.0.0.2/24, routes: {default: 10.0.0.254}}
  r: {kind: router, ip: 10.0.0.254/24}
links:
  - a b r -- s1
`

// kinds are the operations of a plan, each as "Type node".
func kinds(p *Plan) []string {
	var out []string
	for _, op := range p.Ops {
		words := strings.Fields(strings.NewReplacer("ip -n x.", "", "ip -6 -n x.", "").Replace(op.shell(p.Namespace)))
		out = append(out, strings.TrimPrefix(fmt.Sprintf("%T", op), "plan.")+" "+strings.Join(words, " "))
	}
	return out
}

func TestDiff(t *testing.T) {
	for _, c := range []struct {
		name      string
		old, new  string // what is replaced in diffBase
		says      string // all changes, joined by "; "
		ops       string // operations that must be there, by prefix, in this order, separated by " | "
		keeps     []string
		opsExcept string // a prefix that no operation may have
	}{
		{"nothing", "", "", "", "", []string{"s1", "a", "b", "r"}, "A"},
		{"an address", "10.0.0.1/24", "10.0.0.9/24", "a: eth0: ip [10.0.0.1/24] -> [10.0.0.9/24]", "DelAddr a addr del 10.0.0.1/24 | AddAddr a addr replace 10.0.0.9/24",
			[]string{"s1", "a", "b", "r"}, "AddVeth"},
		{"an MTU", "a: {ip: 10.0.0.1/24}", "a: {ip: 10.0.0.1/24, mtu: 1400}", "a: eth0: mtu 1500 -> 1400", "SetMTU a link set dev eth0 mtu 1400",
			[]string{"s1", "a", "b", "r"}, "AddVeth"},
		{"a MAC", "a: {ip: 10.0.0.1/24}", `a: {ip: 10.0.0.1/24, effective_mac: "02:00:00:00:00:05"}`, "", "SetMAC a link set dev eth0 address 02:00:00:00:00:05",
			[]string{"s1", "a", "b", "r"}, "AddVeth"},
		{"promisc", "a: {ip: 10.0.0.1/24}", "a: {ip: 10.0.0.1/24, promisc: true}", "a: eth0: promisc false -> true", "SetPromisc a link set dev eth0 promisc on",
			[]string{"s1", "a", "b", "r"}, "AddVeth"},
		{"a group", "a: {ip: 10.0.0.1/24}", "a: {ip: 10.0.0.1/24, joins: 239.1.1.1}", "a: eth0: joins [] -> [239.1.1.1]", "JoinGroup a addr replace 239.1.1.1/32 dev eth0 scope host autojoin",
			[]string{"s1", "a", "b", "r"}, "AddVeth"},
		{"a sysctl", "a: {ip: 10.0.0.1/24}", "a: {ip: 10.0.0.1/24, sysctls: {net.ipv4.ip_default_ttl: 9}}", "a: sysctl net/ipv4/ip_default_ttl: kernel default -> 9", "SetSysctl ip netns exec x.a sysctl -qw net/ipv4/ip_default_ttl=9",
			[]string{"s1", "a", "b", "r"}, "AddVeth"},
		{"a route", "default: 10.0.0.254", "default: 10.0.0.1", "b: route default: via 10.0.0.254 -> via 10.0.0.1", "DelRoute b route del default via 10.0.0.254 | AddRoute b route add default via 10.0.0.1",
			[]string{"s1", "a", "b", "r"}, "AddVeth"},
		{"a neighbour", "a: {ip: 10.0.0.1/24}", `a: {ip: 10.0.0.1/24, neigh: {10.0.0.2: "02:00:00:00:00:02"}}`, "a: eth0: neigh 10.0.0.2: - -> 02:00:00:00:00:02", "AddNeighbour a neigh replace 10.0.0.2",
			[]string{"s1", "a", "b", "r"}, "AddVeth"},
		{"a bridge's setting", "s1: {kind: bridge}", "s1: {kind: bridge, ageing: 30s}", "", "SetBridge s1 link set dev s1 type bridge ageing_time 3000",
			[]string{"s1", "a", "b", "r"}, "AddVeth"},
		{"a port's setting", "s1: {kind: bridge}", "s1: {kind: bridge, ports: {a: {isolated: true}}}", "s1: a: port settings", "SetPort s1 link set dev a type bridge_slave isolated on",
			[]string{"s1", "a", "b", "r"}, "AddVeth"},
		{"a static entry", "s1: {kind: bridge}", `s1: {kind: bridge, fdb: {"02:00:00:00:00:09": a, b: r}}`, "s1: s1: fdb 02:00:00:00:00:09: - -> a", "AddStatic bridge -n x.s1 fdb replace 00:50:56:3a:b3:f9 dev r master static | AddStatic bridge -n x.s1 fdb replace 02:00:00:00:00:09 dev a",
			[]string{"s1", "a", "b", "r"}, "AddVeth"},
		{"a port that is down", "s1: {kind: bridge}", "s1: {kind: bridge, ports: {a: {up: false}}}", "s1: a: down", "SetUp s1 link set dev a down",
			[]string{"s1", "a", "b", "r"}, "AddVeth"},
		{"a router no more", "kind: router, ip", "ip", "", "SetSysctl ip netns exec x.r sysctl -qw net/ipv4/ip_forward=0",
			[]string{"s1", "a", "b", "r"}, "AddVeth"},
		{"a host more", "  r: {kind", "  c: {ip: 10.0.0.3/24}\n  r: {kind", "c: made", "AddNamespace ip netns add x.c", []string{"s1", "a", "b", "r"}, "DelNamespace"},
		{"commands", "a: {ip: 10.0.0.1/24}", `a: {ip: 10.0.0.1/24, run: ["true"]}`, "a: rebuilt: run: other commands",
			"DelLink s1 link delete dev a | DelNamespace ip netns delete x.a | AddNamespace ip netns add x.a | AddVeth | RunCommand ip netns exec x.a sh -c true", []string{"s1", "b", "r"}, "DelNamespace ip netns delete x.s1"},
		{"IPv6", "a: {ip: 10.0.0.1/24}", "a: {ip: 10.0.0.1/24, ipv6: true}", "a: rebuilt: ipv6 false -> true", "DelNamespace ip netns delete x.a", []string{"s1", "b", "r"}, "DelNamespace ip netns delete x.s1"},
		{"another kind", "a: {ip: 10.0.0.1/24}", "a: {kind: bridge, ip: 10.0.0.1/24}", "", "DelNamespace ip netns delete x.a", []string{"s1", "b", "r"}, "DelNamespace ip netns delete x.s1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.old != "" && strings.Count(diffBase, c.old) != 1 {
				t.Fatalf("%q is not there once", c.old)
			}
			src := strings.Replace(diffBase, c.old, c.new, 1)
			if strings.Contains(c.new, "c: {ip") {
				src = strings.Replace(src, "a b r --", "a b c r --", 1)
			}
			plan, changes := Diff(mustLoad(t, diffBase).Lab, mustLoad(t, src).Lab, "x")
			ops := kinds(plan)
			var said []string
			for _, ch := range changes {
				said = append(said, ch.Node+": "+ch.What)
			}
			if got := strings.Join(said, "; "); c.says != "" && !strings.Contains(got, c.says) || (len(ops) == 0) != (got == "") {
				t.Errorf("says %q, want %q", got, c.says)
			}
			at := 0
			for _, want := range strings.Split(c.ops, " | ") {
				for ; at < len(ops) && !strings.HasPrefix(ops[at], want); at++ {
				}
				if c.ops != "" && at == len(ops) {
					t.Fatalf("no %q, or not in this order, in\n%s", want, strings.Join(ops, "\n"))
				}
			}
			for _, op := range ops {
				if strings.HasPrefix(op, c.opsExcept) {
					t.Errorf("there must be no %s", op)
				}
				for _, n := range c.keeps {
					if strings.HasPrefix(op, "AddNamespace ip netns add x."+n+" ") || op == "DelNamespace ip netns delete x."+n {
						t.Errorf("%s must keep its namespace: %s", n, op)
					}
				}
			}
		})
	}
}

// There and back again is nothing, whatever lies between: the plan back undoes the plan there.
func TestDiffOfTheSameIsNothing(t *testing.T) {
	everyShipped(t, func(t *testing.T, name string, lab *labfile.File) {
		if plan, changes := Diff(lab.Lab, lab.Lab, "x"); len(plan.Ops) > 0 || len(changes) > 0 {
			t.Errorf("%v %v", changes, kinds(plan))
		}
		for _, s := range lab.Steps {
			plan, changes := Diff(s.Lab, s.Lab, "x")
			if len(plan.Ops) > 0 || len(changes) > 0 {
				t.Errorf("%s: %v", s.Name, changes)
			}
		}
	})
}

func TestRebuildMakesOnlyTheNamed(t *testing.T) {
	lab := mustLoad(t, diffBase)
	for _, op := range Rebuild(lab.Lab, "x", []string{"b"}).Ops {
		if a, ok := op.(AddNamespace); ok && a.Node != "b" {
			t.Errorf("%s is made anew", a.Node)
		}
		if v, ok := op.(AddVeth); ok && v.Far.Node != "b" && v.Near.Node != "b" {
			t.Errorf("a link that is not b's is made anew: %v", v)
		}
	}
}
