package kernel

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/plan"
)

// groupsOf are the groups that an interface has joined, as "ip maddr" says.
func groupsOf(t *testing.T, ns, name string) (list []string) {
	t.Helper()
	var out []struct {
		Maddr []struct{ Family, Address string }
	}
	text := ip(t, "-j -n "+ns+" maddr show dev "+name)
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	for _, m := range out[0].Maddr {
		list = append(list, m.Address)
	}
	return list
}

// TestJoins: more groups than a socket takes are joined, of both families; they outlive the interface going down, and
// one that was made again can join again. No socket keeps a namespace that was removed.
func TestJoins(t *testing.T) {
	s, _ := newSpace(t)
	apply := func(ops ...plan.Op) {
		t.Helper()
		if err := s.Apply(context.Background(), &plan.Plan{Instance: "t", Ops: ops}, Runner{}); err != nil {
			t.Fatal(err)
		}
	}
	var groups []netip.Addr
	for i := range 30 {
		groups = append(groups, netip.AddrFrom4([4]byte{239, 1, 1, byte(i)}), netip.MustParseAddr(fmt.Sprintf("ff15::%x", i+1)))
	}
	joins := func(f func(node, name string, group netip.Addr) plan.Op) (ops []plan.Op) {
		for _, g := range groups {
			ops = append(ops, f("a", "eth0", g))
		}
		return ops
	}
	all := joins(func(node, name string, group netip.Addr) plan.Op {
		return plan.JoinGroup{Node: node, Name: name, Group: group}
	})
	veth := plan.AddVeth{Near: plan.VethEnd{Node: "b", Name: "eth0", MAC: switchcore.MAC{2, 0, 0, 0, 0, 1}, MTU: 1500, Up: true},
		Far: plan.VethEnd{Node: "a", Name: "eth0", MAC: switchcore.MAC{2, 0, 0, 0, 0, 2}, MTU: 1500}}
	up := plan.SetUp{Node: "a", Name: "eth0", Up: true}
	look := func(when string, want int) {
		t.Helper()
		have, n := groupsOf(t, "t.a", "eth0"), 0
		for _, g := range groups {
			if slices.Contains(have, g.String()) {
				n++
			}
		}
		if n != want {
			t.Errorf("%s: %d of %d groups are joined, want %d: %q", when, n, len(groups), want, have)
		}
	}
	on := plan.SetSysctl{Node: "a", Sysctl: topology.Sysctl{Key: "net/ipv6/conf/all/disable_ipv6", Value: "0"}}
	apply(plan.AddNamespace{Node: "a"}, plan.AddNamespace{Node: "b"}, on, veth, up)
	look("before", 0)
	apply(all...)
	look("joined", len(groups))
	apply(all...)
	look("joined twice", len(groups))
	apply(plan.SetUp{Node: "a", Name: "eth0"}, up)
	look("down and up", len(groups))
	apply(plan.DelLink{Node: "b", Name: "eth0"}, veth, up) // removed at its other end
	look("made again", 0)
	apply(all...)
	look("joined again", len(groups))
	apply(joins(func(node, name string, group netip.Addr) plan.Op {
		return plan.LeaveGroup{Node: node, Name: name, Group: group}
	})...)
	look("left", 0)
	apply(all...)
	apply(plan.DelLink{Node: "a", Name: "eth0"})
	n, err := s.of("a")
	if err != nil {
		t.Fatal(err)
	}
	if len(n.joins.held) > 0 {
		t.Errorf("%d sockets are left of an interface that is gone", len(n.joins.held))
	}
	apply(veth, up)
	apply(all...)
	look("before the end", len(groups))
	if err := s.Remove(); err != nil { // waits until the kernel has let go of it
		t.Error(err)
	}
}
