package labfile

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"labctl/topology"
	"labctl/topology/problem"
)

// link is one cable.
type link struct {
	path string
	a, b *end
}

// end is an end of a link: an interface of a host, or a port of a bridge.
type end struct {
	site  *site
	iface string // derived when the file does not give it
	pos   problem.Pos
	width int
	path  string
	group string // of a virtual switch, as written
	wide  int    // bytes of the node in front of the group
	far   *end
	bad   bool // no name could be found for it
}

// port reports whether the end is on a switch: a bridge node or a virtual switch.
func (e *end) port() bool { return e.site.kind == topology.Bridge || e.site.kind == topology.VSwitch }

var endRE = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_-]*(?:\.[A-Za-z][A-Za-z0-9_-]*)*)(/[^:/]*)?(:[^:/]+)?$`)

// linkText says why s is not two ends and what stands between them, or "".
func linkText(s string) string {
	left, right, ok := strings.Cut(s, " -- ")
	switch {
	case !ok:
		return fmt.Sprintf(`%q is not a link; want two ends with " -- " between them, as "h0 -- s1"`, problem.Clip(s))
	case strings.Contains(right, " -- "):
		return fmt.Sprintf(`%q has more than one " -- "; write one link for each cable`, problem.Clip(s))
	case strings.Contains(strings.TrimSpace(right), " "):
		return fmt.Sprintf(`%q has several ends on the right; several stand on the left only, as "a b c -- s1"`, problem.Clip(s))
	case strings.TrimSpace(left) == "" || strings.TrimSpace(right) == "":
		return fmt.Sprintf("%q has an end missing", problem.Clip(s))
	}
	return ""
}

// wire reads every link of the file, those of nested nodes too, and gives every end a name.
func (l *loader) wire() {
	l.linksOf(l.top, "links")
	for _, s := range l.sites {
		if !s.skip {
			l.linksOf(s, s.pathTo("links"))
		}
	}
	slices.SortStableFunc(l.links, func(x, y *link) int {
		return cmp.Or(cmp.Compare(x.a.pos.Line, y.a.pos.Line), cmp.Compare(x.a.pos.Col, y.a.pos.Col))
	})
	l.ends = map[*site][]*end{}
	for _, k := range l.links {
		l.ends[k.a.site] = append(l.ends[k.a.site], k.a)
		l.ends[k.b.site] = append(l.ends[k.b.site], k.b)
	}
	l.nameEnds()
	l.inGroups()
}

func (l *loader) linksOf(s *site, path string) {
	for i, n := range items(field(s.body, "links")) {
		if n.Kind == yaml.ScalarNode && linkText(n.Value) == "" {
			l.link(s, n, problem.PathIndex(path, i))
		}
	}
}

func (l *loader) link(from *site, n *yaml.Node, path string) {
	left, right, _ := strings.Cut(n.Value, " -- ")
	p := l.at(n)
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		p.Col++
	}
	// Blanks may be folded in quoted or broken text: then the words stand elsewhere, and the value's place has to do.
	exact := strings.HasPrefix(l.Line(p.Line)[min(p.Col-1, len(l.Line(p.Line))):], n.Value)
	read := func(word string, offset int) *end {
		at := p
		if exact {
			at.Col += offset
		}
		return l.end(from, word, at, path)
	}
	far := strings.TrimSpace(right)
	farAt := len(left) + len(" -- ") + strings.Index(right, far)
	offset := 0
	for _, word := range strings.Fields(left) {
		offset += strings.Index(left[offset:], word)
		a, b := read(word, offset), read(far, farAt)
		offset += len(word)
		if a.site == b.site {
			l.Add(a.pos, a.width, path, fmt.Sprintf("both ends are on %s; a cable inside a node is a veth pair: write {veth: OTHER} in its \"interfaces\"", a.site.full), false)
			continue
		}
		if len(l.links) == maxLinks {
			l.Add(a.pos, a.width, path, fmt.Sprintf("the lab has more than %s; leave some out", problem.Count(maxLinks, "link")), false)
			l.stop()
		}
		a.far, b.far = b, a
		l.links = append(l.links, &link{path: path, a: a, b: b})
	}
}

// end reads node[/group][:interface]. An end that is wrong, and reported, stands on a node of its own, so that nothing
// more is said about the link.
func (l *loader) end(from *site, word string, at problem.Pos, path string) *end {
	m := endRE.FindStringSubmatch(word)
	if m == nil {
		l.Add(at, len(word), path, fmt.Sprintf("%q is not an end of a link; want node, node:interface, switch/group or switch/group:port", problem.Clip(word)), false)
		return &end{site: &site{skip: true}, pos: at, path: path, bad: true}
	}
	name := strings.TrimPrefix(m[3], ":")
	bad := &end{site: &site{base: m[1][strings.LastIndexByte(m[1], '.')+1:], skip: true}, iface: name, pos: at, path: path, bad: true}
	s, why := l.lookup(from, m[1])
	if s == nil {
		l.Add(at, len(m[1]), path, why, false)
		return bad
	}
	if s.skip {
		return bad
	}
	if m[2] != "" && s.kind != topology.VSwitch {
		l.Add(problem.Pos{Line: at.Line, Col: at.Col + len(m[1])}, len(m[2]), path, s.full+" is not a virtual switch and has no port groups; write "+s.full, false)
		return bad
	}
	if name != "" {
		if why := interfaceName().textOK(name); why != "" {
			l.Add(problem.Pos{Line: at.Line, Col: at.Col + len(m[1]) + len(m[2]) + 1}, len(name), path, why, false)
			return bad
		}
	}
	return &end{site: s, iface: name, pos: at, width: len(word), path: path, group: strings.TrimPrefix(m[2], "/"), wide: len(m[1])}
}

// nameEnds gives names to the ends that have none: the ones that the file gives come first, wherever they stand.
func (l *loader) nameEnds() {
	taken := map[*site]map[string]*end{}
	for _, s := range l.sites {
		taken[s] = map[string]*end{}
	}
	for _, k := range l.links {
		for _, e := range []*end{k.a, k.b} {
			if e.iface == "" || e.bad {
				continue
			}
			if was := taken[e.site][e.iface]; was != nil {
				l.Add(e.pos, e.width, e.path, fmt.Sprintf("%s:%s has a link already, in line %d", e.site.full, e.iface, was.pos.Line), false)
				e.bad = true
				continue
			}
			if e.site.kind == topology.Bridge && e.iface == e.site.base {
				l.Add(e.pos, e.width, e.path, fmt.Sprintf("%s is the bridge itself; give the port another name", e.iface), false)
				e.bad = true
				continue
			}
			taken[e.site][e.iface] = e
		}
	}
	next := map[*site]int{}
	inside := map[*site]map[string]bool{}
	for _, k := range l.links {
		for _, e := range []*end{k.a, k.b} {
			if e.iface == "" && !e.bad && !e.port() {
				l.nameNIC(e, taken[e.site], next, l.madeInside(e.site, inside))
			}
		}
		// Of two bridges, one may need the other's port name for its own.
		for _, plain := range []bool{true, false} {
			for _, e := range []*end{k.a, k.b} {
				if e.iface == "" && !e.bad {
					l.namePort(e, taken[e.site], plain)
				}
			}
		}
	}
}

// nameNIC takes the lowest ethN that no link names and that no entry of "interfaces" makes in another way.
func (l *loader) nameNIC(e *end, taken map[string]*end, next map[*site]int, inside map[string]bool) {
	for i := next[e.site]; ; i++ {
		name := fmt.Sprintf("eth%d", i)
		if taken[name] == nil && !inside[name] {
			e.iface, taken[name], next[e.site] = name, e, i+1
			return
		}
	}
}

// madeInside are the interfaces of a node that the file makes without a link; known keeps them.
func (l *loader) madeInside(s *site, known map[*site]map[string]bool) map[string]bool {
	if names, ok := known[s]; ok {
		return names
	}
	names := map[string]bool{}
	for k, v := range entries(field(s.body, "interfaces")) {
		if _, how := madeBy(v); how != nil {
			names[k.Value] = true
		}
		if other := field(v, "veth"); other != nil {
			names[other.Value] = true
		}
	}
	known[s] = names
	return names
}

// madeBy is the key of an entry of "interfaces" that says how the interface is made, and its value, or nil.
func madeBy(n *yaml.Node) (topology.LinkType, *yaml.Node) {
	for _, t := range []topology.LinkType{topology.BridgeLink, topology.Veth, topology.Macvlan, topology.Macvtap, topology.VLAN} {
		if v := field(n, string(t)); v != nil {
			return t, v
		}
	}
	return "", nil
}

// namePort calls a port like the far node if plain, else <node>-<interface>.
func (l *loader) namePort(e *end, taken map[string]*end, plain bool) {
	name := e.far.site.base
	free := func() bool { return (e.site.kind != topology.Bridge || name != e.site.base) && taken[name] == nil }
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
		l.Add(e.pos, e.width, e.path, fmt.Sprintf("port name %q (%d bytes) is longer than Linux allows (%d): name it, %s:NAME",
			name, len(name), topology.MaxInterface, e.site.full), false)
	case !free() || e.far.iface == "" && strings.HasSuffix(name, "-"):
		e.bad = true
		l.Add(e.pos, e.width, e.path, fmt.Sprintf("%s has a port %q already: name this one, %s:NAME", e.site.full, strings.TrimSuffix(name, "-"), e.site.full), false)
	default:
		e.iface, taken[name] = name, e
	}
}
