package labfile

import (
	"strings"

	"labctl/topology/expect"
	"labctl/topology/labfile/grammar"
)

// expectShape is "expect" at the top or in a step.
func expectShape(step bool) *grammar.Shape {
	s := &grammar.Shape{Form: grammar.Object, Want: "a map from kinds to tables", Keys: []grammar.Key{
		{Name: "neighbours", Shape: grammar.OneOf("fresh", "kept").With("what a pair starts from")}}}
	for _, k := range expect.Kinds() {
		if k.OfStep && !step {
			s.Hints = map[string]string{k.Name: "belongs to a step with cases"}
			continue
		}
		s.Keys = append(s.Keys, tableKey(k))
	}
	return s
}

func tableKey(k *expect.Kind) grammar.Key {
	const blocks = "; a table may go on below a blank line, with other columns of the same rows"
	return grammar.Key{Name: k.Name, Shape: &grammar.Shape{Form: grammar.Table, Want: "a table", Doc: k.Doc + blocks}}
}

// waitShape is "wait": only what is read.
func waitShape() *grammar.Shape {
	s := &grammar.Shape{Form: grammar.Object, Want: "a map from kinds to tables", Hints: map[string]string{}}
	readers := expect.Listed(func(k *expect.Kind) bool { return k.Reads })
	for _, k := range expect.Kinds() {
		if !k.Reads {
			s.Hints[k.Name] = "sends something or changes the lab; a wait only reads (" + strings.Join(readers, ", ") +
				")"
			continue
		}
		s.Keys = append(s.Keys, tableKey(k))
	}
	s.Hints["neighbours"] = "a wait sends nothing, so there is nothing to start from"
	return s
}
