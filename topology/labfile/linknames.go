package labfile

import (
	"fmt"
	"strings"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
)

// nameEnds gives names to the ends that have none: the ones that the file gives come first, wherever they are written.
func (c *cabling) nameEnds() {
	taken := c.givenNames()
	next := map[*nodeDecl]int{}
	inside := map[*nodeDecl]map[string]bool{}
	for _, k := range c.links {
		for _, e := range []*linkEnd{k.a, k.b} {
			if e.iface == "" && !e.bad && !e.isPort() {
				nameNIC(e, taken[e.node], next, madeInside(e.node, inside))
			}
		}
		// Of two bridges, one may need the other's port name for its own.
		for _, plain := range []bool{true, false} {
			for _, e := range []*linkEnd{k.a, k.b} {
				if e.iface == "" && !e.bad {
					c.namePort(e, taken[e.node], plain)
				}
			}
		}
	}
}

// givenNames are the names that the file gives to ends, by node.
func (c *cabling) givenNames() map[*nodeDecl]map[string]*linkEnd {
	taken := map[*nodeDecl]map[string]*linkEnd{}
	for _, s := range c.all {
		taken[s] = map[string]*linkEnd{}
	}
	for _, k := range c.links {
		for _, e := range []*linkEnd{k.a, k.b} {
			if e.iface == "" || e.bad {
				continue
			}
			if was := taken[e.node][e.iface]; was != nil {
				c.refuse(e, "%s:%s has a link already, in line %d", e.node.full, e.iface, was.pos.Line)
				e.bad = true
				continue
			}
			if e.node.body == bridgeBody && e.iface == e.node.base {
				c.refuse(e, "%s is the bridge itself; give the port another name", e.iface)
				e.bad = true
				continue
			}
			taken[e.node][e.iface] = e
		}
	}
	return taken
}

// nameNIC takes the lowest ethN that no link names and that no entry of "interfaces" makes in another way.
func nameNIC(e *linkEnd, taken map[string]*linkEnd, next map[*nodeDecl]int, inside map[string]bool) {
	for i := next[e.node]; ; i++ {
		name := fmt.Sprintf("eth%d", i)
		if taken[name] == nil && !inside[name] {
			e.iface, taken[name], next[e.node] = name, e, i+1
			return
		}
	}
}

// madeInside are the interfaces of a node that the file makes without a link; known keeps them.
func madeInside(s *nodeDecl, known map[*nodeDecl]map[string]bool) map[string]bool {
	if names, ok := known[s]; ok {
		return names
	}
	names := map[string]bool{}
	for v := range s.value.Field("interfaces").Fields() {
		if _, how := madeBy(v); how.Given() {
			names[v.Name()] = true
		}
		if other := v.Field("veth"); other.Given() {
			names[other.Word()] = true
		}
	}
	known[s] = names
	return names
}

// madeBy is the key of an entry of "interfaces" that says how the interface is made.
func madeBy(v grammar.Value) (topology.LinkType, grammar.Value) {
	for _, t := range waysOfMaking() {
		if how := v.Field(t); how.Given() {
			return topology.LinkType(t), how
		}
	}
	return "", grammar.Value{}
}

// namePort calls a port like the far node if plain, else <node>-<interface>.
func (c *cabling) namePort(e *linkEnd, taken map[string]*linkEnd, plain bool) {
	name := e.far.node.base
	free := func() bool { return (e.node.body != bridgeBody || name != e.node.base) && taken[name] == nil }
	if !free() {
		if plain {
			return
		}
		name += "-" + e.far.iface
	}
	switch {
	case e.far.bad && (len(name) > topology.MaxInterface || !free() || name == ""):
		e.bad = true // what is wrong with the other end is said
	case len(name) > topology.MaxInterface:
		e.bad = true
		c.refuse(e, "port name %q (%d bytes) is longer than Linux allows (%d): name it, %s:NAME",
			name, len(name), topology.MaxInterface, e.node.full)
	case !free() || e.far.iface == "" && strings.HasSuffix(name, "-"):
		e.bad = true
		c.refuse(e, "%s has a port %q already: name this one, %s:NAME", e.node.full, strings.TrimSuffix(name, "-"),
			e.node.full)
	default:
		e.iface, taken[name] = name, e
	}
}
