package switchcore

import "time"

var presets = [...]struct {
	name string
	make func(*Config)
}{
	{"standard", func(c *Config) { c.Profile = Standard }},
	{"distributed", func(c *Config) { c.Profile = Distributed }},
	{"nsx", func(c *Config) { c.Profile = NSX }},
	{"learning", func(c *Config) { c.Profile, c.Ageing = Learning, 300*time.Second }},
	{"simple_vswitch", simpleVSwitch},
	{"hyperv", hyperV},
	{"libvirt_nwfilter", macFilter},
	{"proxmox", macFilter},
	{"openstack_port_security", portSecurity},
}

// PresetNames returns the names that [Preset] knows, profiles first.
func PresetNames() []string {
	names := make([]string, len(presets))
	for i := range presets {
		names[i] = presets[i].name
	}
	return names
}

// Preset returns the configuration, still without ports, of the platform with that name: one of the four profiles with
// its defaults, or another vendor's switch expressed by them.
func Preset(name string) (Config, bool) {
	for i := range presets {
		if presets[i].name == name {
			c := Config{ReversePathCheck: true}
			presets[i].make(&c)
			if i >= 4 {
				c.Preset = name
			}
			return c, true
		}
	}
	return Config{}, false
}

// simpleVSwitch is the kernel module of that name: 24 ports, 256 addresses, 180 seconds, link-local frames dropped
// after their source was learned.
func simpleVSwitch(c *Config) {
	c.Profile = Learning
	c.Ageing, c.FDBSize, c.MaxPorts = 180*time.Second, 256, 24
	c.LinkLocal, c.LearnBeforeLinkLocal = true, true
}

// hyperV is a port with MAC address spoofing off. On is forged transmits and MAC changes accepted, with learning.
func hyperV(c *Config) {
	no := false
	c.Profile = Distributed
	c.Spec = Spec{Promiscuous: &no, MACChanges: &no, ForgedTransmits: &no}
}

// macFilter is libvirt's no-mac-spoofing and the macfilter of Proxmox: a Linux bridge that learns, and ports that send
// from the address in their definition only. What the guest calls itself changes nothing.
func macFilter(c *Config) {
	no := false
	c.Profile, c.Ageing = Learning, 300*time.Second
	c.Spec = Spec{ForgedTransmits: &no, SourceCheck: &SourceCheck{Mode: CheckInitial}}
}

// portSecurity is Neutron's: a port sends from, and is sent, the address in its definition and the allowed address
// pairs.
func portSecurity(c *Config) {
	no, yes := false, true
	c.Profile = Distributed
	c.Spec = Spec{Promiscuous: &no, MACChanges: &yes, ForgedTransmits: &no}
	c.Spec.SourceCheck = &SourceCheck{Mode: CheckAllowed}
}
