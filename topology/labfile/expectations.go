package labfile

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"labctl/topology/expect"
	"labctl/topology/problem"
)

// expectation reads an "expect" or a "wait"; nil if there is none.
func (st *story) expectation(n *yaml.Node, path string, cases []string) *expect.Expectation {
	if n == nil || n.Kind != yaml.MappingNode || st.bare {
		return nil
	}
	e := &expect.Expectation{Pos: st.at(n), Kept: stringOf(field(n, "neighbours"), "fresh") == "kept"}
	rs := &expect.Resolver{Lab: st.lab, Streams: slices.Clip(st.senders), Chats: st.streams, Cases: cases, Cells: &st.cells}
	kinds, rank := expect.Kinds(), map[string]int{}
	for i, k := range kinds {
		rank[k.Name] = i
	}
	for k, v := range entries(n) {
		i, known := rank[k.Value]
		if !known || kinds[i].OfStep && cases == nil || v.Kind != yaml.ScalarNode || v.Tag != "!!str" {
			continue
		}
		e.Tables = append(e.Tables, st.tables(kinds[i], v, problem.PathKey(path, k.Value), rs)...)
	}
	slices.SortStableFunc(e.Tables, func(a, b *expect.Table) int { return rank[a.Kind] - rank[b.Kind] })
	return e
}

// tables reads what stands under one kind.
func (st *story) tables(kind *expect.Kind, v *yaml.Node, path string, rs *expect.Resolver) []*expect.Table {
	if st.cells > expect.MaxCells { // and this is said
		return nil
	}
	broken := st.failed()
	var out []*expect.Table
	var probs []problem.Problem
	switch {
	case v.Style&yaml.LiteralStyle != 0:
		text, at := st.block(v)
		if text == "" {
			st.errorf(v, path, "the table is empty")
			return nil
		}
		out, probs = expect.ParseTable(kind.Name, text, at, rs)
	case kind.Short && v.Style&yaml.FoldedStyle == 0 && !strings.ContainsAny(v.Value, "\n ") && !isNull(v):
		at := st.at(v)
		if v.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
			at.Col++
		}
		t, ps := expect.ParseShort(kind.Name, v.Value, at, rs)
		if t != nil {
			out = []*expect.Table{t}
		}
		probs = ps
	default:
		st.errorf(v, path, wantTable)
		return nil
	}
	if broken { // what a node lacks is most likely what could not be read
		probs = slices.DeleteFunc(probs, func(p problem.Problem) bool {
			name, isNode := strings.CutPrefix(p.Message, `no node "`)
			name, _, _ = strings.Cut(name, `"`)
			return strings.Contains(p.Message, "address") || strings.Contains(p.Message, "interface") || isNode && st.named[name] != nil
		})
	}
	st.take(probs, path)
	return out
}

// block is a literal block as it stands in the file, without its indentation, and where its first line with words begins.
func (r *reader) block(n *yaml.Node) (string, problem.Pos) {
	value := strings.Split(n.Value, "\n")
	skip := slices.IndexFunc(value, func(s string) bool { return strings.TrimSpace(s) != "" })
	if skip < 0 {
		return "", problem.Pos{}
	}
	first := n.Line + 1
	for first <= len(r.lines) && strings.TrimSpace(r.Line(first)) == "" {
		first++
	}
	// Whatever indicator stands behind the "|", the value is the line less its indentation.
	indent := max(0, len(r.Line(first))-len(value[skip]))
	var lines []string
	for i := first; i <= len(r.lines) && len(lines) < len(value)-skip; i++ {
		s := r.Line(i)
		if strings.TrimSpace(s) != "" && leading(s) < indent {
			break
		}
		lines = append(lines, s[min(indent, len(s)):])
	}
	return strings.TrimRight(strings.Join(lines, "\n"), " \n"), problem.Pos{Line: first, Col: indent + 1}
}

func leading(s string) int { return len(s) - len(strings.TrimLeft(s, " ")) }

// unreached warns of pairs that are expected to reach each other and that no cable joins.
func (l *loader) unreached(e *expect.Expectation) {
	if e == nil || l.failed() {
		return
	}
	root := map[string]string{}
	var find func(x string) string
	find = func(x string) string {
		for root[x] != "" && root[x] != x {
			if up := root[root[x]]; up != "" {
				root[x] = up
			}
			x = root[x]
		}
		return x
	}
	parts := len(l.base.lab.Nodes)
	join := func(a, b string) {
		if a, b = find(a), find(b); a != b {
			root[a] = b
			parts--
		}
	}
	for _, m := range l.base.all {
		if m.Peer.Node != "" && m.Peer.Node != m.end.Node {
			join(m.end.Node, m.Peer.Node)
		}
		if m.uplinkOf != nil {
			join(m.end.Node, m.uplinkOf.full)
		}
		if m.above != nil {
			join(m.end.Node, m.Lower.Node)
		}
	}
	if parts < 2 {
		return
	}
	for _, t := range e.Tables {
		if !expect.KindOf(t.Kind).Echo || t.Short {
			continue
		}
		for _, c := range t.Cells {
			a, _, _ := strings.Cut(c.Row, ":")
			b, _, _ := strings.Cut(c.Column, ":")
			if c.Judged && strings.HasPrefix(c.Want.Text, "ok") && l.named[a] != nil && l.named[b] != nil && find(a) != find(b) {
				l.Add(c.Pos, c.Width, "expect."+t.Kind, b+" is expected but nothing links it to "+a, true)
			}
		}
	}
}
