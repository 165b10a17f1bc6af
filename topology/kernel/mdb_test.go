package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/plan"
)

// TestGroups: they are those of bridge -j mdb show, of IPv4, IPv6 and Ethernet, by whatever source.
func TestGroups(t *testing.T) {
	s, _ := newSpace(t)
	ops := []plan.Op{plan.AddNamespace{Node: "a"}}
	for i, br := range []string{"br", "other"} {
		ops = append(ops, plan.AddBridge{Node: "a", Name: br, MTU: 1500, Settings: topology.DefaultBridgeSettings()})
		for k := range 2 {
			near, far := fmt.Sprintf("%s%d", br, k), fmt.Sprintf("%sf%d", br, k)
			ops = append(ops, plan.AddVeth{
				Near: plan.VethEnd{Node: "a", Name: near, MAC: switchcore.MAC{2, 0, byte(i), 0, byte(k), 1}, MTU: 1500},
				Far:  plan.VethEnd{Node: "a", Name: far, MAC: switchcore.MAC{2, 0, byte(i), 0, byte(k), 2}, MTU: 1500}},
				plan.SetMaster{Node: "a", Name: near, Master: br}, plan.SetUp{Node: "a", Name: far, Up: true},
				plan.SetUp{Node: "a", Name: near, Up: true})
		}
		ops = append(ops, plan.SetUp{Node: "a", Name: br, Up: true})
	}
	if err := s.Apply(context.Background(), &plan.Plan{Instance: "t", Ops: ops}, Runner{}); err != nil {
		t.Fatal(err)
	}
	for _, add := range []string{
		"dev br port br0 grp 239.1.1.1 permanent", "dev br port br1 grp 239.1.1.1 permanent", "dev br port br1 grp ff05::1:3 permanent",
		"dev br port br1 grp 239.1.1.2 src 10.0.0.1 permanent", "dev br port br1 grp 01:80:c2:00:00:20 permanent",
		"dev other port other0 grp 239.1.1.1 permanent",
	} {
		ip(t, "netns exec t.a bridge mdb add "+add)
	}
	for _, br := range []string{"br", "other"} {
		got, err := s.Tables.Groups("a", br)
		if err != nil {
			t.Fatal(err)
		}
		var tables []struct{ MDB []struct{ Port, Grp string } }
		if err := json.Unmarshal([]byte(ip(t, "netns exec t.a bridge -j mdb show dev "+br)), &tables); err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, e := range tables[0].MDB {
			want = append(want, e.Grp+" "+e.Port)
		}
		slices.Sort(want)
		var have []string
		for _, e := range got {
			have = append(have, e.Group+" "+e.Port)
		}
		slices.Sort(have)
		if want = slices.Compact(want); !slices.Equal(have, want) || !strings.Contains(strings.Join(have, ","), "239.1.1.1 "+br+"0") {
			t.Errorf("%s: %q, want %q", br, have, want)
		}
	}
	if _, err := s.Tables.Groups("a", "br9"); !errors.Is(err, unix.ENODEV) {
		t.Errorf("no such bridge: %v", err)
	}
}
