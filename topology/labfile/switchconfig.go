package labfile

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/problem"
)

// virtualSwitch makes a node's [Switch] once its interfaces are complete.
func (b *build) virtualSwitch(s *site, n *topology.Node) {
	body, path := b.bodyOf(s), b.path(s)
	c, _ := switchcore.Preset(stringOf(field(s.body, "profile"), "standard"))
	b.switchSpec(&c.Spec, body, path)
	for k, v := range entries(field(body, "groups")) {
		g := switchcore.Group{Name: k.Value, Overrides: overridesOf(c.Profile, field(v, "port_overrides"))}
		b.switchSpec(&g.Spec, v, problem.PathKey(problem.PathKey(path, "groups"), k.Value))
		c.Groups = append(c.Groups, g)
	}
	switchSettings(&c, body)
	n.Switch = &topology.Switch{Config: c}
	b.switchPorts(s, n.Switch)
	b.switchMistakes(s, &n.Switch.Config)
}

// switchSettings reads what holds for the switch alone.
func switchSettings(c *switchcore.Config, body *yaml.Node) {
	c.BlockGuestBPDU = boolOf(field(body, "block_guest_bpdu"), c.BlockGuestBPDU)
	c.ReversePathCheck = boolOf(field(body, "reverse_path_check"), c.ReversePathCheck)
	c.ReversePathCheckPromiscuous = boolOf(field(body, "reverse_path_check_promiscuous"), c.ReversePathCheckPromiscuous)
	c.Ageing = durationOf(field(body, "ageing"), c.Ageing)
	c.FDBSize = intOf(field(body, "fdb_size"), c.FDBSize)
	c.MaxPorts = intOf(field(body, "max_ports"), c.MaxPorts)
	if v := field(body, "link_local"); v != nil {
		c.LinkLocal = v.Value == "drop"
	}
	for k, v := range entries(field(body, "pvlans")) {
		p := switchcore.PVLAN{Isolated: intOf(field(v, "isolated"), 0)}
		p.Primary, _ = strconv.Atoi(k.Value)
		for _, id := range items(field(v, "community")) {
			p.Community = append(p.Community, intOf(id, 0))
		}
		c.PVLANs = append(c.PVLANs, p)
	}
}

// overridesOf is what the ports of a group may set for themselves: on platforms that have such a level at all, being
// blocked, unless the group says otherwise.
func overridesOf(p switchcore.Profile, n *yaml.Node) switchcore.Overrides {
	var out switchcore.Overrides
	if n == nil && (p == switchcore.Distributed || p == switchcore.NSX) {
		return switchcore.OverrideBlocked
	}
	for _, v := range items(n) {
		for i, w := range topology.OverrideWords() {
			if v.Value == w {
				out |= switchcore.Overrides(1) << i
			}
		}
	}
	return out
}

// switchSpec reads what one level says; what it does not say stays as it is.
func (b *build) switchSpec(spec *switchcore.Spec, n *yaml.Node, path string) {
	for _, d := range switchcore.Decisions() {
		if v := field(n, d.Key); v != nil {
			*d.Of(spec) = ptr(v.Value == "accept")
		}
	}
	setBool(&spec.Blocked, field(n, "blocked"))
	if v := field(n, "mac_learning"); v != nil {
		learningSpec(&spec.Learning, v)
	}
	if v := field(n, "vlan"); v != nil {
		spec.VLAN = ptr(switchVLAN(v))
	}
	if v := field(n, "teaming"); v != nil {
		teamingSpec(&spec.Teaming, v)
	}
	if v := field(n, "allowed"); v != nil {
		check := switchcore.SourceCheck{Mode: switchcore.CheckAllowed}
		for i, a := range items(v) {
			check.Allowed = append(check.Allowed, b.mac(a, problem.PathIndex(problem.PathKey(path, "allowed"), i)))
		}
		spec.SourceCheck = &check
	}
}

func ptr[T any](v T) *T { return &v }

func setBool(to **bool, n *yaml.Node) {
	if n != nil {
		*to = ptr(boolOf(n, false))
	}
}

func learningSpec(l *switchcore.LearningSpec, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		setBool(&l.Enabled, n)
		return
	}
	l.Enabled = ptr(true)
	setBool(&l.Flooding, field(n, "unicast_flooding"))
	if v := field(n, "limit"); v != nil {
		l.Limit = ptr(intOf(v, 0))
	}
	if v := field(n, "limit_policy"); v != nil {
		l.Drop = ptr(v.Value == "drop")
	}
	if v := field(n, "ageing"); v != nil {
		l.Ageing = ptr(durationOf(v, 600*time.Second))
	}
}

// switchVLAN reads "vlan". One number is the VLAN that the port is in, with quotes or without: which it is must not hang on how
// a shell or an editor treats them.
func switchVLAN(n *yaml.Node) switchcore.VLAN {
	if v := field(n, "pvlan"); v != nil {
		return switchcore.VLAN{Mode: switchcore.PrivateVLAN, ID: intOf(v, 0)}
	}
	if id, err := strconv.Atoi(n.Value); err == nil {
		return switchcore.VLAN{ID: id}
	}
	ranges, _ := parseTrunk(n.Value)
	return switchcore.VLAN{Mode: switchcore.Trunk, Ranges: ranges}
}

func teamingSpec(t *switchcore.TeamingSpec, n *yaml.Node) {
	for i, w := range topology.TeamingWords() {
		if stringOf(field(n, "policy"), "") == w {
			t.Policy = ptr(switchcore.TeamingPolicy(i))
		}
	}
	names := func(to *[]string, n *yaml.Node) {
		if n == nil {
			return
		}
		*to = []string{} // an empty list is said, not inherited
		for _, v := range items(n) {
			*to = append(*to, v.Value)
		}
	}
	names(&t.Active, field(n, "active"))
	names(&t.Standby, field(n, "standby"))
	setBool(&t.Failback, field(n, "failback"))
	setBool(&t.Notify, field(n, "notify_switches"))
}

// switchPorts lists the ports: uplinks first, then the others in the order of their links.
func (b *build) switchPorts(s *site, sw *topology.Switch) {
	body, path := b.bodyOf(s), problem.PathKey(b.path(s), "ports")
	add := func(m *made, name string, at topology.SwitchPort) {
		v := field(field(body, "ports"), name)
		p := switchcore.Port{Name: name, Uplink: isUplink(s, name), MTU: m.MTU, Down: !boolOf(field(v, "up"), true),
			Isolated: boolOf(field(v, "isolated"), false), Hairpin: boolOf(field(v, "hairpin"), false)}
		b.switchSpec(&p.Spec, v, problem.PathKey(path, name))
		if far := b.made[m.Peer]; far != nil { // it takes 4 bytes more than it says (is_skb_forwardable, net/core/dev.c)
			p.MTU = min(p.MTU, far.MTU+4)
		}
		if far := b.made[m.Peer]; far != nil && !p.Uplink {
			at.Far, p.Initial = far.end, far.MAC
		}
		if m.link != nil && !m.taken {
			p.Group = m.link.group
		}
		sw.Config.Ports, sw.Ports = append(sw.Config.Ports, p), append(sw.Ports, at)
	}
	var lent []*borrowed
	for _, u := range b.borrowed[s] {
		if !u.taken {
			lent = append(lent, u)
		}
	}
	own := b.of[s]
	for _, u := range items(field(s.body, "uplinks")) {
		for _, x := range lent {
			if x.name == u.Value {
				add(x.made, x.name, topology.SwitchPort{Name: x.name, At: x.end, Shared: x.shared})
			}
		}
		if len(own) > 0 && own[0].Name == u.Value {
			add(own[0], own[0].Name, topology.SwitchPort{Name: own[0].Name, At: own[0].end})
			own = own[1:]
		}
	}
	for _, m := range own {
		add(m, m.Name, topology.SwitchPort{Name: m.Name, At: m.end})
	}
	b.knownPorts(s, sw, field(body, "ports"), path)
}

// knownPorts refuses settings of ports that do not exist, and sharing of what nobody else has.
func (b *build) knownPorts(s *site, sw *topology.Switch, n *yaml.Node, path string) {
	var names []string
	for _, p := range sw.Ports {
		names = append(names, p.Name)
	}
	for k, v := range entries(n) {
		at := problem.PathKey(path, k.Value)
		found := false
		for _, p := range sw.Config.Ports {
			if p.Name != k.Value {
				continue
			}
			found = true
			if sk, shared := entry(v, "shared"); shared != nil && shared.Value == "true" && !p.Uplink {
				b.errorf(sk, problem.PathKey(at, "shared"), "%s is not an uplink; only an uplink that is an interface of the node that holds the switch can be shared", p.Name)
			}
		}
		if !found && interfaceName().textOK(k.Value) == "" && !isUplink(s, k.Value) && !b.brokenEnds(s) {
			b.errorf(k, at, "%s has no port %q%s", s.full, problem.Clip(k.Value), b.nearOrList(k.Value, func() []string { return names }))
		}
	}
}

// brokenEnds reports whether a link of the node could not be made, so that one of its ports may have any name.
func (b *build) brokenEnds(s *site) bool {
	for _, e := range b.ends[s] {
		if e.bad || e.far.bad {
			return true
		}
	}
	return false
}

// switchMistakes says what the platform does not allow, where the file says it. What the grammar has refused already is not among
// it, nor are groups, which belong to links, and addresses, which belong to what is linked to the ports.
func (b *build) switchMistakes(s *site, c *switchcore.Config) {
	if b.brokenEnds(s) {
		return // a port that could not be made may be the uplink or the port that is missed
	}
	for _, m := range c.Check() {
		if m.Key == "group" || m.Key == "mac" {
			continue
		}
		at, path, n := s.key, b.path(s), b.bodyOf(s)
		step := func(key string) {
			if k, v := entry(n, key); k != nil {
				at, path, n = k, problem.PathKey(path, key), v
			} else {
				n = nil
			}
		}
		text := m.Message
		switch {
		case m.Port != "":
			text = s.full + ":" + m.Port + ": " + text
			step("ports")
			step(m.Port)
		case m.Group != "":
			text = s.full + "/" + m.Group + ": " + text
			step("groups")
			step(m.Group)
		case m.Key == "vlan" && strings.HasPrefix(text, "private VLAN"): // the core has no word for the map of them
			m.Key = "pvlans"
		case m.Key == "ports":
			m.Key = "max_ports"
		}
		if m.Key != "" {
			step(m.Key)
		}
		if !b.refused(path) {
			b.errorf(at, path, "%s", text)
		}
	}
}

// refused reports whether something is wrong at a path, or further in, already.
func (b *build) refused(path string) bool {
	return slices.ContainsFunc(b.probs, func(p problem.Problem) bool {
		rest, inside := strings.CutPrefix(p.Path, path)
		return inside && !p.Warning && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}
