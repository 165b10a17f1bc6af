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
		Cells: &st.cells, Alone: &st.alone}
	kinds, rank := expect.Kinds(), map[string]int{}
	for i, k := range kinds {
		rank[k.Name] = i
	}
	for t := range v.Fields() {
		i, known := rank[t.Name()]
		if !known || kinds[i].OfStep && cases == nil {
			continue
		}
		e.Tables = append(e.Tables, st.forms(kinds[i], t, rs)...)
	}
	slices.SortStableFunc(e.Tables, func(a, b *expect.Table) int { return rank[a.Kind] - rank[b.Kind] })
	return e
}

// forms reads what is under one kind: a table, one in its long form, or a list of these. What is none of them has been
// said when its shape was checked.
func (st *story) forms(kind *expect.Kind, v grammar.Value, rs *expect.Resolver) (out []*expect.Table) {
	low, high := kind.Numbers()
	switch {
	case v.IsText() || high > 0 && v.IsNumber() && v.Int(-1) >= low && v.Int(-1) <= high:
		return st.tables(kind, kind.Name, v, rs)
	case len(kind.Options) == 0:
	case v.IsMap():
		if t := v.Field("table"); t.IsText() {
			wrongOption(expect.Title(kind.Name, options(kind, v)), v, rs)
			return st.tables(kind, expect.Title(kind.Name, options(kind, v)), t, rs)
		}
	case v.IsList():
		for _, x := range v.Items() {
			if !x.IsList() {
				out = append(out, st.forms(kind, x, rs)...)
			}
		}
	}
	return out
}

// wrongOption says what is wrong with an option of a table in this lab, at its value.
func wrongOption(title string, v grammar.Value, rs *expect.Resolver) {
	option, value, wrong := expect.WrongOption(rs, title)
	if wrong == "" {
		return
	}
	at := v.Field(option)
	if value != "" && !at.IsList() {
		return // its shape is wrong, which has been said
	}
	if at.IsList() {
		for _, x := range at.Items() {
			if x.Word() == value {
				at = x
				break
			}
		}
	}
	at.Errorf("%s", wrong)
}

// options reads what a table in its long form says beside the table.
func options(kind *expect.Kind, v grammar.Value) map[string][]string {
	out := map[string][]string{}
	for x := range v.Fields() {
		switch {
		case kind.Option(x.Name()) == nil:
		case x.IsList():
			out[x.Name()] = x.Words()
		default:
			out[x.Name()] = []string{x.Word()}
		}
	}
	return out
}

// tables reads the text of tables of a kind, whose options are in the title.
func (st *story) tables(kind *expect.Kind, title string, v grammar.Value, rs *expect.Resolver) []*expect.Table {
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
		out, probs = expect.ParseTable(title, text, at, rs)
	case kind.Short && v.Style() != grammar.Folded && !strings.ContainsAny(v.Word(), "\n ") && !v.IsNull():
		at := v.Pos()
		if v.Style() == grammar.Quoted {
			at.Col++
		}
		t, ps := expect.ParseShort(title, v.Word(), at, rs)
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
