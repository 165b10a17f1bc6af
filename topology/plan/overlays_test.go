package plan

import (
	"encoding/json"
	"strings"
	"testing"

	"labctl/topology"
)

func TestSetIsWhatAStepWouldDo(t *testing.T) {
	lab := loadGood(t, "mac-changes")
	changed, problems := lab.Set("vSwitch0", []string{"mac_changes"}, "accept")
	if changed == nil {
		t.Fatal(problems)
	}
	_, changes := Diff(lab, changed, "x")
	if len(changes) != 1 || changes[0] != (Change{"vSwitch0", "mac_changes: - -> accept"}) {
		t.Errorf("changes %v", changes)
	}
	if lab.Overlays() != nil || len(changed.Overlays()) != 1 || string(changed.Source) != string(lab.Source) || len(changed.Steps) != len(lab.Steps) {
		t.Error("the lab changed, or the new one is not the file's")
	}
	more, problems := changed.Set("guest", []string{"effective_mac"}, "00:50:56:00:00:99")
	if more == nil {
		t.Fatal(problems)
	}
	if more.Node("guest").Interfaces[0].EffectiveMAC.String() != "00:50:56:00:00:99" || !*more.Node("vSwitch0").Switch.Config.Spec.MACChanges {
		t.Error("two changes do not add up")
	}
	again, problems := more.Set("vSwitch0", []string{"mac_changes"}, "reject")
	if again == nil || len(again.Overlays()) != 2 {
		t.Errorf("%v %v", problems, again.Overlays())
	}
	back, problems := again.Reset("guest", "vSwitch0")
	if back == nil {
		t.Fatal(problems)
	}
	if _, changes := Diff(lab, back, "x"); len(changes) != 0 || len(back.Overlays()) != 0 {
		t.Errorf("after a reset there is still %v", changes)
	}
}

// A change made while a step stands is laid over that step, and can be kept as JSON.
func TestOverlaidStep(t *testing.T) {
	lab := loadGood(t, "mac-learning")
	step := lab.Steps[1].Lab
	text, err := json.Marshal([]topology.Overlay{{Node: "dvs", Path: []string{"groups", "Nested", "mac_learning", "limit"}, Value: "5"}, {Node: "peer", Path: nil, Value: "{ip: 192.168.0.7/24}"}})
	if err != nil {
		t.Fatal(err)
	}
	var list []topology.Overlay
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	changed, problems := step.Overlaid(list)
	if changed == nil {
		t.Fatal(problems)
	}
	learning := changed.Node("dvs").Switch.Config.Groups[1].Spec.Learning
	if *learning.Limit != 5 || *learning.Drop {
		t.Errorf("limit %d drop %v: the step's own change is lost, or ours", *learning.Limit, *learning.Drop)
	}
	if got := changed.Node("peer").Interfaces[0].Addrs[0].String(); got != "192.168.0.7/24" {
		t.Errorf("peer has %s", got)
	}
	again, _ := changed.Overlaid(changed.Overlays())
	if describeLab(again) != describeLab(changed) {
		t.Error("the same changes give another lab")
	}
}

func TestSetRefuses(t *testing.T) {
	lab := loadGood(t, "promiscuous")
	for _, c := range []struct{ node, path, value, want string }{
		{"vSwitch0", "promiscuous", "acept", `set vSwitch0.promiscuous: "acept" is unknown here; want accept or reject; did you mean "accept"?`},
		{"vSwitch0", "promiscous", "accept", `set vSwitch0.promiscous: unknown key; did you mean "promiscuous"?`},
		{"vSwitch9", "promiscuous", "accept", `set vSwitch9.promiscuous: no node "vSwitch9"; did you mean "vSwitch0"?`},
		{"vSwitch0", "groups.Lab.vlan", "5000", `set vSwitch0.groups.Lab.vlan: 5000 does not fit; want a VLAN from 0 to 4094 (0: untagged; 4095 is written trunk)`},
		{"vSwitch0", "ports.winn.up", "false", `set vSwitch0.ports.winn: vSwitch0 has no port "winn"; did you mean "win1"?`},
		{"vSwitch0", "kind", "host", `set vSwitch0.kind: cannot be changed while the lab is up; change the file`},
		{"vSwitch0", "groups.lab.promiscuous", "accept", `set vSwitch0.groups.lab: vSwitch0 has no port group "lab"; did you mean "Lab"?`},
		{"vSwitch0", "groups.Nope.promiscuous", "accept", `set vSwitch0.groups.Nope: vSwitch0 has no port group "Nope"; it has `},
		{"vSwitch0", "promiscuous", "", `set vSwitch0.promiscuous: needs a value`},
		{"vSwitch0", "promiscuous", "{a", `set vSwitch0.promiscuous: `},
		{"vSwitch0", "promiscuous", "&a accept", `set vSwitch0.promiscuous: anchors are not allowed`},
		{"pc", "ip", "10.0.0.1", `set pc.ip: "10.0.0.1" has no length; write 10.0.0.1/24`},
	} {
		changed, problems := lab.Set(c.node, strings.Split(c.path, "."), c.value)
		if changed != nil || len(problems) == 0 || !strings.HasPrefix(problems[0].Error(), c.want) {
			t.Errorf("%s.%s=%s: got %v\nwant %s", c.node, c.path, c.value, problems, c.want)
		}
	}
	if _, problems := lab.Reset("vSwitch"); !strings.Contains(problems.Error(), `did you mean "vSwitch0"?`) {
		t.Errorf("%v", problems)
	}
	if changed, problems := (&topology.Lab{}).Set("a", nil, "{}"); changed != nil || len(problems) != 1 {
		t.Error("a lab of no file was changed")
	}
}

func TestSplitSetting(t *testing.T) {
	lab := loadGood(t, "nested-esxi")
	for text, want := range map[string]string{
		"dvs.groups.Nested.promiscuous":      "dvs [groups Nested promiscuous]",
		"esxi1.vSwitch0.promiscuous":         "esxi1.vSwitch0 [promiscuous]",
		"esxi1.interfaces.vmk0.mac":          "esxi1 [interfaces vmk0 mac]",
		"x1.sysctls.net.ipv4.ip_default_ttl": "x1 [sysctls net.ipv4.ip_default_ttl]",
		"x1.routes.10.0.0.0/8":               "x1 [routes 10.0.0.0/8]",
		"x1":                                 "x1 []",
		"x2.ip":                              "none",
		"esxi1.vSwitch01.x":                  "esxi1 [vSwitch01 x]",
	} {
		node, path, ok := lab.SplitSetting(text)
		got := node + " [" + strings.Join(path, " ") + "]"
		if !ok {
			got = "none"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
