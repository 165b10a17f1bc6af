//go:build linux

package kernel

import (
	"slices"

	"labctl/topology/plan"
	"labctl/topology/problem"
	"labctl/topology/rules"
)

// rulePart is what one tool has to make of a change of rules.
type rulePart struct {
	tool   string   // iptables, ip6tables, nft
	tables []string // of iptables
	text   string
	lines  []ruleOrigin // where the lines of text come from
}

// ruleOrigin is a rule set and a place in it; without a set the line is labctl's own.
type ruleOrigin struct {
	set *rules.Set
	pos problem.Pos
}

// ruleParts are the tools' shares of a change, without those that have nothing to change.
func ruleParts(o plan.SetRules) []rulePart {
	back := plan.SetRules{Node: o.Node, From: o.To, To: o.From}
	was := xtParts(back)
	var out []rulePart
	for i, p := range xtParts(o) {
		if p.text != was[i].text { // both have the same tables
			out = append(out, p)
		}
	}
	text, places := o.NFT()
	if before, _ := back.NFT(); before == text {
		return out
	}
	p := rulePart{tool: "nft", text: text}
	for _, at := range places {
		from := ruleOrigin{pos: at}
		for _, set := range o.To {
			if at.Line > 0 && set.Text != "" && !after(set.Pos, at) {
				from.set = set // the last that begins before the place
			}
		}
		p.lines = append(p.lines, from)
	}
	return append(out, p)
}

func after(a, b problem.Pos) bool { return a.Line > b.Line || a.Line == b.Line && a.Col > b.Col }

// xtParts are the shares of iptables and ip6tables.
func xtParts(o plan.SetRules) []rulePart {
	var out []rulePart
	for _, t := range o.Tables() {
		if len(out) == 0 || out[len(out)-1].tool != t.Family {
			out = append(out, rulePart{tool: t.Family})
		}
		p := &out[len(out)-1]
		p.tables = append(p.tables, t.Table)
		p.text += t.Text
		for _, l := range t.Lines {
			p.lines = append(p.lines, lineOrigin(o.To, l))
		}
	}
	return out
}

// lineOrigin finds the set that a command is one of.
func lineOrigin(sets []*rules.Set, l *rules.Line) ruleOrigin {
	for _, set := range sets {
		for i := range set.Lines {
			if &set.Lines[i] == l {
				return ruleOrigin{set, l.Pos}
			}
		}
	}
	return ruleOrigin{}
}

// xtTool is the tool that loads the lines of a set, "" when it has none.
func xtTool(set *rules.Set) string {
	switch {
	case len(set.Lines) == 0:
		return ""
	case set.Form == "ip6tables":
		return "ip6tables"
	}
	return "iptables"
}

// usesTable reports whether any of the sets has lines for a table.
func usesTable(sets []*rules.Set, tool, table string) bool {
	return slices.ContainsFunc(sets, func(set *rules.Set) bool {
		return xtTool(set) == tool && slices.ContainsFunc(set.Lines,
			func(l rules.Line) bool { return l.Table == table })
	})
}
