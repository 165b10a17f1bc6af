package labfile

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

// maxLinks is how many cables a file may have.
const maxLinks = 1 << 15

// cabling is the links of a file, and the ends on each node. It is the same for the file and for every step.
type cabling struct {
	*tree
	links []*link
	lost  bool                     // a link could not be read, so nobody knows whom it would have linked
	ends  map[*nodeDecl][]*linkEnd // in file order, with their interfaces' names
}

// link is one cable.
type link struct{ a, b *linkEnd }

// linkEnd is an end of a link: an interface of a host, or a port of a bridge or a switch.
type linkEnd struct {
	node  *nodeDecl
	iface string // derived when the file does not give it
	pos   problem.Pos
	width int
	path  string
	group string // of a virtual switch, as written
	wide  int    // bytes of the node in front of the group
	far   *linkEnd
	bad   bool // no name could be found for it
}

// isPort reports whether the end is on a switch: a bridge node or a virtual switch.
func (e *linkEnd) isPort() bool { return e.node.body != hostBody }

var endRE = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_-]*(?:\.[A-Za-z][A-Za-z0-9_-]*)*)(/[^:/]*)?(:[^:/]+)?$`)

// linksShape is "links", at the top or of a node.
func linksShape() *grammar.Shape {
	return &grammar.Shape{Form: grammar.List, Want: "a list of links", Instead: linksInstead,
		Doc: `cables: "a -- b", "a b c -- s1", "h0:eth1 -- s1:port"`,
		Of: &grammar.Shape{Form: grammar.Text, Want: `a link, as "h0 -- s1"`, RE: regexp.MustCompile(` -- `),
			Test: linkText, Instead: linkInstead}}
}

// otherDashes are two ends with what others write between them.
var otherDashes = regexp.MustCompile(
	`^([A-Za-z][\w./:-]*)(?:\s+(?:-|---+|–|—|<-+>|-+>|=+|to)\s+|\s*,\s*|\s*--\s*|\s+)([A-Za-z][\w./:-]*)$`)

// linkText says why s is not two ends and the dashes between them, or "".
func linkText(s string) string {
	left, right, ok := strings.Cut(s, " -- ")
	switch {
	case !ok:
		as := "h0 -- s1"
		if m := otherDashes.FindStringSubmatch(s); m != nil {
			as = m[1] + " -- " + m[2]
		}
		return fmt.Sprintf(`%q is not a link; want two ends with " -- " between them, as %q`, problem.Clip(s), as)
	case strings.Contains(right, " -- "):
		return fmt.Sprintf(`%q has more than one " -- "; write one link for each cable`, problem.Clip(s))
	case strings.Contains(strings.TrimSpace(right), " "):
		return fmt.Sprintf(`%q has several ends on the right; several are allowed on the left only, as "a b c -- s1"`,
			problem.Clip(s))
	case strings.TrimSpace(left) == "" || strings.TrimSpace(right) == "":
		return fmt.Sprintf("%q has an end missing", problem.Clip(s))
	}
	return ""
}

// newCabling reads every link of the file, those of nested nodes too, and gives every end a name.
func newCabling(t *tree) *cabling {
	c := &cabling{tree: t, ends: map[*nodeDecl][]*linkEnd{}}
	c.linksOf(t.top)
	for _, s := range t.all {
		if !s.skip {
			c.linksOf(s)
		}
	}
	slices.SortStableFunc(c.links, func(x, y *link) int {
		return cmp.Or(cmp.Compare(x.a.pos.Line, y.a.pos.Line), cmp.Compare(x.a.pos.Col, y.a.pos.Col))
	})
	for _, k := range c.links {
		c.ends[k.a.node] = append(c.ends[k.a.node], k.a)
		c.ends[k.b.node] = append(c.ends[k.b.node], k.b)
	}
	c.nameEnds()
	return c
}

func (c *cabling) linksOf(s *nodeDecl) {
	for _, v := range s.value.Field("links").Items() {
		if v.IsSingle() && linkText(v.Word()) == "" {
			c.link(s, v)
		} else {
			c.lost = true
		}
	}
	c.lost = c.lost || s.value.Field("links").IsSingle()
}

func (c *cabling) link(from *nodeDecl, v grammar.Value) {
	left, right, _ := strings.Cut(v.Word(), " -- ")
	p := v.Pos()
	if v.Style() == grammar.Quoted {
		p.Col++
	}
	// Blanks may be folded in quoted or broken text: then the words are elsewhere, and the value's place has to do.
	line := c.doc.Line(p.Line)
	exact := strings.HasPrefix(line[min(p.Col-1, len(line)):], v.Word())
	read := func(word string, offset int) *linkEnd {
		at := p
		if exact {
			at.Col += offset
		}
		return c.end(from, word, at, v.Path())
	}
	far := strings.TrimSpace(right)
	farAt := len(left) + len(" -- ") + strings.Index(right, far)
	offset := 0
	for _, word := range strings.Fields(left) {
		offset += strings.Index(left[offset:], word)
		a, b := read(word, offset), read(far, farAt)
		offset += len(word)
		if a.node == b.node {
			c.refuse(a,
				"both ends are on %s; a cable inside a node is a veth pair: write {veth: OTHER} in its \"interfaces\"",
				a.node.full)
			continue
		}
		if len(c.links) == maxLinks {
			c.refuse(a, "the lab has more than %s; leave some out", problem.Count(maxLinks, "link"))
			c.doc.Stop()
		}
		a.far, b.far = b, a
		c.links = append(c.links, &link{a: a, b: b})
	}
}

// refuse reports a mistake at an end of a link.
func (c *cabling) refuse(e *linkEnd, format string, args ...any) {
	c.doc.Add(e.pos, e.width, e.path, fmt.Sprintf(format, args...), false)
}

// end reads node[/group][:interface]. An end that is wrong, and reported, is on a node of its own, so that nothing more
// is said about the link.
func (c *cabling) end(from *nodeDecl, word string, at problem.Pos, path string) *linkEnd {
	m := endRE.FindStringSubmatch(word)
	if m == nil {
		if name, _, _ := strings.Cut(word, ":"); c.isMisnamed(from, name) {
			return &linkEnd{node: &nodeDecl{base: name, skip: true}, pos: at, path: path, bad: true}
		}
		c.lost = true
		if plain := strings.Trim(word, ",;"); plain != word && endRE.MatchString(plain) {
			c.doc.Add(at, len(word), path, fmt.Sprintf("%q: ends of links have spaces between them, and nothing else; "+
				"write %s", problem.Clip(word), plain), false)
			return &linkEnd{node: &nodeDecl{skip: true}, pos: at, path: path, bad: true}
		}
		c.doc.Add(at, len(word), path,
			fmt.Sprintf("%q is not an end of a link; want node, node:interface, switch/group "+
				"or switch/group:port",
				problem.Clip(word)), false)
		return &linkEnd{node: &nodeDecl{skip: true}, pos: at, path: path, bad: true}
	}
	name := strings.TrimPrefix(m[3], ":")
	bad := &linkEnd{node: &nodeDecl{base: m[1][strings.LastIndexByte(m[1], '.')+1:], skip: true}, iface: name, pos: at,
		path: path, bad: true}
	s, why := c.lookup(from, m[1])
	if s == nil {
		c.doc.Add(at, len(m[1]), path, why, false)
		c.lost = true
		return bad
	}
	if s.skip {
		return bad
	}
	if m[2] != "" && s.body != switchBody {
		c.doc.Add(problem.Pos{Line: at.Line, Col: at.Col + len(m[1])}, len(m[2]), path,
			s.full+" is not a virtual switch and has no port groups; write "+s.full, false)
		return bad
	}
	if name != "" {
		if why := grammar.InterfaceName().Refuses(name); why != "" {
			c.doc.Add(problem.Pos{Line: at.Line, Col: at.Col + len(m[1]) + len(m[2]) + 1}, len(name), path, why, false)
			return bad
		}
	}
	return &linkEnd{node: s, iface: name, pos: at, width: len(word), path: path, group: strings.TrimPrefix(m[2], "/"),
		wide: len(m[1])}
}

// isMisnamed reports whether a node has a name that is refused, which has been said.
func (c *cabling) isMisnamed(from *nodeDecl, name string) bool {
	s, _ := c.lookup(from, name)
	return s != nil && s.skip
}

// anyBad reports whether a link of the node could not be made as it was meant, so that one of its ports may have any
// name.
func (c *cabling) anyBad(s *nodeDecl) bool {
	return slices.ContainsFunc(c.ends[s], func(e *linkEnd) bool { return e.bad || e.far.bad })
}
