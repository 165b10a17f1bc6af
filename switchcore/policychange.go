package switchcore

import (
	"slices"
	"strconv"
	"strings"
)

// told is a policy of one level in words.
type told struct{ key, value string }

// tellPolicies tells what differs from the configuration before. A change that a group or port only inherits is told once, at the
// level above; ports and groups that are new have no past.
func (s *Switch) tellPolicies(was *Config) {
	is := &s.conf
	top := s.tellLevel(nil, was.words(&Port{}), is.words(&Port{}), nil)
	inGroup := map[string][]change{"": top}
	for i := range is.Groups {
		name := is.Groups[i].Name
		if was.group(name) != nil {
			inGroup[name] = s.tellLevel(nil, was.words(&Port{Group: name}), is.words(&Port{Group: name}), top)
		}
	}
	for _, p := range s.order {
		i := slices.IndexFunc(was.Ports, func(o Port) bool { return o.Name == p.conf.Name && o.Uplink == p.conf.Uplink })
		if i >= 0 {
			s.tellLevel(p, was.words(&was.Ports[i]), is.words(&p.conf), inGroup[p.conf.Group])
		}
	}
}

// change is one policy that differs.
type change struct{ key, old, new string }

// tellLevel tells the changes of one level, without those of the level above, and returns all of them.
func (s *Switch) tellLevel(p *port, was, is []told, above []change) []change {
	var all []change
	for i, t := range is {
		if was[i].value == t.value {
			continue
		}
		c := change{t.key, was[i].value, t.value}
		all = append(all, c)
		if !slices.Contains(above, c) {
			s.event(EventPolicyChanged, p, c.old, c.new, c.key)
		}
	}
	return all
}

// words are the policies that hold for a port, always the same ones in the same order.
func (c *Config) words(p *Port) []told {
	r := c.compute(p)
	from := func(value string, l Level) string {
		if l == LevelGroup {
			return value + " (group " + p.Group + ")"
		}
		return value + " (" + l.String() + ")"
	}
	choice := func(v Setting, yes, no string) string {
		if v.Value {
			return from(yes, v.From)
		}
		return from(no, v.From)
	}
	l, t := &r.Learning, &r.Teaming
	return []told{
		{"promiscuous", choice(r.Promiscuous, "accept", "reject")},
		{"mac_changes", choice(r.MACChanges, "accept", "reject")},
		{"forged_transmits", choice(r.ForgedTransmits, "accept", "reject")},
		{"mac_learning", choice(l.Enabled, "true", "false")},
		{"mac_learning.unicast_flooding", choice(l.Flooding, "true", "false")},
		{"mac_learning.limit", from(strconv.Itoa(l.Limit), l.LimitFrom)},
		{"mac_learning.limit_policy", choice(l.Drop, "drop", "allow")},
		{"mac_learning.ageing", from(l.Ageing.String(), l.AgeingFrom)},
		{"vlan", from(r.VLAN.String(), r.VLANFrom)},
		{"teaming.policy", from(t.Policy.String(), t.PolicyFrom)},
		{"teaming.active", from(names(t.Active), t.OrderFrom)},
		{"teaming.standby", names(t.Standby)}, // its origin is not kept
		{"teaming.failback", choice(t.Failback, "true", "false")},
		{"teaming.notify_switches", choice(t.Notify, "true", "false")},
		{"allowed", from(r.SourceCheck.String(), r.SourceCheckFrom)},
		{"blocked", choice(r.Blocked, "true", "false")},
	}
}

func names(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ",")
}

// String is the policy as a lab file says it.
func (t TeamingPolicy) String() string {
	if t > Explicit {
		return "policy(?)"
	}
	return [...]string{"originating_port", "source_mac", "ip_hash", "explicit"}[t]
}

// String says what a frame's source is compared with.
func (c SourceCheck) String() string {
	switch c.Mode {
	case CheckInitial:
		return "initial address"
	case CheckAllowed:
		list := []string{"initial address"}
		for _, m := range c.Allowed {
			list = append(list, m.String())
		}
		return strings.Join(list, ",")
	}
	return "effective address"
}
