package labfile

import "labctl/topology/labfile/grammar"

// actionKinds are the kinds of actions in the order of the documentation.
func actionKinds() []actionKind {
	return []actionKind{flushAction, runAction, streamAction, stopAction, sendAction, linkAction,
		restartAction, spoofAction}
}

// actionShape is an entry of "do".
func actionShape() *grammar.Shape {
	s := &grammar.Shape{Form: grammar.Object, Want: "an action", Sole: true}
	for _, k := range actionKinds() {
		s.Keys = append(s.Keys, grammar.Key{Name: k.name, Shape: k.shape().With(k.doc)})
	}
	return s
}

// action reads one entry of "do"; nil if it is not one, which has been said.
func (st *story) action(entry grammar.Value) *Action {
	if entry.Len() != 1 {
		return nil
	}
	for v := range entry.Fields() {
		for _, k := range actionKinds() {
			if k.name == v.Name() {
				return &Action{v.Key().Pos(), k.read(st, v)}
			}
		}
	}
	return nil
}
