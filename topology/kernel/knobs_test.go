package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/plan"
)

// TestKnobs: what is set of a bridge and of its port is what iproute2 shows, and goes back.
func TestKnobs(t *testing.T) {
	s, _ := newSpace(t)
	usual, was := topology.DefaultBridgeSettings(), topology.DefaultPortSettings()
	br := usual
	br.Mcast = topology.McastSettings{Querier: true, QueryInterval: 2 * time.Second, QueryResponseInterval: time.Second,
		MembershipInterval: 5 * time.Second, QuerierInterval: 6 * time.Second, LastMemberInterval: 300 * time.Millisecond,
		StartupQueryInterval: 1500 * time.Millisecond}
	port := was
	port.GroupFwdMask, port.McastRouter, port.Priority, port.NeighSuppress = 4, 2, 5, true
	port.Locked, port.MAB = true, true
	ops := []plan.Op{
		plan.AddNamespace{Node: "a"},
		plan.AddBridge{Node: "a", Name: "br", MTU: 1500, Settings: br},
		plan.AddVeth{Near: plan.VethEnd{Node: "a", Name: "p0", MAC: switchcore.MAC{2, 0, 0, 0, 0, 1}, MTU: 1500, Up: true},
			Far: plan.VethEnd{Node: "a", Name: "p1", MAC: switchcore.MAC{2, 0, 0, 0, 0, 2}, MTU: 1500}},
		plan.SetMaster{Node: "a", Name: "p0", Master: "br"},
		plan.SetPort{Node: "a", Name: "p0", From: was, To: port},
	}
	apply := func(ops ...plan.Op) error {
		return s.Apply(context.Background(), &plan.Plan{Instance: "t", Ops: ops}, Runner{})
	}
	if err := apply(ops...); err != nil {
		t.Fatal(err)
	}
	wantKnobs(t, "br", map[string]any{"mcast_querier": 1.0, "mcast_query_intvl": 200.0, "mcast_query_response_intvl": 100.0,
		"mcast_membership_intvl": 500.0, "mcast_querier_intvl": 600.0, "mcast_last_member_intvl": 30.0, "mcast_startup_query_intvl": 150.0})
	wantKnobs(t, "p0", map[string]any{"group_fwd_mask": "0x4", "multicast_router": 2.0, "priority": 5.0, "neigh_suppress": true, "locked": true})
	if err := apply(plan.SetBridge{Node: "a", Name: "br", From: br, To: usual}, plan.SetPort{Node: "a", Name: "p0", From: port, To: was}); err != nil {
		t.Fatal(err)
	}
	wantKnobs(t, "br", map[string]any{"mcast_querier": 0.0, "mcast_query_intvl": 12500.0, "mcast_query_response_intvl": 1000.0,
		"mcast_membership_intvl": 26000.0, "mcast_querier_intvl": 25500.0, "mcast_last_member_intvl": 100.0, "mcast_startup_query_intvl": 3124.0})
	wantKnobs(t, "p0", map[string]any{"group_fwd_mask": "0", "multicast_router": 1.0, "priority": 32.0, "neigh_suppress": false, "locked": false})

	n, err := s.of("a")
	if err != nil {
		t.Fatal(err)
	}
	future := &knobs{kept: map[uint16]string{9999: "crystal_ball"}}
	if err := future.lacking(n, "p0", unix.IFLA_INFO_SLAVE_DATA); !errors.Is(err, ErrUnsupported) {
		t.Errorf("a knob that no kernel has: %v", err)
	}
}

// wantKnobs compares settings with those that iproute2 shows.
func wantKnobs(t *testing.T, name string, want map[string]any) {
	t.Helper()
	var links []struct {
		Linkinfo struct {
			Data  map[string]any `json:"info_data"`
			Slave map[string]any `json:"info_slave_data"`
		}
	}
	if err := json.Unmarshal([]byte(ip(t, "-d -j -n t.a link show "+name)), &links); err != nil {
		t.Fatal(err)
	}
	for key, value := range want {
		got := links[0].Linkinfo.Data[key]
		if name != "br" {
			got = links[0].Linkinfo.Slave[key]
		}
		if got != value {
			t.Errorf("%s: %s is %v, want %v", name, key, got, value)
		}
	}
}
