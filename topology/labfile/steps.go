package labfile

import (
	"maps"
	"slices"
	"sync"
	"time"

	"labctl/topology/expect"
	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

// stepShape is a step.
func stepShape() *grammar.Shape {
	return &grammar.Shape{Form: grammar.Object, Want: "a step", Keys: stepKeys()}
}

// stepKeys are the keys of a step in the order in which they act and are to be written. They are never changed.
var stepKeys = sync.OnceValue(func() []grammar.Key {
	caseName := grammar.Named("a case", grammar.CaseName, grammar.MaxWord,
		[]string{"on", "off", "true", "false", "null"})
	return []grammar.Key{
		{Name: "name", Must: true, Shape: grammar.OneLine("a name of one line", 100)},
		{Name: "note", Shape: grammar.AnyText("a text")},
		{Name: "reset", Shape: &grammar.Shape{Form: grammar.List, Want: "a list of nodes", Of: nodeText(),
			Doc: "nodes put back to what the file says"}},
		{Name: "set", Shape: setShape()},
		{Name: "do", Shape: &grammar.Shape{Form: grammar.List, Want: "a list of actions", Of: actionShape()}},
		{Name: "wait", Shape: waitShape()},
		{Name: "timeout", Needs: []string{"wait"}, Shape: grammar.Duration("of wait; 10s if not given")},
		{Name: "cases", Shape: &grammar.Shape{Form: grammar.Dict, Want: "a map from cases to what they set",
			Name: caseName,
			Of:   setShape(), Min: 1}},
		{Name: "expect", Shape: expectShape(true)},
	}
})

// setShape is what a step or a case sets of nodes. It is checked when their kinds are known.
func setShape() *grammar.Shape {
	return &grammar.Shape{Form: grammar.Dict, Want: "a piece of \"nodes\", by full names", Def: "set", Later: true,
		Doc: "what the file would say of these nodes, merged key by key"}
}

// stepReader reads steps in their order.
type stepReader struct{ *story }

// read reads one step.
func (r stepReader) read(v grammar.Value) *Step {
	s := &Step{Name: v.Field("name").Text(""), Note: v.Field("note").Text(""), Pos: v.Pos(),
		Timeout: v.Field("timeout").Duration(10 * time.Second)}
	warnOfKeyOrder(v)
	changed := false
	s.Reset, changed = r.reset(v.Field("reset"))
	if set := v.Field("set"); set.Given() || changed {
		if !set.Given() {
			set = v.Field("reset").Under(problem.PathKey(v.Path(), "set"))
		}
		before := r.doc.Found()
		r.bodies, r.lab = r.laid(set)
		r.nodesValid = r.nodesValid && r.doc.Found() == before
	}
	s.Lab, s.begun = r.lab, r.bodies.unlaid()
	for _, x := range v.Field("do").Items() {
		if a := r.action(x); a != nil {
			s.Do = append(s.Do, *a)
		}
	}
	s.After = r.lab
	s.Wait = r.expectation(v.Field("wait"), nil)
	var cases []string
	for x := range v.Field("cases").Fields() {
		_, lab := r.laid(x)
		s.Cases = append(s.Cases, &Case{Name: x.Name(), Lab: lab, Pos: x.Key().Pos()})
		cases = append(cases, x.Name())
	}
	expected := v.Field("expect")
	s.Expect = r.expectation(expected, cases)
	r.freshBesideSpoofing(expected, s.Expect)
	r.heardOnce(expected, s.Expect)
	asked, given := expected.Field("cases"), v.Field("cases")
	switch {
	case given.Given() && !asked.Given():
		given.Key().Errorf(`nothing is asked of the cases; write a table "cases" under "expect"`)
	case !given.Given() && asked.Given():
		asked.Key().Errorf(`the step has no "cases"; they are the columns of this table`)
	}
	return s
}

// reset takes back what steps have changed of nodes, and reports whether there was any.
func (r stepReader) reset(list grammar.Value) (nodes []string, changed bool) {
	for _, v := range list.Items() {
		s := r.node(v)
		if s == nil {
			continue
		}
		if slices.Contains(nodes, s.full) {
			v.Errorf("%s appears here twice", s.full)
		}
		nodes = append(nodes, s.full)
		if _, ok := r.bodies[s]; ok {
			delete(r.bodies, s)
			changed = true
		}
	}
	return nodes, changed
}

// warnOfKeyOrder warns where the file tells a step in another order than it happens in.
func warnOfKeyOrder(step grammar.Value) {
	keys := stepKeys()
	last, name := -1, ""
	for v := range step.Fields() {
		i := slices.IndexFunc(keys, func(k grammar.Key) bool { return k.Name == v.Name() })
		if i < 0 {
			continue
		}
		if i < last {
			v.Key().Warnf("acts before %q; put it there", name)
			continue
		}
		last, name = i, v.Name()
	}
}

// freshBesideSpoofing warns of an expectation that forgets what a running spoofing is to be seen in.
func (r stepReader) freshBesideSpoofing(v grammar.Value, e *expect.Expectation) {
	if e == nil || e.Kept {
		return
	}
	asks := slices.ContainsFunc(e.Tables, func(t *expect.Table) bool {
		k := expect.KindOf(t.Kind)
		return k.Pairs || k.OfStep ||
			t.Kind == "sees" && slices.ContainsFunc(t.Cells, func(c *expect.Cell) bool { return c.Question.B != "" })
	})
	for _, name := range slices.Sorted(maps.Keys(r.spoofs)) {
		if asks && r.running[name] {
			v.Key().Warnf("every pair begins with empty neighbour tables, in which %s has nothing to change; write "+
				"\"neighbours: kept\"", name)
			return
		}
	}
}
