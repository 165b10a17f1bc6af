package switchcore

import (
	"fmt"
	"slices"
)

// Mistake is something in a configuration that its platform does not allow. Group and Port say where, both "" for the
// switch level; Key is the lab file's name of the setting.
type Mistake struct{ Group, Port, Key, Message string }

// String is the mistake in a line.
func (m Mistake) String() string {
	where := "switch"
	switch {
	case m.Port != "":
		where = "port " + m.Port
	case m.Group != "":
		where = "group " + m.Group
	}
	if m.Key != "" {
		where += ": " + m.Key
	}
	return where + ": " + m.Message
}

// checker collects mistakes.
type checker struct {
	c           *Config
	found       []Mistake
	group, port string
}

// say notes a mistake where the checker is at.
func (k *checker) say(key, format string, args ...any) {
	k.found = append(k.found, Mistake{k.group, k.port, key, fmt.Sprintf(format, args...)})
}

// Check returns everything that the platform does not allow, in a stable order: switch, groups, ports.
func (c *Config) Check() []Mistake {
	k := &checker{c: c}
	if c.Profile > Learning {
		k.say("profile", "unknown profile %d", c.Profile)
		return k.found
	}
	k.wholeSwitch()
	k.spec(&c.Spec, true)
	names := map[string]bool{}
	for i := range c.Groups {
		g := &c.Groups[i]
		k.group = g.Name
		if g.Name == "" || names[g.Name] {
			k.say("groups", "a group needs a name of its own")
		}
		names[g.Name] = true
		if c.Profile == Standard && g.Overrides != 0 {
			k.say("port_overrides", "ports of a standard switch override nothing; say it for the group")
		}
		k.spec(&g.Spec, true)
	}
	k.group = ""
	ports := map[string]bool{}
	for i := range c.Ports {
		k.onePort(&c.Ports[i], ports)
	}
	return k.found
}

// wholeSwitch checks what is said once for all ports.
func (k *checker) wholeSwitch() {
	c := k.c
	if c.Profile != Learning {
		k.only("ageing", c.Ageing != 0)
		k.only("fdb_size", c.FDBSize != 0)
		k.only("max_ports", c.MaxPorts != 0)
		k.only("link_local", c.LinkLocal)
	}
	if c.Ageing < 0 {
		k.say("ageing", "is a time, 0 or more")
	}
	if c.FDBSize < 0 {
		k.say("fdb_size", "is a number of addresses, 0 for no limit")
	}
	if c.MaxPorts < 0 {
		k.say("max_ports", "is a number of ports, 0 for no limit")
	}
	if c.MaxPorts > 0 && len(c.Ports) > c.MaxPorts {
		k.say("ports", "%d ports, and the switch has room for %d", len(c.Ports), c.MaxPorts)
	}
	if len(c.PVLANs) > 0 && c.Profile != Distributed && c.Profile != NSX {
		k.say("vlan", "private VLANs exist with profile distributed or nsx only")
	}
	used := map[int]bool{}
	for _, v := range c.PVLANs {
		for i, id := range append([]int{v.Primary, v.Isolated}, v.Community...) {
			if i == 1 && id == 0 {
				continue
			}
			if id < 1 || id > 4094 || used[id] {
				k.say("vlan", "private VLAN id %d: want a number of its own from 1 to 4094", id)
			}
			used[id] = true
		}
	}
}

// only refuses a key that belongs to profile learning.
func (k *checker) only(key string, said bool) {
	if said {
		k.say(key, "exists with profile learning only")
	}
}

// spec checks what one level says; policies is false where the level has none.
func (k *checker) spec(s *Spec, policies bool) {
	if policies {
		k.platform(s)
	}
	k.learning(&s.Learning)
	if s.VLAN != nil {
		k.vlan(s.VLAN)
	}
	if s.SourceCheck != nil {
		for _, m := range s.SourceCheck.Allowed {
			if m[0]&1 != 0 || m == (MAC{}) {
				k.say("allowed", "%s is not the address of a station", m)
			}
		}
	}
	k.teaming(&s.Teaming)
}

// cannotBlock: DVPortSetting.blocked of the vSphere API exists for distributed ports and port groups only.
const cannotBlock = "a standard switch cannot block ports; unplug the port (up: false), or use profile distributed"

// platform refuses policies that the platform does not have: a learning switch has no policies, except for presets that
// put a source filter before it; only distributed switches learn selectively.
func (k *checker) platform(s *Spec) {
	learns := s.Learning != LearningSpec{}
	switch k.c.Profile {
	case Standard:
		if learns {
			k.say("mac_learning", "a standard switch does not learn; use profile distributed or nsx")
		}
		if s.Blocked != nil {
			k.say("blocked", cannotBlock)
		}
	case Learning:
		if learns {
			k.say("mac_learning", "profile learning learns on every port; its settings are ageing and fdb_size")
		}
		filters := s.SourceCheck != nil || k.c.Spec.SourceCheck != nil
		for _, d := range allDecisions {
			k.no(d.Key, *d.Of(s) != nil && !(filters && d.Of(s) == &s.ForgedTransmits))
		}
		k.no("teaming", !s.Teaming.empty())
	}
}

// no refuses a policy on a switch that has none.
func (k *checker) no(key string, said bool) {
	if said {
		k.say(key, "profile learning has no such policy; use profile standard, distributed or nsx")
	}
}

// learning checks the bounds: 4096 addresses of a port are the most that vSphere allows (DVSMacLearningPolicy).
func (k *checker) learning(l *LearningSpec) {
	if l.Limit != nil && (*l.Limit < 0 || *l.Limit > 4096) {
		k.say("mac_learning", "limit %d: want 0 to 4096", *l.Limit)
	}
	if l.Ageing != nil && *l.Ageing <= 0 {
		k.say("mac_learning", "ageing %v: want more than 0", *l.Ageing)
	}
}

// vlan checks a VLAN setting: a standard switch has one VLAN or all (VLAN id 4095 of vSphere), and 4095 itself is
// reserved (IEEE 802.1Q 9.6).
func (k *checker) vlan(v *VLAN) {
	switch v.Mode {
	case Untagged:
		if v.ID < 0 || v.ID > 4094 {
			k.say("vlan", "%d: want 0 to 4094, or trunk", v.ID)
		}
	case Trunk:
		if len(v.Ranges) == 0 {
			k.say("vlan", "a trunk needs at least one range")
		}
		for _, r := range v.Ranges {
			if k.c.Profile == Standard && r != (VLANRange{0, 4094}) {
				k.say("vlan", "a standard switch has one VLAN or all of them, not ranges; use profile distributed")
				break
			}
			if r.First < 0 || r.Last > 4094 || r.First > r.Last {
				k.say("vlan", "%d-%d: want a range within 0 to 4094", r.First, r.Last)
			}
		}
	case PrivateVLAN:
		for _, p := range k.c.PVLANs {
			if v.ID == p.Primary || v.ID == p.Isolated && v.ID != 0 || slices.Contains(p.Community, v.ID) {
				return
			}
		}
		k.say("vlan", "%d is not an id of a private VLAN of this switch", v.ID)
	default:
		k.say("vlan", "unknown mode %d", v.Mode)
	}
}

// teaming checks that a team is made of the uplinks of this switch.
func (k *checker) teaming(t *TeamingSpec) {
	if t.Policy != nil && *t.Policy > Explicit {
		k.say("teaming", "unknown policy %d", *t.Policy)
	}
	for _, list := range [][]string{t.Active, t.Standby} {
		for i, n := range list {
			if !slices.ContainsFunc(k.c.Ports, func(p Port) bool { return p.Name == n && p.Uplink }) {
				k.say("teaming", "%s is not an uplink of this switch", n)
			}
			if slices.Contains(list[:i], n) {
				k.say("teaming", "%s is named twice", n)
			}
		}
	}
	if len(t.Standby) > 0 && t.Active == nil && k.c.Spec.Teaming.Active == nil {
		k.say("teaming", "say which uplinks are active; without that all are, and none can stand by")
	}
}

// onePort checks a port; seen are the names of those before it.
func (k *checker) onePort(p *Port, seen map[string]bool) {
	k.port = p.Name
	if p.Name == "" || seen[p.Name] {
		k.say("ports", "a port needs a name of its own")
	}
	seen[p.Name] = true
	g := k.c.group(p.Group)
	switch {
	case p.Uplink && p.Group != "":
		k.say("group", "an uplink is in no group")
	case p.Group != "" && g == nil:
		k.say("group", "there is no group %s", p.Group)
	case p.Group == "" && len(k.c.Groups) > 0 && !p.Uplink:
		k.say("group", "say which group the port is in")
	}
	if p.Initial[0]&1 != 0 {
		k.say("mac", "%s is a group address", p.Initial)
	}
	if p.MTU < 0 {
		k.say("mtu", "%d: want 0 or more", p.MTU)
	}
	k.portLevel(p, g)
	k.spec(&p.Spec, k.c.Profile == Learning)
}

// portLevel refuses policies of a single port where there is no such level: a standard switch has none, an uplink has
// no client to ask policies of, and a group says what its ports may set for themselves.
func (k *checker) portLevel(p *Port, g *Group) {
	if k.c.Profile == Learning {
		return
	}
	for i := range policies {
		o := &policies[i]
		switch {
		case !o.said(&p.Spec):
		case p.Uplink && o.override != OverrideBlocked:
			k.say(o.key, "an uplink has no policies; say it for the switch or a group")
		case k.c.Profile == Standard && o.override == OverrideBlocked:
			k.say(o.key, cannotBlock)
		case k.c.Profile == Standard:
			k.say(o.key, "ports of a standard switch have no policies of their own; say it for the group or the switch")
		case g != nil && g.Overrides&o.override == 0:
			k.say(o.key, "group %s does not let its ports override this; add %s to its port_overrides",
				g.Name, o.override)
		}
	}
}
