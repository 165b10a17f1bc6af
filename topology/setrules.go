package topology

import (
	"slices"
	"strconv"
	"strings"
)

// TableRules is one table of iptables or ip6tables, as iptables-restore(8) reads it.
type TableRules struct {
	Family string // iptables, ip6tables: the tool is called <Family>-restore
	Table  string
	Text   string      // from "*filter" to "COMMIT"; every line ends with a newline. It replaces the table as a whole
	Lines  []*RuleLine // for each line of Text the command of a set that it is; nil for what labctl puts round them
}

// family is the tool that loads the lines of the set.
func (set *RuleSet) family() string {
	if set.Form == "port_guard" {
		return "iptables"
	}
	return set.Form
}

// Tables are the tables of iptables and ip6tables that the change writes: all that From or To use, so that those that To
// uses no more end up empty, with every policy ACCEPT. The order is stable: iptables first, raw mangle nat filter security.
func (o SetRules) Tables() []TableRules {
	var out []TableRules
	for _, family := range ruleForms()[:2] {
		for _, t := range ruleTables() {
			uses := func(set *RuleSet) bool {
				return set.family() == family && slices.ContainsFunc(set.Lines, func(l RuleLine) bool { return l.Table == t.name })
			}
			if slices.ContainsFunc(o.From, uses) || slices.ContainsFunc(o.To, uses) {
				out = append(out, o.table(family, t))
			}
		}
	}
	return out
}

// table writes one table: chains first, with their policies, then the rules in file order.
func (o SetRules) table(family string, t ruleTable) TableRules {
	r := TableRules{Family: family, Table: t.name}
	var b strings.Builder
	add := func(line string, l *RuleLine) {
		b.WriteString(line + "\n")
		r.Lines = append(r.Lines, l)
	}
	var rules []func()
	policy, by := map[string]string{}, map[string]*RuleLine{}
	var chains []string
	for _, set := range o.To {
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
				rules = append(rules, func() { add(l.restore(RuleComment(set.Name, l.key(i))), l) })
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

// RuleComment is how a rule of iptables carries its name in the kernel, or, if it has none, its [ListedRule].Key: the first
// comment of the rule.
func RuleComment(set, rule string) string { return "labctl:" + set + "/" + rule }

// restore is the command with the comment that carries its name, which stands behind the chain (and -I's number) so that it
// is the first of the rule's comments.
func (l *RuleLine) restore(comment string) string {
	head := 2
	if l.Args[0] == "-I" && len(l.Args) > 2 && decimal.MatchString(l.Args[2]) {
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

// NFT is what "nft -f" shall read to make the change, in one transaction; "" if there is nothing for it. places has, for each
// line, where it stands in the lab file; the zero Pos is a line that labctl put there.
func (o SetRules) NFT() (text string, places []Pos) {
	var b strings.Builder
	add := func(line string, at Pos) {
		b.WriteString(line + "\n")
		places = append(places, at)
	}
	for _, set := range o.From {
		for _, t := range set.Tables {
			add("add table "+t.String(), Pos{}) // so that one that somebody has deleted is no error
			add("delete table "+t.String(), Pos{})
		}
	}
	for _, set := range o.To {
		for i, line := range strings.Split(strings.TrimSuffix(set.Text, "\n"), "\n") {
			if set.Text == "" {
				break
			}
			at := set.Pos
			if set.TextPos.Line > 0 {
				at = Pos{set.TextPos.Line + i, set.TextPos.Col}
			}
			add(line, at)
		}
	}
	return b.String(), places
}

// endOfRules ends a here-document. See [hereDocument] for a text that has such a line itself.
const endOfRules = "END-OF-LABCTL-RULES"

// hereDocument gives a command a text to read, all of it and nothing else: what ends the text is a line that it does not have, or
// the shell would run what follows.
func hereDocument(command, text string) string {
	end := endOfRules
	for i := 2; strings.Contains("\n"+text, "\n"+end+"\n"); i++ {
		end = endOfRules + "-" + strconv.Itoa(i)
	}
	return command + " <<'" + end + "'\n" + text + end
}

func (o SetRules) shell(ns func(string) string) string {
	var out []string
	in := "ip netns exec " + ns(o.Node) + " "
	for _, s := range o.Sysctls {
		out = append(out, in+"sysctl -qw "+quote(s.Key+"="+s.Value))
	}
	for _, family := range ruleForms()[:2] {
		var text strings.Builder
		for _, t := range o.Tables() {
			if t.Family == family {
				text.WriteString(t.Text)
			}
		}
		if text.Len() > 0 {
			out = append(out, hereDocument(in+family+"-restore", text.String()))
		}
	}
	if text, _ := o.NFT(); text != "" {
		out = append(out, hereDocument(in+"nft -f -", text))
	}
	return strings.Join(out, "\n")
}

// rules changes what is loaded in a node, if anything is.
func (d *differ) rules(n *Node) {
	o := d.old[n.Name]
	if o == nil || d.rebuilt[n.Name] {
		o = &Node{}
	} else {
		differs := d.sayRules(o, n)
		if d.sayBlind(o, n); !differs {
			return
		}
	}
	op := SetRules{Node: n.Name, From: o.Loaded(), To: n.Loaded()}
	if sameRules(op.From, op.To) {
		return
	}
	op.Sysctls = bridgeCalls(o, n)
	d.add(op)
}

// sayRules says what differs between the rules of two states of a node, and reports whether anything does.
func (d *differ) sayRules(o, n *Node) bool {
	before := len(d.changes)
	for _, set := range n.Rules {
		was := o.RuleSet(set.Name)
		state := map[bool]string{true: "loaded", false: "not loaded"}[set.Load]
		switch {
		case was == nil:
			d.say(n.Name, "rules %s: new, %s", set.Name, state)
		case was.Load != set.Load:
			d.say(n.Name, "rules %s: %s", set.Name, map[bool]string{true: "loaded", false: "unloaded"}[set.Load])
		case !sameSet(was, set):
			d.say(n.Name, "rules %s: changed, %s", set.Name, state)
		}
	}
	for _, set := range o.Rules {
		if n.RuleSet(set.Name) == nil {
			d.say(n.Name, "rules %s: removed", set.Name)
		}
	}
	if order := func(n *Node) (names []string) {
		for _, set := range n.Loaded() {
			names = append(names, set.Name)
		}
		return names
	}; before == len(d.changes) && !slices.Equal(order(o), order(n)) {
		d.say(n.Name, "rules: another order, %s", strings.Join(order(n), " "))
	}
	if len(d.changes) == before {
		return false
	}
	d.sayTraps(o, n)
	return true
}

func sameRules(a, b []*RuleSet) bool {
	return slices.EqualFunc(a, b, func(x, y *RuleSet) bool { return x.Name == y.Name && sameSet(x, y) })
}

// sameSet reports whether two sets say the same, wherever in the file they do.
func sameSet(a, b *RuleSet) bool {
	sameText := a.Text == b.Text || a.words != "" && a.words == b.words
	return a.Form == b.Form && sameText && slices.EqualFunc(a.Lines, b.Lines, func(x, y RuleLine) bool {
		return x.Table == y.Table && x.Name == y.Name && slices.Equal(x.Args, y.Args)
	})
}
