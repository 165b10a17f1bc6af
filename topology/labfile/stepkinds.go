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
	plain := &grammar.Shape{Form: grammar.Table, Want: "a table", Doc: k.Doc + blocks}
	plain.Min, plain.Max = k.Numbers()
	if len(k.Options) == 0 {
		return grammar.Key{Name: k.Name, Shape: plain}
	}
	long := &grammar.Shape{Form: grammar.Object, Want: `a map with a "table"`, Doc: "a table with options",
		Keys: []grammar.Key{{Name: "table", Must: true, Write: `it under "table: |"`, Shape: plain}}}
	long.Amiss = func(v grammar.Value) string {
		for x := range v.Fields() {
			if long.Key(x.Name()) != nil {
				return ""
			}
		}
		return grammar.WantTable(v) // most likely rows or cells, written as a map
	}
	for i := range k.Options {
		long.Keys = append(long.Keys, grammar.Key{Name: k.Options[i].Name, Shape: optionShape(&k.Options[i])})
	}
	item := &grammar.Shape{Form: grammar.Either, Want: "a table, or a map with one and its options",
		Any: []*grammar.Shape{plain, long}}
	list := &grammar.Shape{Form: grammar.List, Of: item, Want: "a list of tables", Min: 1,
		Doc: "several tables, each with its own options"}
	return grammar.Key{Name: k.Name, Shape: &grammar.Shape{Form: grammar.Either, Doc: plain.Doc,
		Want: "a table, a map with one and its options, or a list of these",
		Any:  []*grammar.Shape{plain, long, list}}}
}

// optionShape is the value of an option of tables.
func optionShape(o *expect.Option) *grammar.Shape {
	switch o.Form {
	case expect.OptionFlag:
		return grammar.YesNo(o.Doc)
	case expect.OptionNumber:
		return grammar.NumberOf(o.Want, o.Min, o.Max).With(o.Doc)
	case expect.OptionWord:
		if o.Words != nil {
			return grammar.OneOf(o.Words...).With(o.Doc)
		}
		text := grammar.AnyText(o.Want).With(o.Doc)
		text.Max = o.Max
		return text
	}
	list := &grammar.Shape{Form: grammar.List, Of: grammar.AnyText(o.Want), Want: o.Want, Min: 1, Doc: o.Doc}
	if o.Words == nil {
		return list
	}
	return &grammar.Shape{Form: grammar.Either, Want: o.Want, Doc: o.Doc,
		Any: []*grammar.Shape{grammar.OneOf(o.Words...), list}}
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
