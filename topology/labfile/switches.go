package labfile

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v4"

	"labctl/topology"
	"labctl/topology/problem"
)

// inGroups checks that every link end on a virtual switch says its port group exactly if it has to.
func (l *loader) inGroups() {
	for _, k := range l.links {
		for _, e := range []*end{k.a, k.b} {
			if e.site.kind == topology.VSwitch && !e.bad {
				l.inGroup(e)
			}
		}
	}
}

func (l *loader) inGroup(e *end) {
	var groups []string
	for _, word := range groupWords() {
		if field(e.site.body, word) != nil {
			return // refused by its name: there are groups, whatever they are
		}
	}
	for k := range entries(field(e.site.body, "groups")) {
		groups = append(groups, k.Value)
	}
	at := problem.Pos{Line: e.pos.Line, Col: e.pos.Col + e.wide + 1}
	switch {
	case isUplink(e.site, e.iface) && e.group != "":
		l.Add(at, len(e.group), e.path, fmt.Sprintf("%s is an uplink of %s, and uplinks are in no port group; write %s:%s", e.iface, e.site.full, e.site.base, e.iface), false)
	case isUplink(e.site, e.iface):
	case e.group == "" && len(groups) > 0:
		l.Add(e.pos, e.width, e.path, fmt.Sprintf("%s has port groups: write %s/<group>, one of %s", e.site.full, e.site.base, problem.OrList(problem.ClipList(groups))), false)
	case e.group != "" && len(groups) == 0:
		l.Add(at, len(e.group), e.path, fmt.Sprintf("%s has no port groups; write %s", e.site.full, e.site.base), false)
	case e.group != "" && !slices.Contains(groups, e.group):
		l.Add(at, len(e.group), e.path, fmt.Sprintf("%s has no port group %q%s", e.site.full, problem.Clip(e.group), l.nearOrList(e.group, func() []string { return groups })), false)
	}
}

// groupsThere refuses a set of a port group that the file does not have: links say which ports are in which group, so that
// nothing could ever be in a new one.
func (l *loader) groupsThere(s *site, set *yaml.Node, path string) bool {
	if s.kind != topology.VSwitch {
		return true
	}
	var have []string
	for k := range entries(field(s.body, "groups")) {
		have = append(have, k.Value)
	}
	ok := true
	for k := range entries(field(set, "groups")) {
		at := problem.PathKey(problem.PathKey(path, "groups"), k.Value)
		switch {
		case len(have) == 0:
			l.errorf(k, at, "%s has no port groups; say it for the switch, or make the group in the file", s.full)
			ok = false
		case !slices.Contains(have, k.Value):
			l.errorf(k, at, "%s has no port group %q%s", s.full, problem.Clip(k.Value), l.nearOrList(k.Value, func() []string { return have }))
			ok = false
		}
	}
	return ok
}

// isUplink reports whether the switch calls the port an uplink. Steps cannot change which ports are.
func isUplink(s *site, port string) bool {
	return slices.ContainsFunc(items(field(s.body, "uplinks")), func(n *yaml.Node) bool { return n.Value == port })
}

// switchNode makes the ports of a virtual switch that links end on.
func (b *build) switchNode(s *site) {
	body := b.bodyOf(s)
	for _, e := range b.ends[s] {
		if e.bad {
			continue
		}
		m := b.linkEnd(s, e)
		if m == nil {
			continue
		}
		if v := field(body, "mtu"); v != nil {
			m.MTU, m.ownMTU, m.mtuPath = intOf(v, m.MTU), v, problem.PathKey(b.path(s), "mtu")
		}
		port := field(field(body, "ports"), m.Name)
		m.Up = boolOf(field(port, "up"), true)
		b.portMTU(m, port, problem.PathKey(problem.PathKey(b.path(s), "ports"), m.Name))
	}
}

// uplinks gives each virtual switch the interfaces of its holder that it calls uplinks. A veth end is then made in the
// switch's own namespace and is the switch's alone; everything else, and what is shared, stays with the holder.
func (b *build) uplinks() {
	for _, s := range b.sites {
		if b.node[s] == nil || s.kind != topology.VSwitch {
			continue
		}
		seen := map[string]bool{}
		for i, n := range items(field(s.body, "uplinks")) {
			path := problem.PathIndex(s.pathTo("uplinks"), i)
			switch {
			case n.Kind != yaml.ScalarNode || interfaceName().textOK(n.Value) != "":
			case seen[n.Value]:
				b.errorf(n, path, "%s stands here twice", n.Value)
			default:
				b.uplink(s, n, path)
			}
			seen[n.Value] = true
		}
		b.portOrder(s)
	}
	for _, m := range b.all {
		if to, moved := b.alias[m.Peer]; moved {
			m.Peer = to
		}
	}
}

func (b *build) uplink(s *site, n *yaml.Node, path string) {
	if b.made[topology.End{Node: s.full, Interface: n.Value}] != nil || slices.ContainsFunc(b.ends[s], func(e *end) bool { return e.bad && (e.iface == n.Value || e.iface == "") }) {
		b.refuseShared(s, n.Value)
		return
	}
	if s.holder == b.top {
		b.errorf(n, path, "no link ends on %s:%s, and no node holds %s whose interface it could be", s.full, n.Value, s.full)
		return
	}
	from := topology.End{Node: s.holder.full, Interface: n.Value}
	if to, gone := b.alias[from]; gone {
		b.errorf(n, path, "%s is an uplink of %s already", from, to.Node)
		return
	}
	m := b.made[from]
	if m == nil {
		if b.node[s.holder] == nil || slices.ContainsFunc(b.ends[s.holder], func(e *end) bool { return e.bad && e.iface == n.Value }) {
			return
		}
		b.errorf(n, path, "no link ends on %s:%s, and %s has no interface %q%s", s.full, n.Value, s.holder.full, n.Value, b.Near(n.Value, b.interfaceNames(s.holder)))
		return
	}
	if m.uplinkOf != nil {
		b.errorf(n, path, "%s is an uplink of %s already", from, m.uplinkOf.full)
		return
	}
	m.uplinkOf = s
	shared := boolOf(field(field(field(b.bodyOf(s), "ports"), n.Value), "shared"), false)
	if m.Type == topology.Veth && !shared {
		b.takeUplink(s, m)
	} else if k, v := entry(field(field(b.bodyOf(s), "ports"), n.Value), "mtu"); v != nil {
		b.errorf(k, problem.PathKey(b.path(s), "ports."+n.Value+".mtu"), "%s stays with %s; write its mtu there", n.Value, s.holder.full)
	}
	if in := topology.InletOf(from); shared && (b.made[topology.End{Node: from.Node, Interface: in.Outer}] != nil || b.made[topology.End{Node: from.Node, Interface: in.Inner}] != nil) {
		b.errorf(n, path, "%s shares %s by interfaces that are called %s and %s, and %s has one of that name already", s.full, n.Value, in.Outer, in.Inner, from.Node)
	}
	b.borrowed[s] = append(b.borrowed[s], &borrowed{made: m, name: n.Value, shared: shared, said: n, where: path})
}

// borrowed is an uplink that is an interface of the switch's holder, taken away from it or not.
type borrowed struct {
	*made
	name   string
	shared bool
	said   *yaml.Node // in "uplinks"
	where  string
}

// machine is the node that a reader takes the interface to be in: of an uplink, the one that holds the switch.
func (m *made) machine() *site {
	if m.taken {
		return m.site.holder
	}
	return m.site
}

// takeUplink moves an interface of the holder into the switch.
func (b *build) takeUplink(s *site, m *made) {
	from, to := m.end, topology.End{Node: s.full, Interface: m.Name}
	b.alias[from] = to
	delete(b.made, from)
	b.made[to] = m
	b.of[m.site] = slices.DeleteFunc(b.of[m.site], func(x *made) bool { return x == m })
	b.of[s] = append(b.of[s], m)
	m.end, m.site, m.taken = to, s, true
	port := field(field(b.bodyOf(s), "ports"), m.Name)
	m.Up = m.Up && boolOf(field(port, "up"), true)
	b.portMTU(m, port, problem.PathKey(problem.PathKey(b.path(s), "ports"), m.Name))
}

// refuseShared refuses to share an uplink that nobody but the switch has.
func (b *build) refuseShared(s *site, port string) {
	if k, v := entry(field(field(b.bodyOf(s), "ports"), port), "shared"); v != nil && v.Value == "true" {
		b.errorf(k, problem.PathKey(b.path(s), "ports."+port+".shared"), "%s is the switch's own; only an interface of the node that holds the switch can be shared with it", port)
	}
}

// portOrder puts the uplinks first, as they stand in "uplinks", and leaves the order of the links to the others.
func (b *build) portOrder(s *site) {
	rank := map[string]int{}
	for i, n := range items(field(s.body, "uplinks")) {
		rank[n.Value] = i - len(items(field(s.body, "uplinks")))
	}
	slices.SortStableFunc(b.of[s], func(x, y *made) int { return rank[x.Name] - rank[y.Name] })
}

// onlySwitches refuses what an uplink that belongs to a switch alone cannot have.
func (b *build) onlySwitches() {
	for _, s := range b.sites {
		for _, u := range b.borrowed[s] {
			if u.shared {
				if u.Master != "" {
					b.errorf(u.said, u.where, "%s is a port of %s; a switch that is to share it takes %s as its uplink", u.Name, u.Master, u.Master)
				}
				continue
			}
			switch {
			case len(u.addrs) > 0 && u.taken:
				b.errorf(u.addrs[0], problem.PathKey(u.path, "ip"), "%s is an uplink of %s and belongs to it alone; an address cannot be on it", u.Name, s.full)
			case len(u.addrs) > 0:
				b.errorf(u.addrs[0], problem.PathKey(u.path, "ip"), "%s is an uplink of %s and belongs to it alone; if %s is to go on using it, write \"ports: {%s: {shared: true}}\" at %s",
					u.Name, s.full, u.site.full, u.Name, s.base)
			}
			if u.Master != "" {
				b.errorf(u.said, u.where, "%s is a port of %s and cannot be an uplink of %s too", u.Name, u.Master, s.full)
			}
		}
	}
}
