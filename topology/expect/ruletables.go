package expect

import (
	"strings"

	"labctl/topology/problem"
)

// ruleRow resolves a row of hits: a rule that counts, of a set that is loaded if that is asked for. A case may be what loads it.
func (p *tableParser) ruleRow(line int, w tableWord, loaded bool) bool {
	lab := p.rs.Lab
	node, rest, _ := strings.Cut(w.text, "/")
	name, rule, _ := strings.Cut(rest, "/")
	if !isRule(w.text) {
		p.wrong(line, w, "%q is not a rule; want node/set/rule", w.text)
		return false
	}
	n := lab.Node(node)
	if n == nil {
		p.wrong(line, w, "no node %q%s", node, p.words.near(node, p.words.names()))
		return false
	}
	set := n.RuleSet(name)
	switch {
	case len(n.Rules) == 0:
		p.wrong(line, w, "%s has no rules", node)
	case set == nil:
		var known []string
		for _, s := range n.Rules {
			known = append(known, s.Name)
		}
		p.wrong(line, w, "%s has no rule set %q%s", node, name, p.words.near(name, known))
	case !set.Has(rule):
		p.wrong(line, w, "%s/%s has no rule %q%s", node, name, rule, p.words.near(rule, set.Names))
	case !set.Counts(rule):
		p.wrong(line, w, `%s counts nothing; write "counter" in the rule`, w.text)
	case loaded && !set.Load:
		p.wrong(line, w, "%s/%s is not loaded here, so nothing is counted", node, name)
	default:
		return true
	}
	return false
}

// packets judges how many packets are wanted: a number, or ">=" and one.
func packets(text string) string {
	if problem.Decimal.MatchString(strings.TrimPrefix(text, ">=")) {
		return ""
	}
	return problem.Quoted(text) + " is not a number of packets; want 3, >=1 or 0"
}
