package labfile

import (
	"maps"
	"slices"
	"time"

	"go.yaml.in/yaml/v4"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/problem"
)

// load makes the lab of the document, as far as it goes.
func (l *loader) load() *File {
	l.check(l.root, l.grammar.top, "")
	if field(l.root, "nodes") == nil {
		return &File{Lab: &topology.Lab{}} // everything else would complain about every name
	}
	l.macs = map[topology.End]switchcore.MAC{}
	l.labMTU = intOf(field(l.root, "mtu"), 1500)
	l.plant()
	l.wire()
	l.ended = l.namedEnds()
	l.base = l.newBuild(nil, func(s *site) string { return s.path })
	l.base.duplicates()
	lab := l.base.lab
	f := &File{Lab: lab, Path: l.file, About: stringOf(field(l.root, "about"), ""), givenAt: l.base.givenAt}
	l.base.warnings()
	st := &story{loader: l, body: map[*site]*yaml.Node{}, lab: lab, keys: stepShape().keys, running: map[string]bool{}, spoofs: map[string]bool{}, isStream: map[string]bool{}, isSent: map[string]bool{}}
	st.remember()
	st.sound = !l.failed()
	f.Expect = st.expectation(field(l.root, "expect"), "expect", nil)
	l.unreached(f.Expect)
	names := map[string]problem.Pos{}
	for i, n := range items(field(l.root, "steps")) {
		if n.Kind != yaml.MappingNode {
			continue
		}
		path := problem.PathIndex("steps", i)
		s := st.step(n, path)
		if was, twice := names[s.Name]; twice && s.Name != "" {
			l.errorf(field(n, "name"), problem.PathKey(path, "name"), "%q is the name of the step in line %d too", problem.Clip(s.Name), was.Line)
		}
		names[s.Name] = s.Pos
		st.remember()
		f.Steps = append(f.Steps, s)
	}
	lab.StepCommands = stepCommands(f.Steps)
	for _, s := range f.Steps {
		s.Lab.StepCommands = lab.StepCommands
	}
	return f
}

// stepCommands are the commands that steps run, in their order.
func stepCommands(steps []*Step) []string {
	var out []string
	for _, s := range steps {
		for _, do := range s.Do {
			if do.Run != nil {
				out = append(out, do.Run.Sh)
			}
		}
	}
	return out
}

// story is what steps have done so far.
type story struct {
	*loader
	body             map[*site]*yaml.Node // of the nodes that steps have changed
	lab              *topology.Lab        // as it stands
	running          map[string]bool      // background actions; false: stopped
	spoofs           map[string]bool      // those of them that are ARP spoofing
	streams          []string             // all so far
	sound            bool                 // nothing is wrong with the nodes, so what they lack they lack
	senders          []string             // these, and what "send" has sent so far
	isStream, isSent map[string]bool
	cells            int        // that all tables so far stand for
	keys             []shapeKey // of a step, in order
	size             int        // parts of the file's own lab
}

func (st *story) step(n *yaml.Node, path string) *Step {
	s := &Step{Name: stringOf(field(n, "name"), ""), Note: stringOf(field(n, "note"), ""), Pos: st.at(n), Timeout: durationOf(field(n, "timeout"), 10*time.Second)}
	st.keyOrder(n, path)
	changed := false
	for i, v := range items(field(n, "reset")) {
		at := problem.PathIndex(problem.PathKey(path, "reset"), i)
		node, why := st.fullName(v.Value)
		if node == nil {
			st.errorf(v, at, "%s", why)
			continue
		}
		if slices.Contains(s.Reset, node.full) {
			st.errorf(v, at, "%s stands here twice", node.full)
		}
		s.Reset = append(s.Reset, node.full)
		if _, ok := st.body[node]; ok {
			delete(st.body, node)
			changed = true
		}
	}
	if set := field(n, "set"); set != nil || changed {
		if set == nil {
			set = field(n, "reset")
		}
		before := len(st.probs)
		st.body, st.lab = st.laid(set, problem.PathKey(path, "set"))
		st.sound = st.sound && len(st.probs) == before
	}
	s.Lab = st.lab
	for i, v := range items(field(n, "do")) {
		if a := st.action(v, problem.PathIndex(problem.PathKey(path, "do"), i)); a != nil {
			s.Do = append(s.Do, *a)
		}
	}
	s.Wait = st.expectation(field(n, "wait"), problem.PathKey(path, "wait"), nil)
	var cases []string
	for k, v := range entries(field(n, "cases")) {
		_, lab := st.laid(v, problem.PathKey(problem.PathKey(path, "cases"), k.Value))
		s.Cases = append(s.Cases, &Case{Name: k.Value, Lab: lab, Pos: st.at(k)})
		cases = append(cases, k.Value)
	}
	expected := field(n, "expect")
	s.Expect = st.expectation(expected, problem.PathKey(path, "expect"), cases)
	ek, _ := entry(n, "expect")
	st.freshBesideSpoofing(ek, s.Expect, problem.PathKey(path, "expect"))
	k, _ := entry(n, "cases")
	tk, _ := entry(expected, "cases")
	switch {
	case k != nil && tk == nil:
		st.errorf(k, problem.PathKey(path, "cases"), `nothing is asked of the cases; write a table "cases" under "expect"`)
	case k == nil && tk != nil:
		st.errorf(tk, problem.PathKey(path, "expect.cases"), `the step has no "cases"; they are the columns of this table`)
	}
	return s
}

// keyOrder warns where the file tells a step in another order than it happens in.
func (st *story) keyOrder(n *yaml.Node, path string) {
	last, name := -1, ""
	for k := range entries(n) {
		i := slices.IndexFunc(st.keys, func(x shapeKey) bool { return x.name == k.Value })
		if i < 0 {
			continue
		}
		if i < last {
			st.warnf(k, problem.PathKey(path, k.Value), "acts before %q; let it stand there", name)
			continue
		}
		last, name = i, k.Value
	}
}

// maxBuilt is how many parts the labs of all sets and cases of a file may have together, each of which takes up to a kilobyte.
const maxBuilt = 1 << 17

// parts is the size of a lab that a step makes: its nodes, pairs of interfaces, eighths of keys and values, and quarters of kilobytes of texts.
func (b *build) parts() int {
	values, letters := 0, 0
	var count func(n *yaml.Node)
	count = func(n *yaml.Node) {
		values, letters = values+1, letters+len(n.Value)
		for _, c := range n.Content {
			count(c)
		}
	}
	for _, s := range b.sites {
		count(s.body) // with the nodes inside, which stand in deep labs only
	}
	return len(b.sites) + len(b.all)/2 + values/8 + letters/256
}

// laid lays a set over the nodes as they stand, and makes the lab that comes of it.
func (st *story) laid(set *yaml.Node, path string) (map[*site]*yaml.Node, *topology.Lab) {
	if st.built > maxBuilt { // and this is said
		return st.body, st.lab
	}
	body := maps.Clone(st.body)
	first, last := span(set)
	st.overlay = &overlay{at: set, path: path, first: first, last: last}
	defer func() { st.overlay = nil }()
	before := len(st.probs)
	touched := map[*site]bool{}
	if set.Kind == yaml.MappingNode {
		for k, v := range entries(set) {
			s, why := st.fullName(k.Value)
			if s == nil {
				st.errorf(k, problem.PathKey(path, k.Value), "%s", why)
				continue
			}
			at := problem.PathKey(path, k.Value)
			if s.skip || !st.check(v, st.grammar.kind[s.kind].set, at) || !st.groupsThere(s, v, at) {
				continue
			}
			was := body[s]
			if was == nil {
				was = s.body
			}
			body[s], touched[s] = laidOver(was, v), true
			st.overlay.nodes = append(st.overlay.nodes, overlaid{k, problem.PathKey(path, s.full)})
		}
	} else if set.Kind != yaml.SequenceNode {
		st.errorf(set, path, "want a piece of \"nodes\", by full names")
	}
	if len(st.probs) > before || st.failed() && len(touched) == 0 {
		return body, st.lab
	}
	if st.bare {
		return body, st.lab
	}
	at := func(s *site) string {
		if touched[s] {
			return problem.PathKey(path, s.full)
		}
		return s.path
	}
	for _, s := range st.sites {
		if touched[s] {
			st.check(body[s], st.grammar.kind[s.kind].file, at(s))
		}
	}
	if len(st.probs) > before {
		return body, st.lab
	}
	if st.size == 0 {
		st.size = st.base.parts()
	}
	if st.built += st.size; st.built > maxBuilt {
		st.errorf(set, path, "the sets and cases up to this one make labs of %s in all, more than %d, this lab being one of %d; let fewer steps change the lab", problem.Count(st.built, "part"), maxBuilt, st.size)
		return body, st.lab
	}
	return body, st.newBuild(body, at).lab
}

// span is the first and the last line of a value.
func span(n *yaml.Node) (first, last int) {
	first, last = n.Line, n.Line
	for _, c := range n.Content {
		_, l := span(c)
		last = max(last, l)
	}
	return first, last
}
