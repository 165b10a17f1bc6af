package topology

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"go.yaml.in/yaml/v4"
)

// load makes the lab of the document, as far as it goes.
func (l *loader) load() *Lab {
	l.check(l.root, l.grammar.top, "")
	l.macs = map[End]MAC{}
	l.labMTU = intOf(field(l.root, "mtu"), 1500)
	l.plant()
	l.wire()
	l.ended = l.namedEnds()
	l.base = l.newBuild(nil, func(s *site) string { return s.path })
	l.base.duplicates()
	lab := l.base.lab
	l.base.warnings()
	st := &story{loader: l, body: map[*site]*yaml.Node{}, lab: lab, running: map[string]bool{}}
	lab.Expect = st.expectation(field(l.root, "expect"), "expect", nil)
	l.unreached(lab.Expect)
	names := map[string]Pos{}
	for i, n := range items(field(l.root, "steps")) {
		if n.Kind != yaml.MappingNode {
			continue
		}
		path := pathIndex("steps", i)
		s := st.step(n, path)
		if was, twice := names[s.Name]; twice && s.Name != "" {
			l.errorf(field(n, "name"), pathKey(path, "name"), "%q is the name of the step in line %d too", clip(s.Name), was.Line)
		}
		names[s.Name] = s.Pos
		lab.Steps = append(lab.Steps, s)
	}
	return lab
}

// story is what steps have done so far.
type story struct {
	*loader
	body    map[*site]*yaml.Node // of the nodes that steps have changed
	lab     *Lab                 // as it stands
	running map[string]bool      // background actions; false: stopped
	streams []string             // all so far
}

func (st *story) step(n *yaml.Node, path string) *Step {
	s := &Step{Name: stringOf(field(n, "name"), ""), Note: stringOf(field(n, "note"), ""), Pos: st.at(n), Timeout: durationOf(field(n, "timeout"), 10*time.Second)}
	st.keyOrder(n, path)
	changed := false
	for i, v := range items(field(n, "reset")) {
		at := pathIndex(pathKey(path, "reset"), i)
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
		st.body, st.lab = st.laid(set, pathKey(path, "set"))
	}
	s.Lab = st.lab
	for i, v := range items(field(n, "do")) {
		if a := st.action(v, pathIndex(pathKey(path, "do"), i)); a != nil {
			s.Do = append(s.Do, *a)
		}
	}
	s.Wait = st.expectation(field(n, "wait"), pathKey(path, "wait"), nil)
	var cases []string
	for k, v := range entries(field(n, "cases")) {
		_, lab := st.laid(v, pathKey(pathKey(path, "cases"), k.Value))
		s.Cases = append(s.Cases, &Case{Name: k.Value, Lab: lab, Pos: st.at(k)})
		cases = append(cases, k.Value)
	}
	expect := field(n, "expect")
	s.Expect = st.expectation(expect, pathKey(path, "expect"), cases)
	k, _ := entry(n, "cases")
	tk, _ := entry(expect, "cases")
	switch {
	case k != nil && tk == nil:
		st.errorf(k, pathKey(path, "cases"), `nothing is asked of the cases; write a table "cases" under "expect"`)
	case k == nil && tk != nil:
		st.errorf(tk, pathKey(path, "expect.cases"), `the step has no "cases"; they are the columns of this table`)
	}
	return s
}

// keyOrder warns where the file tells a step in another order than it happens in.
func (st *story) keyOrder(n *yaml.Node, path string) {
	spec := stepShape()
	last, name := -1, ""
	for k := range entries(n) {
		i := slices.IndexFunc(spec.keys, func(x shapeKey) bool { return x.name == k.Value })
		if i < 0 {
			continue
		}
		if i < last {
			st.warnf(k, pathKey(path, k.Value), "acts before %q; let it stand there", name)
			continue
		}
		last, name = i, k.Value
	}
}

// laid lays a set over the nodes as they stand, and makes the lab that comes of it.
func (st *story) laid(set *yaml.Node, path string) (map[*site]*yaml.Node, *Lab) {
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
				st.errorf(k, pathKey(path, k.Value), "%s", why)
				continue
			}
			if s.skip || !st.check(v, st.grammar.kind[s.kind].set, pathKey(path, k.Value)) {
				continue
			}
			was := body[s]
			if was == nil {
				was = s.body
			}
			body[s], touched[s] = laidOver(was, v), true
			st.overlay.nodes = append(st.overlay.nodes, overlaid{k, pathKey(path, s.full)})
		}
	} else if set.Kind != yaml.SequenceNode {
		st.errorf(set, path, "want a piece of \"nodes\", by full names")
	}
	if len(st.probs) > before || st.failed() && len(touched) == 0 {
		return body, st.lab
	}
	at := func(s *site) string {
		if touched[s] {
			return pathKey(path, s.full)
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

// emptied are the maps that an empty map empties; elsewhere it says nothing.
func emptied() []string { return []string{"routes", "neigh", "sysctls", "ports"} }

// laidOver merges key by key: maps are merged, all else replaces what was there. Neither argument changes.
func laidOver(was, set *yaml.Node) *yaml.Node {
	out := merge(was, set, "")
	if list := field(out, "interfaces"); list != nil {
		out = oncePerKey(out, list, set)
	}
	return out
}

func merge(was, set *yaml.Node, name string) *yaml.Node {
	if was == nil || set.Kind != yaml.MappingNode || was.Kind != yaml.MappingNode ||
		len(set.Content) == 0 && slices.Contains(emptied(), name) {
		return set
	}
	out := *was
	out.Content = slices.Clone(was.Content)
	for k, v := range entries(set) {
		at := -1
		for i := 0; i+1 < len(out.Content); i += 2 {
			if out.Content[i].Value == k.Value {
				at = i
			}
		}
		if at < 0 {
			out.Content = append(out.Content, k, v)
			continue
		}
		old := out.Content[at+1]
		if name == "interfaces" { // an entry may be nothing but its addresses
			old, v = longEntry(old), longEntry(v)
		}
		out.Content[at+1] = merge(old, v, k.Value)
	}
	return &out
}

func longEntry(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.MappingNode {
		return n
	}
	k := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "ip", Line: n.Line, Column: n.Column}
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{k, n}, Line: n.Line, Column: n.Column}
}

// oncePerKey drops what the set replaced in the other place where it may stand: at the node or under its only interface.
func oncePerKey(n, list, set *yaml.Node) *yaml.Node {
	if len(list.Content) != 2 || list.Kind != yaml.MappingNode {
		return n
	}
	inner := longEntry(list.Content[1])
	setInner := field(field(set, "interfaces"), list.Content[0].Value)
	if setInner != nil {
		setInner = longEntry(setInner)
	}
	for _, key := range []string{"ip", "mac", "effective_mac", "mtu", "promisc"} {
		switch {
		case field(set, key) != nil:
			inner = without(inner, key)
		case field(setInner, key) != nil:
			n = without(n, key)
		}
	}
	newList := *list
	newList.Content = []*yaml.Node{list.Content[0], inner}
	out := *n
	out.Content = slices.Clone(n.Content)
	for i := 0; i+1 < len(out.Content); i += 2 {
		if out.Content[i].Value == "interfaces" {
			out.Content[i+1] = &newList
		}
	}
	return &out
}

func without(n *yaml.Node, key string) *yaml.Node {
	out := *n
	out.Content = nil
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != key {
			out.Content = append(out.Content, n.Content[i], n.Content[i+1])
		}
	}
	return &out
}

// action reads one entry of "do".
func (st *story) action(n *yaml.Node, path string) *Action {
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 {
		return nil
	}
	v := n.Content[1]
	a := &Action{Pos: st.at(n.Content[0])}
	path = pathKey(path, n.Content[0].Value)
	switch n.Content[0].Value {
	case "flush":
		a.Flush = st.flush(v, path)
	case "run":
		a.Run = st.run(v, path)
	case "stream":
		a.Stream = st.stream(v, path)
	case "stop":
		a.Stop = st.stop(v, path)
	default:
		return nil
	}
	return a
}

func (st *story) flush(v *yaml.Node, path string) *Flush {
	f := &Flush{}
	for k, what := range entries(v) {
		s, why := st.fullName(k.Value)
		if s == nil {
			st.errorf(k, pathKey(path, k.Value), "%s", why)
			continue
		}
		fn := FlushNode{Node: s.full}
		for _, w := range items(what) {
			fn.What = append(fn.What, w.Value)
		}
		f.Nodes = append(f.Nodes, fn)
	}
	return f
}

// run reads a command. One that names no node runs in the first: it is one that does not mind, as sleep.
func (st *story) run(v *yaml.Node, path string) *RunAction {
	if v.Kind == yaml.ScalarNode {
		r := &RunAction{Sh: v.Value, Name: "run"}
		if len(st.sites) > 0 {
			r.Node = st.sites[0].full
		}
		return r
	}
	r := &RunAction{Sh: stringOf(field(v, "sh"), ""), Exit: intOf(field(v, "exit"), 0),
		Background: boolOf(field(v, "background"), false), Name: stringOf(field(v, "name"), "run")}
	if n := field(v, "node"); n != nil && n.Kind == yaml.ScalarNode {
		s, why := st.fullName(n.Value)
		if s == nil {
			st.errorf(n, pathKey(path, "node"), "%s", why)
		} else {
			r.Node = s.full
		}
	}
	if r.Background {
		st.start(r.Name, v, path)
	}
	return r
}

// start notes that a background action runs.
func (st *story) start(name string, v *yaml.Node, path string) {
	if st.running[name] {
		st.errorf(v, path, "%q is running already; give this one another name", name)
	}
	st.running[name] = true
}

func (st *story) stream(v *yaml.Node, path string) *Stream {
	s := &Stream{Name: stringOf(field(v, "name"), "stream"), Every: durationOf(field(v, "every"), 200*time.Millisecond)}
	s.From = st.party(field(v, "from"), pathKey(path, "from"), true)
	s.To = st.party(field(v, "to"), pathKey(path, "to"), false)
	if e := field(v, "every"); e != nil && s.Every == 0 {
		st.errorf(e, pathKey(path, "every"), "0s is no time between two requests")
	}
	st.start(s.Name, v, path)
	if !slices.Contains(st.streams, s.Name) {
		st.streams = append(st.streams, s.Name)
	}
	return s
}

// party is who an action is about.
func (st *story) party(n *yaml.Node, path string, sender bool) Target {
	if n == nil || n.Kind != yaml.ScalarNode || n.Value == "" {
		return Target{}
	}
	t, ok := st.lab.Target(n.Value)
	switch {
	case !ok:
		if !st.failed() || st.named[n.Value] == nil {
			st.errorf(n, path, "%q is no node, interface or name%s", clip(n.Value), st.nearTarget(n.Value))
		}
	case sender && t.Node == "":
		st.errorf(n, path, "%q is only a name for an address; a stream needs a node that sends", n.Value)
	case !t.IP.IsValid() && !t.IP6.IsValid() && !st.failed():
		st.errorf(n, path, "%s has no address", n.Value)
	}
	return t
}

func (st *story) nearTarget(word string) string {
	var known []string
	for _, s := range st.sites {
		known = append(known, s.full)
	}
	for _, e := range st.lab.Names {
		known = append(known, e.Name)
	}
	return suggestWord(word, known)
}

func (st *story) stop(v *yaml.Node, path string) *Stop {
	s := &Stop{Name: stringOf(v, ""), Silent: boolOf(field(v, "silent"), false)}
	at := v
	if v.Kind == yaml.MappingNode {
		at = field(v, "name")
		s.Name = stringOf(at, "")
	}
	if s.Name == "" {
		return s
	}
	if !st.running[s.Name] {
		known := slices.Sorted(maps.Keys(st.running))
		known = slices.DeleteFunc(known, func(k string) bool { return !st.running[k] })
		why := fmt.Sprintf("nothing called %q runs here", clip(s.Name))
		if len(known) > 0 {
			why += "; running are " + andList(known)
		}
		st.errorf(at, path, "%s", why)
	}
	st.running[s.Name] = false
	return s
}
