package plan

import (
	"fmt"
	"strings"

	"labctl/switchcore"
	"labctl/topology"
)

// SwitchChanges says in words what differs between two states of a virtual switch, in a stable order, as "Nested:
// forged_transmits: reject -> accept"; a dash is a value that is inherited. What is seen on its interfaces is not among
// it: ports that come and go, their MTU, and ports that the administrator unplugs. Both nodes must be virtual switches.
func SwitchChanges(old, new *topology.Node) []Change {
	was, is := settings(old), settings(new)
	before := make(map[string]string, len(was))
	for _, s := range was {
		before[s.key] = s.value
	}
	var out []Change
	say := func(key, from, to string) {
		if from != to {
			out = append(out, Change{new.Name, fmt.Sprintf("%s: %s -> %s", key, from, to)})
		}
	}
	seen := make(map[string]bool, len(is))
	for _, s := range is {
		seen[s.key] = true
		from, there := before[s.key]
		if !there {
			from = "-"
		}
		say(s.key, from, s.value)
	}
	for _, s := range was {
		if !seen[s.key] {
			say(s.key, s.value, "-")
		}
	}
	return out
}

// platform is the profile or the preset of a virtual switch, which it cannot change.
func platform(n *topology.Node) string {
	if c := &n.Switch.Config; c.Preset != "" {
		return c.Preset
	}
	return topology.ProfileNames()[n.Switch.Config.Profile]
}

// setting is one value of a virtual switch in words.
type setting struct{ key, value string }

// settings are all values of a virtual switch that are said somewhere, those of the switch first.
func settings(n *topology.Node) []setting {
	c := &n.Switch.Config
	var out []setting
	add := func(key, value string) { out = append(out, setting{key, value}) }
	specSettings(add, "", &c.Spec)
	add("block_guest_bpdu", fmt.Sprint(c.BlockGuestBPDU))
	add("reverse_path_check", fmt.Sprint(c.ReversePathCheck))
	add("reverse_path_check_promiscuous", fmt.Sprint(c.ReversePathCheckPromiscuous))
	add("ageing", c.Ageing.String())
	add("fdb_size", limitWord(c.FDBSize))
	add("max_ports", limitWord(c.MaxPorts))
	add("link_local", map[bool]string{true: "drop", false: "forward"}[c.LinkLocal])
	for _, p := range c.PVLANs {
		add(fmt.Sprintf("pvlan %d", p.Primary), fmt.Sprintf("isolated %d, community %v", p.Isolated, p.Community))
	}
	for _, g := range c.Groups {
		add(g.Name, "made")
		specSettings(add, g.Name+": ", &g.Spec)
		var may []string
		for i, w := range topology.OverrideWords() {
			if g.Overrides&(1<<i) != 0 {
				may = append(may, w)
			}
		}
		add(g.Name+": port_overrides", "["+strings.Join(may, ", ")+"]")
	}
	for i, p := range c.Ports {
		name := p.Name + ": "
		if n.Interface(p.Name) == nil { // else they are seen there
			add(p.Name, "made")
			add(name+"up", fmt.Sprint(!p.Down))
			add(name+"mtu", fmt.Sprint(p.MTU))
		} else if p.Group != "" {
			add(name+"group", p.Group)
		}
		specSettings(add, name, &p.Spec)
		if !p.Uplink {
			add(name+"initial MAC", p.Initial.String())
		}
		add(name+"uplink", fmt.Sprint(p.Uplink))
		add(name+"isolated", fmt.Sprint(p.Isolated))
		add(name+"hairpin", fmt.Sprint(p.Hairpin))
		add(name+"shared", fmt.Sprint(n.Switch.Ports[i].Shared))
		add(name+"at", n.Switch.Ports[i].At.String())
	}
	return out
}

func limitWord(n int) string {
	if n == 0 {
		return "not limited"
	}
	return fmt.Sprint(n)
}

// specSettings are the values that one level says.
func specSettings(add func(key, value string), at string, s *switchcore.Spec) {
	word := func(key string, v *bool, yes, no string) {
		switch {
		case v == nil:
		case *v:
			add(at+key, yes)
		default:
			add(at+key, no)
		}
	}
	for _, d := range switchcore.Decisions() {
		word(d.Key, *d.Of(s), "accept", "reject")
	}
	word("mac_learning", s.Learning.Enabled, "true", "false")
	word("mac_learning.unicast_flooding", s.Learning.Flooding, "true", "false")
	if s.Learning.Limit != nil {
		add(at+"mac_learning.limit", fmt.Sprint(*s.Learning.Limit))
	}
	word("mac_learning.limit_policy", s.Learning.Drop, "drop", "allow")
	if s.Learning.Ageing != nil {
		add(at+"mac_learning.ageing", s.Learning.Ageing.String())
	}
	if s.VLAN != nil {
		add(at+"vlan", vlanWord(*s.VLAN))
	}
	if s.Teaming.Policy != nil {
		add(at+"teaming.policy", topology.TeamingWords()[*s.Teaming.Policy])
	}
	if s.Teaming.Active != nil {
		add(at+"teaming.active", "["+strings.Join(s.Teaming.Active, ", ")+"]")
	}
	if s.Teaming.Standby != nil {
		add(at+"teaming.standby", "["+strings.Join(s.Teaming.Standby, ", ")+"]")
	}
	word("teaming.failback", s.Teaming.Failback, "true", "false")
	word("teaming.notify_switches", s.Teaming.Notify, "true", "false")
	word("blocked", s.Blocked, "true", "false")
	if s.SourceCheck != nil && s.SourceCheck.Mode == switchcore.CheckInitial {
		add(at+"source_check", "initial MAC")
	} else if s.SourceCheck != nil {
		var words []string
		for _, m := range s.SourceCheck.Allowed {
			words = append(words, m.String())
		}
		add(at+"allowed", "["+strings.Join(words, ", ")+"]")
	}
}

// vlanWord is a VLAN setting in the core's words, save that private VLANs look as in a lab file.
func vlanWord(v switchcore.VLAN) string {
	if v.Mode == switchcore.PrivateVLAN {
		return fmt.Sprintf("{pvlan: %d}", v.ID)
	}
	return v.String()
}
