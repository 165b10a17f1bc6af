package switchcore

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// A policy is told once, at the level that says it, and not if it says what holds without it.
func TestDepartures(t *testing.T) {
	yes, no, limit, ageing, hash := true, false, 2, 30*time.Second, IPHash
	c, _ := Preset("distributed")
	c.Spec = Spec{ForgedTransmits: &yes, MACChanges: &no}
	c.Groups = []Group{
		{Name: "Plain", Spec: Spec{ForgedTransmits: &yes}},
		{Name: "Back", Spec: Spec{ForgedTransmits: &no}},
		{Name: "Learns", Spec: Spec{Learning: LearningSpec{Enabled: &yes, Limit: &limit, Ageing: &ageing}, VLAN: &VLAN{ID: 10}}},
		{Name: "Team", Spec: Spec{Teaming: TeamingSpec{Policy: &hash, Active: []string{"up1"}, Standby: []string{"up0"}}}},
	}
	c.Ports = []Port{
		{Name: "up0", Uplink: true}, {Name: "up1", Uplink: true, Spec: Spec{Blocked: &yes}},
		{Name: "a", Group: "Plain"}, {Name: "b", Group: "Back", Spec: Spec{Promiscuous: &yes, ForgedTransmits: &no}}, {Name: "c", Group: "Learns"},
	}
	var got []string
	for _, d := range c.Departures() {
		got = append(got, fmt.Sprintf("%s %s %s %s", d.At, d.Name, d.Key, d.Value))
	}
	want := []string{
		"switch  forged_transmits accept",
		"group Back forged_transmits reject",
		"group Learns mac_learning true", "group Learns mac_learning.limit 2", "group Learns mac_learning.ageing 30s", "group Learns vlan 10",
		"group Team teaming.policy ip_hash", "group Team teaming.active up1", "group Team teaming.standby up0",
		"port up1 blocked true",
		"port b promiscuous accept",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// A platform departs from nothing by itself, whatever its defaults are.
func TestPlatformsDepartFromNothing(t *testing.T) {
	for _, name := range PresetNames() {
		c, _ := Preset(name)
		c.Ports = []Port{{Name: "up", Uplink: true}, {Name: "a"}, {Name: "b", Spec: Spec{Blocked: new(bool)}}}
		if got := c.Departures(); len(got) > 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
}
