package plan

import (
	"slices"
	"strings"
	"testing"

	"labctl/topology"
	"labctl/topology/labfile"
)

func TestSwitchChanges(t *testing.T) {
	lab := loadGood(t, "promiscuous")
	for _, c := range []struct{ set, says string }{
		{"vSwitch0.promiscuous=accept", "vSwitch0: promiscuous: - -> accept"},
		{"vSwitch0.groups.Lab={promiscuous: accept, vlan: 10}", "vSwitch0: Lab: promiscuous: - -> accept; vSwitch0: Lab: vlan: - -> 10"},
		{"vSwitch0.groups.Lab.vlan=trunk", "vSwitch0: Lab: vlan: - -> trunk"},
		{"dvs.groups.Tap={vlan: \"1-2,5\", mac_learning: {limit: 3, limit_policy: drop, ageing: 5s, unicast_flooding: false}}",
			"dvs: Tap: mac_learning: - -> true; dvs: Tap: mac_learning.unicast_flooding: - -> false; dvs: Tap: mac_learning.limit: - -> 3; " +
				"dvs: Tap: mac_learning.limit_policy: - -> drop; dvs: Tap: mac_learning.ageing: - -> 5s; dvs: Tap: vlan: - -> 1-2,5"},
		{"dvs.groups.Tap.port_overrides=[]", "dvs: Tap: port_overrides: [security] -> []"},
		{"dvs.teaming={policy: explicit, active: [vmnic1], standby: [], failback: false, notify_switches: false}",
			"dvs: teaming.policy: - -> explicit; dvs: teaming.active: - -> [vmnic1]; dvs: teaming.standby: - -> []; dvs: teaming.failback: - -> false; dvs: teaming.notify_switches: - -> false"},
		{"dvs.ports.probe={promiscuous: accept, isolated: true}", "dvs: probe: promiscuous: - -> accept; dvs: probe: isolated: false -> true"},
		{"dvs.ports.win3.blocked=true", "dvs: win3: blocked: - -> true"},
		{"dvs.ports.probe.up=false", "dvs: probe: down"},
		{"dvs.mtu=9000", "dvs: vmnic1: mtu 1500 -> 9000; dvs: win3: mtu 1500 -> 9000; dvs: win4: mtu 1500 -> 9000; dvs: probe: mtu 1500 -> 9000"},
		{"dvs.block_guest_bpdu=true", "dvs: block_guest_bpdu: false -> true"},
		{"win3.mac=\"02:00:00:00:00:07\"", "dvs: win3: initial MAC"},
		{"win3.effective_mac=\"02:00:00:00:00:07\"", "win3: eth0: mac"},
		{"dvs.promiscuous=reject", "dvs: promiscuous: - -> reject"},
	} {
		key, value, _ := strings.Cut(c.set, "=")
		node, path, _ := labfile.SplitSetting(lab.Lab, key)
		changed, problems := set(lab, node, path, value)
		if changed == nil {
			t.Errorf("%s: %v", c.set, problems)
			continue
		}
		plan, changes := Diff(lab.Lab, changed, "x")
		var said []string
		for _, ch := range changes {
			said = append(said, ch.Node+": "+ch.What)
		}
		if got := strings.Join(said, "; "); !strings.HasPrefix(got, c.says) {
			t.Errorf("%s: says %q, want %q", c.set, got, c.says)
		}
		for _, op := range plan.Ops {
			switch op.(type) {
			case SetUp, SetMAC, SetMTU:
			default:
				t.Errorf("%s: %T", c.set, op)
			}
		}
		if _, back := Diff(changed, lab.Lab, "x"); len(back) != len(changes) {
			t.Errorf("%s: %d changes there, %d back", c.set, len(changes), len(back))
		}
	}
}

func TestDiffOfPlatforms(t *testing.T) {
	load := func(profile string) *topology.Lab {
		return mustLoad(t, "format: 1\nlab: t\nnodes:\n  vs: {kind: "+profile+"}\n  a: {}\nlinks: [a -- vs]\n").Lab
	}
	for _, c := range []struct{ from, to, why string }{
		{"vswitch", "vswitch, profile: nsx", "profile standard -> nsx"},
		{"vswitch, profile: proxmox", "vswitch, profile: libvirt_nwfilter", "profile proxmox -> libvirt_nwfilter"},
		{"vswitch", "bridge", "kind vswitch -> bridge"},
		{"host", "vswitch", "kind host -> vswitch"},
	} {
		plan, changes := Diff(load(c.from), load(c.to), "x")
		if !slices.Contains(changes, Change{"vs", "rebuilt: " + c.why}) {
			t.Errorf("%s to %s: %v", c.from, c.to, changes)
		}
		if want := strings.HasPrefix(c.to, "vswitch"); strings.Contains(plan.String(), "# vs: a virtual switch") != want {
			t.Errorf("%s to %s: %s", c.from, c.to, plan)
		}
	}
	lab := load("vswitch")
	if ops := kinds(Rebuild(lab, "x", []string{"vs"})); !slices.Contains(ops, "AddNamespace ip netns add x.vs") || slices.Contains(ops, "AddNamespace ip netns add x.a") {
		t.Errorf("rebuilding the switch: %v", ops)
	}
}
