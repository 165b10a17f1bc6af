package labfile

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/problem"
	"labctl/topology/rules"
)

// loader builds a lab from a document that the reader could read. The tree of nodes and the links are the same for the
// file and for every step; what a step changes are the bodies of nodes.
type loader struct {
	*reader
	root    *yaml.Node
	grammar *fileGrammar

	top   *site // the lab itself, as the holder of the outermost nodes; it has no name
	sites []*site
	named map[string]*site // by full name
	links []*link
	ended []topology.NamedEnd // the "names" section
	names map[string]*topology.NamedEnd
	ends  map[*site][]*end // in file order, with their interfaces' names

	built    int // parts of the labs of all sets and cases so far
	pinned   map[*site]*pinned
	ruleSets map[*yaml.Node]*rules.Set // by their text, on which alone they depend
	ruled    map[*site][]*yaml.Node    // the texts of those of a node that were checked last, in order

	base   *build                          // the file's own nodes
	macs   map[topology.End]switchcore.MAC // derived addresses: a step must not move them
	labMTU int
	bare   bool                   // only the bodies of nodes are wanted: no expectations, no labs of steps
	stages []map[*site]*yaml.Node // the changed bodies: of the file, none, and after each step
}

// site is the place of a node in the file.
type site struct {
	full, base string
	path       string
	kind       topology.Kind
	skip       bool // of a kind that is unknown or not yet built: nothing is said about what uses it
	key, body  *yaml.Node
	holder     *site
	children   map[string]*site
	inner      []*site // file order
	ipBad      *bool   // see hasBadIP
}

func (s *site) pathTo(key string) string { return problem.PathKey(s.path, key) }

// plant makes the tree of nodes.
func (l *loader) plant() {
	l.top = &site{children: map[string]*site{}, body: l.root}
	l.named = map[string]*site{}
	l.pinned = map[*site]*pinned{}
	l.ruleSets, l.ruled = map[*yaml.Node]*rules.Set{}, map[*site][]*yaml.Node{}
	l.nodes(l.top, field(l.root, "nodes"), "nodes")
}

// nodes makes the sites of one "nodes" map.
func (l *loader) nodes(holder *site, n *yaml.Node, path string) {
	if n == nil {
		return
	}
	if n.Kind != yaml.MappingNode {
		l.errorf(n, path, "want a map from names to nodes")
		return
	}
	if holder == l.top && len(n.Content) == 0 {
		l.errorf(n, path, "is empty; a lab has at least one node")
	}
	shape := nodesShape()
	for k, body := range entries(n) {
		at := problem.PathKey(path, k.Value)
		if why := shape.name.textOK(k.Value); why != "" {
			l.errorf(k, at, "%s", why)
			continue
		}
		s := &site{full: problem.PathKey(holder.full, k.Value), base: k.Value, path: at, key: k, body: body, holder: holder, children: map[string]*site{}}
		for h := holder; h != l.top; h = h.holder {
			if h.base == s.base {
				l.errorf(k, at, "a node it stands in is called %q too; give it another name", s.base)
				break
			}
		}
		if len(s.full) > maxNodeName {
			l.errorf(k, at, "%q (%d bytes) is longer than a full name may be (%d)", s.full, len(s.full), maxNodeName)
		}
		holder.children[s.base] = s
		holder.inner = append(holder.inner, s)
		l.named[s.full] = s
		if l.sites = append(l.sites, s); len(l.sites) > maxNodes {
			l.errorf(k, at, "the lab has more than %s; leave some out", problem.Count(maxNodes, "node"))
			l.stop()
		}
		l.kindOf(s)
		if !s.skip {
			l.check(body, l.grammar.kind[s.kind].file, at)
		}
		l.nodes(s, field(body, "nodes"), problem.PathKey(at, "nodes"))
	}
}

// kindOf reads a node's kind. A node of an unknown kind is in the tree, so that what names it is not wrong as well.
func (l *loader) kindOf(s *site) {
	s.kind = topology.Host
	n := field(s.body, "kind")
	if n == nil || n.Kind != yaml.ScalarNode {
		return
	}
	var words []string
	for _, k := range nodeKinds() {
		words = append(words, string(k))
		if n.Value == string(k) {
			s.kind = k
			return
		}
	}
	s.skip = true
	near := problem.Suggest(n.Value, words)
	if say, elsewhere := kindElsewhere(n.Value); elsewhere {
		near = "; write " + say
	}
	l.errorf(n, s.pathTo("kind"), "%q is not a kind of node; want %s%s", problem.Clip(n.Value), problem.OrList(words), near)
}

// kindElsewhere says how a kind of switch is written that has its own word in other programs, or that is a profile here.
func kindElsewhere(word string) (string, bool) {
	word = strings.ToLower(word)
	profile := map[string]string{"dvs": "distributed", "vds": "distributed", "dvswitch": "distributed", "vss": "standard",
		"nvds": "nsx", "n-vds": "nsx"}[word]
	if profile == "" && slices.Contains(topology.ProfileNames(), word) {
		profile = word
	}
	switch {
	case profile != "":
		return "kind: vswitch and profile: " + profile, true
	case word == "switch":
		return "kind: vswitch and a profile (standard, distributed, nsx, learning), or kind: bridge for a Linux bridge", true
	}
	return "", false
}

// lookup finds a node by a name that stands in the links or interfaces of from, from the inside out. The text says what
// is wrong when there is none.
func (l *loader) lookup(from *site, name string) (*site, string) {
	first, rest, dotted := strings.Cut(name, ".")
	for h := from; h != nil; h = h.holder {
		s := h.children[first]
		if s == nil {
			continue
		}
		for dotted {
			first, rest, dotted = strings.Cut(rest, ".")
			next := s.children[first]
			if next == nil {
				return nil, s.full + " holds no node \"" + first + "\"" + l.Near(first, func() []string { return baseNames(s.inner) })
			}
			s = next
		}
		return s, ""
	}
	known := func() (out []string) {
		for h := from; h != nil; h = h.holder {
			out = append(out, baseNames(h.inner)...)
		}
		return out
	}
	return nil, "no node \"" + problem.Clip(name) + "\" here or further out" + l.Near(name, known)
}

func baseNames(sites []*site) []string {
	out := make([]string, 0, len(sites))
	for _, s := range sites {
		out = append(out, s.base)
	}
	return out
}

// fullName finds a node by its full name, as steps and tables write it.
func (l *loader) fullName(name string) (*site, string) {
	if s := l.named[name]; s != nil {
		return s, ""
	}
	known := func() []string {
		out := make([]string, 0, len(l.sites))
		for _, s := range l.sites {
			out = append(out, s.full)
		}
		return out
	}
	return nil, "no node \"" + problem.Clip(name) + "\"" + l.Near(name, known)
}
