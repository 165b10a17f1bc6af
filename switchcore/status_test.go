package switchcore

import "testing"

// Two settings that do different things never have the same words.
func TestVLANString(t *testing.T) {
	for want, v := range map[string]VLAN{
		"0":        {},
		"10":       {ID: 10},
		"trunk":    {Mode: Trunk, Ranges: []VLANRange{{0, 4094}}},
		"trunk 10": {Mode: Trunk, Ranges: []VLANRange{{10, 10}}},
		"10-20":    {Mode: Trunk, Ranges: []VLANRange{{10, 20}}},
		"10,20-30": {Mode: Trunk, Ranges: []VLANRange{{10, 10}, {20, 30}}},
		"pvlan 10": {Mode: PrivateVLAN, ID: 10},
	} {
		if got := v.String(); got != want {
			t.Errorf("%+v: %q, want %q", v.Mode, got, want)
		}
	}
}
