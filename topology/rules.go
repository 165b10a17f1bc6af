package topology

import (
	"net/netip"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// textLine is a line of a text in the file, and where it begins there.
type textLine struct {
	text  string
	pos   Pos
	vague bool // pos is where the whole text begins: its words stand elsewhere than they are counted
}

// at is the place of a byte of the line.
func (l textLine) at(byte int) Pos {
	if l.vague || l.pos.Line == 0 {
		return l.pos
	}
	return Pos{l.pos.Line, l.pos.Col + byte}
}

// textLines cuts a text of the file into lines. Those of a literal block stand where they stand; of any other text only its
// beginning is known, unless it is one line.
func (r *reader) textLines(n *yaml.Node) []textLine {
	var out []textLine
	if n.Style&yaml.LiteralStyle != 0 && n.Line > 0 {
		text, at := r.block(n)
		for i, s := range strings.Split(text, "\n") {
			out = append(out, textLine{text: s, pos: Pos{at.Line + i, at.Col}})
		}
		return out
	}
	at := r.at(n)
	if at.Line > 0 && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		at.Col++
	}
	// A plain text may go on in the next line, and one in quotes have escapes.
	value := strings.TrimRight(n.Value, " \n")
	here := r.line(at.Line)
	vague := at.Line < 1 || !strings.HasPrefix(here[min(max(0, at.Col-1), len(here)):], value)
	for s := range strings.SplitSeq(value, "\n") {
		if len(out) > 0 || strings.TrimSpace(s) != "" { // lines are counted from the first with words, as in a block
			out = append(out, textLine{s, at, vague})
		}
	}
	if len(out) == 0 {
		out = []textLine{{"", at, true}}
	}
	return out
}

// rules reads the rule sets of a node.
func (b *build) rules(s *site, n *Node) {
	var bodies []*yaml.Node
	for k, v := range entries(b.key(s, "rules")) {
		path := pathKey(pathKey(b.path(s), "rules"), k.Value)
		if v.Kind != yaml.MappingNode {
			continue
		}
		set := &RuleSet{Name: k.Value, Load: boolOf(field(v, "load"), true), Pos: b.at(k), uncounted: map[string]bool{}}
		var body *yaml.Node
		for _, f := range ruleForms() {
			if x := field(v, f); x != nil && body == nil {
				set.Form, body = f, x
			}
		}
		if body == nil {
			b.errorf(k, path, "has no rules; write one of %s", orList(ruleForms()))
			continue
		}
		at := pathKey(path, set.Form)
		if was := b.ruleSets[body]; was != nil { // the file's, or that of an earlier step
			if was.Load != set.Load || was.Pos != set.Pos {
				again := *was
				again.Load, again.Pos = set.Load, set.Pos
				was = &again
			}
			n.Rules, bodies = append(n.Rules, was), append(bodies, body)
			continue
		}
		before := len(b.probs)
		switch set.Form {
		case "port_guard":
			set.Level = stringOf(field(v, "level"), "l2")
			b.portGuard(s, n, set, body, at)
		case "nft":
			b.nftText(set, body, at)
		default:
			b.ruleLines(set, body, at)
		}
		switch {
		case set.Form == "port_guard": // it depends on the nodes behind its ports too
			body = new(yaml.Node)
		case len(b.probs) == before:
			b.ruleSets[body] = set
		}
		n.Rules, bodies = append(n.Rules, set), append(bodies, body)
	}
	if was, known := b.ruled[s]; known && slices.Equal(was, bodies) {
		if b.overlay != nil {
			b.blindGuard(n, b.path(s))
		}
		return
	}
	b.ruled[s] = bodies
	if b.overlay != nil {
		for _, set := range n.Rules {
			b.built += len(set.Lines) / 2 // which are looked at again
		}
	}
	b.ownTables(n, b.path(s))
	b.chains(n, b.path(s))
	b.xtNames(n, b.path(s))
	if b.overlay != nil {
		b.establishedTrap(n, b.path(s))
		b.blindGuard(n, b.path(s))
	}
}

// named notes the name of a rule. A name that is taken is refused.
func (set *RuleSet) named(name string) bool {
	if set.has(name) {
		return false
	}
	if set.isName == nil {
		set.isName = map[string]bool{}
	}
	set.isName[name] = true
	set.Names = append(set.Names, name)
	return true
}

// has reports whether a rule of the set has that name. The index is only a hint: a set may have been made without it.
func (set *RuleSet) has(name string) bool {
	if len(set.isName) != len(set.Names) {
		return slices.Contains(set.Names, name)
	}
	return set.isName[name]
}

// ownTables refuses tables that two sets make: what is counted could not be told apart, and what is unloaded neither.
func (b *build) ownTables(n *Node, path string) {
	owner := map[NFTable]*RuleSet{}
	iptables := map[NFTable]*RuleSet{}
	for _, set := range n.Rules {
		family := map[string]string{"iptables": "ip", "ip6tables": "ip6", "port_guard": "ip"}[set.Form]
		for _, l := range set.Lines {
			iptables[NFTable{family, l.Table}] = set
		}
	}
	for _, set := range n.Rules {
		for _, t := range set.Tables {
			at := pathKey(pathKey(path, "rules"), set.Name)
			if was := owner[t]; was != nil {
				b.add(set.Pos, len(set.Name), at, "table "+t.String()+" is that of "+was.Name+" already; give it another name", false)
			} else if was := iptables[t]; was != nil {
				b.add(set.Pos, len(set.Name), at, "table "+t.String()+" is the one that iptables makes for "+was.Name+"; give it another name", false)
			}
			owner[t] = set
		}
	}
}

// Loaded are the rule sets of the node that are loaded, in file order.
func (n *Node) Loaded() []*RuleSet {
	var out []*RuleSet
	for _, set := range n.Rules {
		if set.Load {
			out = append(out, set)
		}
	}
	return out
}

// RuleSet returns the node's rule set of that name, or nil.
func (n *Node) RuleSet(name string) *RuleSet {
	for _, set := range n.Rules {
		if set.Name == name {
			return set
		}
	}
	return nil
}

// Rule takes node/set/rule apart. The last result is false when this lab has no such rule.
func (l *Lab) Rule(text string) (node, set, rule string, ok bool) {
	parts := strings.Split(text, "/")
	if len(parts) != 3 {
		return "", "", "", false
	}
	node, set, rule = parts[0], parts[1], parts[2]
	n := l.find(node)
	if n == nil {
		return node, set, rule, false
	}
	s := n.RuleSet(set)
	return node, set, rule, s != nil && s.has(rule)
}

// guardIPText says why s is no address or prefix of IPv4, or "".
func guardIPText(s string) string {
	if !strings.Contains(s, "/") {
		if a, err := netip.ParseAddr(s); err == nil && a.Is4() {
			return ""
		}
		return quoted(clip(s)) + " is no IPv4 address; a port guard knows no other"
	}
	if p, err := netip.ParsePrefix(s); err != nil || !p.Addr().Is4() {
		return quoted(clip(s)) + " is no prefix of IPv4 addresses; a port guard knows no other"
	}
	return ""
}
