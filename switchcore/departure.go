package switchcore

// Departure is a policy that is not as the platform has it, or as the level above says.
type Departure struct {
	At    Level  // LevelSwitch, LevelGroup or LevelPort
	Name  string // of the group or port; "" of the switch
	Key   string // as a lab file calls it: forged_transmits, mac_learning.limit
	Value string // as a lab file has it
}

// Departures are what a configuration says beside its platform's defaults, each policy once, at the level that says it:
// of the switch, then of its groups, then of its ports, in their order.
func (c *Config) Departures() []Departure {
	name := c.Preset
	if name == "" {
		name = presets[c.Profile].name
	}
	plain, _ := Preset(name)
	for i := range c.Ports {
		plain.Ports = append(plain.Ports, Port{Name: c.Ports[i].Name, Uplink: c.Ports[i].Uplink})
	}
	var out []Departure
	tell := func(at Level, name string, is, above []policyText) {
		for i, t := range is {
			if t.value != above[i].value {
				out = append(out, Departure{at, name, t.key, t.value})
			}
		}
	}
	top := c.values(&Port{})
	tell(LevelSwitch, "", top, plain.values(&Port{}))
	for i := range c.Groups {
		tell(LevelGroup, c.Groups[i].Name, c.values(&Port{Group: c.Groups[i].Name}), top)
	}
	for i := range c.Ports {
		p := &c.Ports[i]
		above := c.values(&Port{Group: p.Group})
		if p.Uplink {
			above = plain.values(&Port{Uplink: true})
		}
		tell(LevelPort, p.Name, c.values(p), above)
	}
	return out
}
