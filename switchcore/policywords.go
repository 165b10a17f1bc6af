package switchcore

import (
	"strconv"
	"strings"
)

// policyText is a policy of one level in words.
type policyText struct{ key, value string }

// words are the policies that hold for a port, always the same ones in the same order.
func (c *Config) words(p *Port) []policyText {
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
	return []policyText{
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

// String is the setting as a lab file says it, save that a trunk of VLAN 10 alone, "10-10" in a file, is "trunk 10": "10" is a
// port in VLAN 10.
func (v VLAN) String() string {
	switch v.Mode {
	case PrivateVLAN:
		return "pvlan " + strconv.Itoa(v.ID)
	case Trunk:
		if len(v.Ranges) == 1 && v.Ranges[0] == (VLANRange{0, 4094}) {
			return "trunk"
		}
		if len(v.Ranges) == 1 && v.Ranges[0].First == v.Ranges[0].Last {
			return "trunk " + strconv.Itoa(v.Ranges[0].First)
		}
		var parts []string
		for _, r := range v.Ranges {
			t := strconv.Itoa(r.First)
			if r.Last != r.First {
				t += "-" + strconv.Itoa(r.Last)
			}
			parts = append(parts, t)
		}
		return strings.Join(parts, ",")
	}
	return strconv.Itoa(v.ID)
}
