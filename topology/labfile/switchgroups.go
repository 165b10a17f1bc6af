package labfile

import (
	"fmt"
	"slices"

	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

// maxGroupName is the length of the longest name of a port group, in bytes.
const maxGroupName = 63

// groupWords are what others call "groups".
func groupWords() []string {
	return []string{"portgroups", "port_groups", "portgroup", "port_group", "group"}
}

func groupName() *grammar.Shape {
	return grammar.Named("a port group", grammar.PlainName, maxGroupName, nil)
}

// checkGroups checks that every link end on a virtual switch says its port group exactly if it has to.
func (c *cabling) checkGroups() {
	for _, k := range c.links {
		for _, e := range []*linkEnd{k.a, k.b} {
			if e.node.body == switchBody && !e.bad {
				c.checkGroup(e)
			}
		}
	}
}

func (c *cabling) checkGroup(e *linkEnd) {
	s := e.node
	for _, word := range groupWords() {
		if s.value.Has(word) {
			return // refused by its name: there are groups, whatever they are
		}
	}
	groups := s.value.Field("groups").Names()
	at := problem.Pos{Line: e.pos.Line, Col: e.pos.Col + e.wide + 1}
	refuse := func(format string, args ...any) {
		c.doc.Add(at, len(e.group), e.path, fmt.Sprintf(format, args...), false)
	}
	switch {
	case isUplink(s, e.iface) && e.group != "":
		refuse("%s is an uplink of %s, and uplinks are in no port group; write %s:%s", e.iface, s.full, s.base, e.iface)
	case isUplink(s, e.iface):
	case e.group == "" && len(groups) > 0:
		c.refuse(e, "%s has port groups: write %s/<group>, one of %s", s.full, s.base,
			problem.OrList(problem.ClipList(groups)))
	case e.group != "" && len(groups) == 0:
		refuse("%s has no port groups; write %s", s.full, s.base)
	case e.group != "" && !slices.Contains(groups, e.group):
		near := c.doc.NearOrList(e.group, func() []string { return groups })
		refuse("%s has no port group %q%s", s.full, problem.Clip(e.group), near)
	}
}

// groupsThere refuses a set of a port group that the file does not have: links say which ports are in which group, so
// that nothing could ever be in a new one.
func (t *tree) groupsThere(s *nodeDecl, set grammar.Value) bool {
	if s.body != switchBody {
		return true
	}
	have := s.value.Field("groups").Names()
	ok := true
	for v := range set.Field("groups").Fields() {
		switch {
		case len(have) == 0:
			v.Key().Errorf("%s has no port groups; say it for the switch, or make the group in the file", s.full)
			ok = false
		case !slices.Contains(have, v.Name()):
			near := t.doc.NearOrList(v.Name(), func() []string { return have })
			v.Key().Errorf("%s has no port group %q%s", s.full, problem.Clip(v.Name()), near)
			ok = false
		}
	}
	return ok
}
