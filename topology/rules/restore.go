package rules

import (
	"slices"
	"strings"

	"labctl/topology/problem"
)

// Comment is how a rule of iptables carries its name in the kernel, or, if it has none, its [Rule].Key: the first
// comment of the rule.
func Comment(set, rule string) string { return "labctl:" + set + "/" + rule }

// restore is the command with the comment that carries its name, which follows the chain (and -I's number) so
// that it is the first of the rule's comments.
func (l *Line) restore(comment string) string {
	head := 2
	if l.Args[0] == "-I" && len(l.Args) > 2 && problem.Decimal.MatchString(l.Args[2]) {
		head = 3
	}
	var words []string
	for _, a := range l.Args[:head] {
		words = append(words, restoreWord(a))
	}
	words = append(words, "-m", "comment", "--comment", restoreWord(comment))
	for _, a := range l.Args[head:] {
		words = append(words, restoreWord(a))
	}
	return strings.Join(words, " ")
}

// restoreWord makes one word for iptables-restore, which knows double quotes and backslashes in them only.
func restoreWord(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t\"'\\#") {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// TableRules is one table of iptables or ip6tables, as iptables-restore(8) reads it.
type TableRules struct {
	Family string // iptables, ip6tables: the tool is called <Family>-restore
	Table  string
	Text   string  // from "*filter" to "COMMIT"; every line ends with a newline. It replaces the table as a whole
	Lines  []*Line // for each line of Text the command of a set that it is; nil for what labctl puts round them
}

// RestoreTables are the tables of iptables and ip6tables that a change from some loaded sets of a node to others
// writes: all that either use, so that those that the new ones do not use end up empty, with every policy ACCEPT. The
// order is stable: iptables first, raw mangle nat filter security.
func RestoreTables(from, to []*Set) []TableRules {
	var out []TableRules
	for _, family := range RuleForms()[:2] {
		for _, t := range ruleTables() {
			uses := func(set *Set) bool {
				return set.family() == family &&
					slices.ContainsFunc(set.Lines, func(l Line) bool { return l.Table == t.name })
			}
			if slices.ContainsFunc(from, uses) || slices.ContainsFunc(to, uses) {
				out = append(out, restoreTable(to, family, t))
			}
		}
	}
	return out
}

// restoreTable writes one table: chains first, with their policies, then the rules in file order.
func restoreTable(to []*Set, family string, t ruleTable) TableRules {
	r := TableRules{Family: family, Table: t.name}
	var b strings.Builder
	add := func(line string, l *Line) {
		b.WriteString(line + "\n")
		r.Lines = append(r.Lines, l)
	}
	var rules []func()
	policy, by := map[string]string{}, map[string]*Line{}
	var chains []string
	for _, set := range to {
		for i := range set.Lines {
			l := &set.Lines[i]
			switch {
			case set.family() != family || l.Table != t.name:
			case l.Args[0] == "-P":
				policy[l.Args[1]], by[l.Args[1]] = l.Args[2], l
			case l.Args[0] == "-N":
				if by[l.Args[1]] == nil {
					chains, by[l.Args[1]] = append(chains, l.Args[1]), l
				}
			default:
				rules = append(rules, func() { add(l.restore(Comment(set.Name, l.key(i))), l) })
			}
		}
	}
	add("*"+t.name, nil)
	for _, c := range t.chains {
		word := "ACCEPT"
		if policy[c] != "" {
			word = policy[c]
		}
		add(":"+c+" "+word+" [0:0]", by[c])
	}
	for _, c := range chains {
		add(":"+restoreWord(c)+" - [0:0]", by[c])
	}
	for _, f := range rules {
		f()
	}
	add("COMMIT", nil)
	r.Text = b.String()
	return r
}

// Script is what "nft -f" reads to make that change, in one transaction; "" if there is nothing for it. places has, for
// each line, where it is in the lab file; the zero Pos is a line that labctl put there.
func Script(from, to []*Set) (text string, places []problem.Pos) {
	var b strings.Builder
	add := func(line string, at problem.Pos) {
		b.WriteString(line + "\n")
		places = append(places, at)
	}
	for _, set := range from {
		for _, t := range set.Tables {
			add("add table "+t.String(), problem.Pos{}) // so that one that somebody has deleted is no error
			add("delete table "+t.String(), problem.Pos{})
		}
	}
	for _, set := range to {
		for i, line := range strings.Split(strings.TrimSuffix(set.Text, "\n"), "\n") {
			if set.Text == "" {
				break
			}
			at := set.Pos
			if set.TextPos.Line > 0 {
				at = problem.Pos{Line: set.TextPos.Line + i, Col: set.TextPos.Col}
			}
			add(line, at)
		}
	}
	return b.String(), places
}
