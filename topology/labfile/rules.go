package labfile

import (
	"net/netip"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"labctl/topology"
	"labctl/topology/problem"
	"labctl/topology/rules"
)

// textLines cuts a text of the file into lines. Those of a literal block stand where they stand; of any other text only its
// beginning is known, unless it is one line.
func (r *reader) textLines(n *yaml.Node) []rules.TextLine {
	var out []rules.TextLine
	if n.Style&yaml.LiteralStyle != 0 && n.Line > 0 {
		text, at := r.block(n)
		for i, s := range strings.Split(text, "\n") {
			out = append(out, rules.TextLine{Text: s, Pos: problem.Pos{Line: at.Line + i, Col: at.Col}})
		}
		return out
	}
	at := r.at(n)
	if at.Line > 0 && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		at.Col++
	}
	// A plain text may go on in the next line, and one in quotes have escapes.
	value := strings.TrimRight(n.Value, " \n")
	here := r.Line(at.Line)
	vague := at.Line < 1 || !strings.HasPrefix(here[min(max(0, at.Col-1), len(here)):], value)
	for s := range strings.SplitSeq(value, "\n") {
		if len(out) > 0 || strings.TrimSpace(s) != "" { // lines are counted from the first with words, as in a block
			out = append(out, rules.TextLine{Text: s, Pos: at, Vague: vague})
		}
	}
	if len(out) == 0 {
		out = []rules.TextLine{{Text: "", Pos: at, Vague: true}}
	}
	return out
}

// rules reads the rule sets of a node.
func (b *build) rules(s *site, n *topology.Node) {
	var bodies []*yaml.Node
	for k, v := range entries(b.key(s, "rules")) {
		path := problem.PathKey(problem.PathKey(b.path(s), "rules"), k.Value)
		if v.Kind != yaml.MappingNode {
			continue
		}
		set := rules.NewSet(k.Value, boolOf(field(v, "load"), true), b.at(k))
		var body *yaml.Node
		for _, f := range rules.RuleForms() {
			if x := field(v, f); x != nil && body == nil {
				set.Form, body = f, x
			}
		}
		if body == nil {
			b.errorf(k, path, "has no rules; write one of %s", problem.OrList(rules.RuleForms()))
			continue
		}
		at := problem.PathKey(path, set.Form)
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
	rules.CheckChains(n.Rules, b, b.path(s))
	rules.CheckNames(n.Rules, b.lab.Needs, b, b.path(s))
	if b.overlay != nil {
		b.establishedTrap(n, b.path(s))
		b.blindGuard(n, b.path(s))
	}
}

// ownTables refuses tables that two sets make: what is counted could not be told apart, and what is unloaded neither.
func (b *build) ownTables(n *topology.Node, path string) {
	owner := map[rules.NFTable]*rules.Set{}
	iptables := map[rules.NFTable]*rules.Set{}
	for _, set := range n.Rules {
		family := map[string]string{"iptables": "ip", "ip6tables": "ip6", "port_guard": "ip"}[set.Form]
		for _, l := range set.Lines {
			iptables[rules.NFTable{Family: family, Name: l.Table}] = set
		}
	}
	for _, set := range n.Rules {
		for _, t := range set.Tables {
			at := problem.PathKey(problem.PathKey(path, "rules"), set.Name)
			if was := owner[t]; was != nil {
				b.Add(set.Pos, len(set.Name), at, "table "+t.String()+" is that of "+was.Name+" already; give it another name", false)
			} else if was := iptables[t]; was != nil {
				b.Add(set.Pos, len(set.Name), at, "table "+t.String()+" is the one that iptables makes for "+was.Name+"; give it another name", false)
			}
			owner[t] = set
		}
	}
}

// guardIPText says why s is no address or prefix of IPv4, or "".
func guardIPText(s string) string {
	if !strings.Contains(s, "/") {
		if a, err := netip.ParseAddr(s); err == nil && a.Is4() {
			return ""
		}
		return problem.Quoted(problem.Clip(s)) + " is not an IPv4 address; a port guard knows no other"
	}
	if p, err := netip.ParsePrefix(s); err != nil || !p.Addr().Is4() {
		return problem.Quoted(problem.Clip(s)) + " is not a prefix of IPv4 addresses; a port guard knows no other"
	}
	return ""
}

// nftText takes over a text for nft.
func (b *build) nftText(set *rules.Set, v *yaml.Node, path string) {
	if v.Kind != yaml.ScalarNode {
		return
	}
	if v.Style&yaml.FoldedStyle != 0 {
		b.errorf(v, path, `">" joins lines; write the rules after "|"`)
		return
	}
	lines := b.textLines(v)
	if v.Style&yaml.LiteralStyle != 0 && v.Line > 0 {
		set.TextPos = lines[0].Pos
	}
	if set.ReadNFT(b, path, lines) && len(set.Tables) == 0 {
		b.errorf(v, path, "makes no table; nft's rules stand in \"table FAMILY NAME {…}\"")
	}
}

// ruleLines reads the commands of a set of iptables or ip6tables.
func (b *build) ruleLines(set *rules.Set, n *yaml.Node, path string) {
	if n.Kind != yaml.ScalarNode {
		return
	}
	if n.Style&yaml.FoldedStyle != 0 {
		b.errorf(n, path, `">" joins lines; write the commands after "|"`)
		return
	}
	if set.ReadLines(b, path, b.textLines(n)) && len(set.Lines) == 0 {
		b.errorf(n, path, "has no commands; write them one a line, as \"-A FORWARD -j DROP\"")
	}
}

// establishedTrap warns of traps, also of those that only steps set.
func (b *build) establishedTrap(n *topology.Node, path string) {
	if len(n.Rules) == 0 || b.ways <= 0 { // and this is said
		return
	}
	was := b.overlay
	b.overlay = nil // which would take the warning for what it has moved elsewhere
	defer func() { b.overlay = was }()
	rules.CheckTraps(n.Rules, b, path, &b.ways)
}

// blindGuard warns of them, also of those that only steps make blind.
func (b *build) blindGuard(n *topology.Node, path string) {
	was := b.overlay
	b.overlay = nil // which would take the warning for what it has moved elsewhere
	defer func() { b.overlay = was }()
	sets, why := n.BlindGuards()
	for i, set := range sets {
		b.Add(set.Pos, len(set.Name), problem.PathKey(problem.PathKey(path, "rules"), set.Name), why[i], true)
	}
}
