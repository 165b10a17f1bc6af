package topology

import "labctl/switchcore"

// ProfileNames are what "profile" may be: the platforms in the order of switchcore's, then the presets over them.
func ProfileNames() []string {
	return switchcore.PresetNames()
}

// OverrideWords are what a port group may let its ports override, in the order of the bits of switchcore's Overrides.
func OverrideWords() []string { return switchcore.OverrideWords() }

// TeamingWords are the teaming policies, in the order of switchcore's.
func TeamingWords() []string {
	return []string{"originating_port", "source_mac", "ip_hash", "explicit"}
}
