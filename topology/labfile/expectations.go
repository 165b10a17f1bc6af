package labfile

import (
	"slices"
	"strings"

	"labctl/topology/expect"
	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

// expectation reads an "expect" or a "wait"; nil if there is none.
func (st *story) expectation(v grammar.Value, cases []string) *expect.Expectation {
	if !v.IsMap() || st.nodesOnly {
		return nil
	}
	e := &expect.Expectation{Pos: v.Pos(), Kept: v.Field("neighbours").Text("fresh") == "kept"}
	rs := &expect.Resolver{Lab: st.lab, Streams: slices.Clip(st.senders), Chats: st.streams, Cases: cases,
		Cells: &st.cells}
	kinds, rank := expect.Kinds(), map[string]int{}
	for i, k := range kinds {
		rank[k.Name] = i
	}
	for t := range v.Fields() {
		i, known := rank[t.Name()]
		if !known || kinds[i].OfStep && cases == nil || !t.IsText() {
			continue
		}
		e.Tables = append(e.Tables, st.tables(kinds[i], t, rs)...)
	}
	slices.SortStableFunc(e.Tables, func(a, b *expect.Table) int { return rank[a.Kind] - rank[b.Kind] })
	return e
}

// tables reads what is under one kind.
func (st *story) tables(kind *expect.Kind, v grammar.Value, rs *expect.Resolver) []*expect.Table {
	if st.cells > expect.MaxCells { // and this is said
		return nil
	}
	broken := st.doc.Failed()
	var out []*expect.Table
	var probs []problem.Problem
	switch {
	case v.Style() == grammar.Literal:
		text, at := v.Block()
		if text == "" {
			v.Errorf("the table is empty")
			return nil
		}
		out, probs = expect.ParseTable(kind.Name, text, at, rs)
	case kind.Short && v.Style() != grammar.Folded && !strings.ContainsAny(v.Word(), "\n ") && !v.IsNull():
		at := v.Pos()
		if v.Style() == grammar.Quoted {
			at.Col++
		}
		t, ps := expect.ParseShort(kind.Name, v.Word(), at, rs)
		if t != nil {
			out = []*expect.Table{t}
		}
		probs = ps
	default:
		v.Errorf("%s", grammar.WantTable(v))
		return nil
	}
	if broken { // what a node lacks is most likely what could not be read
		probs = slices.DeleteFunc(probs, func(p problem.Problem) bool {
			name, isNode := strings.CutPrefix(p.Message, `no node "`)
			name, _, _ = strings.Cut(name, `"`)
			return strings.Contains(p.Message, "address") || strings.Contains(p.Message, "interface") || isNode &&
				st.isNode(name)
		})
	}
	st.doc.Take(probs, v.Path())
	return out
}
