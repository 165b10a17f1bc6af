package plan

import (
	"encoding/json"
	"strings"
	"testing"

	"labctl/topology/labfile"
)

func TestSetIsWhatAStepWouldDo(t *testing.T) {
	file := loadGood(t, "mac-changes")
	list := []labfile.Overlay{{Node: "vSwitch0", Path: []string{"mac_changes"}, Value: "accept"}}
	changed, problems := file.Overlaid(0, list)
	if changed == nil {
		t.Fatal(problems)
	}
	_, changes := Diff(file.Lab, changed, "x")
	if len(changes) != 1 || changes[0] != (Change{"vSwitch0", "mac_changes: - -> accept"}) {
		t.Errorf("changes %v", changes)
	}
	more, problems := file.Overlaid(0, append(list, labfile.Overlay{Node: "guest", Path: []string{"effective_mac"}, Value: "00:50:56:00:00:99"}))
	if more == nil {
		t.Fatal(problems)
	}
	if more.Node("guest").Interfaces[0].EffectiveMAC.String() != "00:50:56:00:00:99" || !*more.Node("vSwitch0").Switch.Config.Spec.MACChanges {
		t.Error("two changes do not add up")
	}
	back, problems := file.Overlaid(0, nil)
	if back == nil {
		t.Fatal(problems)
	}
	if _, changes := Diff(file.Lab, back, "x"); len(changes) != 0 {
		t.Errorf("without changes there is still %v", changes)
	}
}

// A change made while a step lasts is laid over that step, and can be kept as JSON.
func TestOverlaidStep(t *testing.T) {
	file := loadGood(t, "mac-learning")
	text, err := json.Marshal([]labfile.Overlay{{Node: "dvs", Path: []string{"groups", "Nested", "mac_learning", "limit"}, Value: "5"}, {Node: "peer", Path: nil, Value: "{ip: 192.168.0.7/24}"}})
	if err != nil {
		t.Fatal(err)
	}
	var list []labfile.Overlay
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	changed, problems := file.Overlaid(2, list)
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
	again, _ := file.Overlaid(2, list)
	var one, other strings.Builder
	describeNodes(&one, changed)
	if describeNodes(&other, again); one.String() != other.String() {
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
		changed, problems := set(lab, c.node, strings.Split(c.path, "."), c.value)
		if changed != nil || len(problems) == 0 || !strings.HasPrefix(problems[0].Error(), c.want) {
			t.Errorf("%s.%s=%s: got %v\nwant %s", c.node, c.path, c.value, problems, c.want)
		}
	}
	if changed, problems := set(&labfile.File{}, "a", nil, "{}"); changed != nil || len(problems) != 1 {
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
		node, path, ok := labfile.SplitSetting(lab.Lab, text)
		got := node + " [" + strings.Join(path, " ") + "]"
		if !ok {
			got = "none"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
