package expect

import "strings"

var hits = Kind{
	Name: "hits", Doc: "how many packets rules have met", Reads: true,
	questionSyntax: questionSyntax{form: "NODE/SET/RULE",
		text:  func(q Question) string { return q.A },
		parse: func(text string) (Question, bool) { return Question{A: text}, isWord(text) && isRule(text) },
		asked: func(f *finder, line int, w tableWord, q Question) bool {
			return f.ruleRow(line, w.part(strings.IndexByte(w.text, ':')+1, len(q.A)), false)
		},
		label: func(c *Cell) string { return c.Row }},
	axisRules: axisRules{corner: "rule", rowIs: "node/set/rule", columns: []string{"hits"},
		row:  func(f *finder, line int, w tableWord) bool { return f.ruleRow(line, w, true) },
		cell: func(row, _ string) Question { return Question{A: row} }},
	cellWords: cellWords{ofRow: true, counts: true,
		words:  []string{"unknown"},
		means:  [][2]string{{"unknown", notReadMeans}},
		word:   func(_ *vocabulary, _ *Kind, _ Question, word string) string { return countOf("packets", word) },
		sample: func(Question) []string { return []string{"0", "1", "12", "unknown"} }},
}

// isRule reports whether s could be node/set/rule.
func isRule(s string) bool {
	parts := strings.Split(s, "/")
	return len(parts) == 3 && parts[0] != "" && parts[1] != "" && parts[2] != ""
}

// ruleRow resolves a row of hits: a rule that counts, of a set that is loaded if that is asked for. A case may be what
// loads it.
func (f *finder) ruleRow(line int, w tableWord, loaded bool) bool {
	lab := f.rs.Lab
	node, rest, _ := strings.Cut(w.text, "/")
	name, rule, _ := strings.Cut(rest, "/")
	if !isRule(w.text) {
		f.wrong(line, w, "%q is not a rule; want node/set/rule", w.text)
		return false
	}
	n := lab.Node(node)
	if n == nil {
		f.wrong(line, w, "no node %q%s", node, f.words.near(node, f.words.names()))
		return false
	}
	set := n.RuleSet(name)
	switch {
	case len(n.Rules) == 0:
		f.wrong(line, w, "%s has no rules", node)
	case set == nil:
		var known []string
		for _, s := range n.Rules {
			known = append(known, s.Name)
		}
		f.wrong(line, w, "%s has no rule set %q%s", node, name, f.words.near(name, known))
	case !set.Has(rule):
		f.wrong(line, w, "%s/%s has no rule %q%s", node, name, rule, f.words.near(rule, set.Names))
	case !set.Counts(rule):
		f.wrong(line, w, `%s counts nothing; write "counter" in the rule`, w.text)
	case loaded && !set.Load:
		f.wrong(line, w, "%s/%s is not loaded here, so nothing is counted", node, name)
	default:
		return true
	}
	return false
}
