package labfile

import (
	"fmt"
	"maps"
	"slices"

	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

// Actions that are about nodes and their commands.

var flushAction = actionKind{name: "flush", doc: "what nodes forget", shape: flushShape,
	read: func(st *story, v grammar.Value) any { return st.flush(v) }}

func flushShape() *grammar.Shape {
	return &grammar.Shape{Form: grammar.Dict, Want: "a map from nodes to what they forget", Min: 1,
		Of: &grammar.Shape{Form: grammar.List, Min: 1, Want: "a list of neigh, routes, fdb, conntrack",
			Of: grammar.OneOf("neigh", "routes", "fdb", "conntrack")}}
}

func (st *story) flush(v grammar.Value) *Flush {
	f := &Flush{}
	for what := range v.Fields() {
		if s := st.node(what.Key()); s != nil {
			f.Nodes = append(f.Nodes, FlushNode{Node: s.full, What: what.Words()})
		}
	}
	return f
}

var restartAction = actionKind{name: "restart", doc: "nodes that are torn down and built again",
	shape: func() *grammar.Shape {
		return &grammar.Shape{Form: grammar.List, Want: "a list of nodes", Min: 1, Of: nodeText()}
	},
	read: func(st *story, v grammar.Value) any { return &Restart{st.nodesOf(v)} }}

// nodeText is the full name of a node, which is looked up later.
func nodeText() *grammar.Shape { return grammar.AnyText("a node") }

// nodesOf are the nodes of a list, each once.
func (st *story) nodesOf(list grammar.Value) []string {
	var out []string
	for _, v := range list.Items() {
		s := st.node(v)
		switch {
		case s == nil:
		case slices.Contains(out, s.full):
			v.Errorf("%s appears here twice", s.full)
		default:
			out = append(out, s.full)
		}
	}
	return out
}

var runAction = actionKind{name: "run", doc: "a command in a node", shape: runShape,
	read: func(st *story, v grammar.Value) any { return st.run(v) }}

func runShape() *grammar.Shape {
	const want = "{node, sh, exit, background, ready, timeout, name}"
	return &grammar.Shape{Form: grammar.Either, Want: want + ", or a command",
		Any: []*grammar.Shape{grammar.AnyText("a command"),
			{Form: grammar.Object, Want: want, Keys: append([]grammar.Key{
				{Name: "node", Must: true, Shape: nodeText()},
				{Name: "sh", Must: true, Shape: grammar.AnyText("a command")},
				{Name: "exit", Bars: []string{"background"},
					Shape: grammar.NumberOf("an exit code from 0 to 255", 0, 255)},
				{Name: "background", Shape: grammar.YesNo("not waited for; ended with the lab or by stop")},
				{Name: "name", Needs: []string{"background"}, Shape: actionName()}}, readyKeys()...)}}}
}

// run reads a command. One that names no node runs in the first: it is one that does not mind, as sleep.
func (st *story) run(v grammar.Value) *RunAction {
	if v.IsSingle() {
		r := &RunAction{Sh: v.Word(), Name: "run"}
		if all := st.cables.all; len(all) > 0 {
			r.Node = all[0].full
		}
		return r
	}
	r := &RunAction{Sh: v.Field("sh").Text(""), Exit: v.Field("exit").Int(0),
		Background: v.Field("background").Bool(false),
		Ready:      readReady(v), Name: v.Field("name").Text("run")}
	if n := v.Field("node"); n.IsSingle() {
		if s := st.node(n); s != nil {
			r.Node = s.full
		}
	}
	if r.Background {
		st.start(r.Name, v)
	}
	return r
}

var stopAction = actionKind{name: "stop", doc: "ends a stream or a command in the background", shape: stopShape,
	read: func(st *story, v grammar.Value) any { return st.stop(v) }}

func stopShape() *grammar.Shape {
	return &grammar.Shape{Form: grammar.Either, Want: "the name of an action or {name, silent}",
		Any: []*grammar.Shape{actionName(),
			{Form: grammar.Object, Want: "{name, silent}", Keys: []grammar.Key{
				{Name: "name", Must: true, Shape: actionName()},
				{Name: "silent",
					Shape: grammar.YesNo("without corrections on leaving; a command is killed at once")}}}}}
}

func (st *story) stop(v grammar.Value) *Stop {
	s := &Stop{Name: v.Text(""), Silent: v.Field("silent").Bool(false)}
	at := v
	if v.IsMap() {
		at = v.Field("name").Under(v.Path())
		s.Name = at.Text("")
	}
	if s.Name == "" {
		return s
	}
	if !st.running[s.Name] {
		known := slices.Sorted(maps.Keys(st.running))
		known = slices.DeleteFunc(known, func(k string) bool { return !st.running[k] })
		why := fmt.Sprintf("nothing called %q runs here", problem.Clip(s.Name))
		if len(known) > 0 {
			why += "; running are " + problem.AndList(known)
		}
		at.Errorf("%s", why)
	}
	st.running[s.Name] = false
	return s
}

// actionName is what an action is called by which it is stopped and looked at.
func actionName() *grammar.Shape { return grammar.WordName("an action") }
