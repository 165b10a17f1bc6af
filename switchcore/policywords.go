package switchcore

import (
	"strconv"
	"strings"
)

// policyText is a policy of one level in words.
type policyText struct{ key, value string }

// levelUnknown is the origin of a value of which it is not kept.
const levelUnknown = LevelPort + 1

// words are the policies that hold for a port, always the same ones in the same order.
func (c *Config) words(p *Port) []policyText {
	var list []policyText
	c.eachPolicy(p, func(key, value string, from Level) {
		switch from {
		case levelUnknown:
		case LevelGroup:
			value += " (group " + p.Group + ")"
		default:
			value += " (" + from.String() + ")"
		}
		list = append(list, policyText{key, value})
	})
	return list
}

// values are words without the levels that they come from.
func (c *Config) values(p *Port) []policyText {
	var list []policyText
	c.eachPolicy(p, func(key, value string, _ Level) { list = append(list, policyText{key, value}) })
	return list
}

// eachPolicy says the policies that hold for a port.
func (c *Config) eachPolicy(p *Port, say func(key, value string, from Level)) {
	r := c.compute(p)
	for i := range policies {
		policies[i].words(&r, say)
	}
}

// names are the uplinks of a team in words.
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
	return teamingWords[t]
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

// String is the setting as a lab file says it, save that a trunk of VLAN 10 alone, "10-10" in a file, is "trunk 10":
// "10" is a port in VLAN 10.
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
