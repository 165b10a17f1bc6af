package topology

import (
	"fmt"
	"slices"
	"strings"
)

// fate is what one rule, or the end of a chain, does to frames that come that far.
type fate struct {
	set   *RuleSet
	pos   Pos
	width int    // of the rule in its line; 0: up to its end
	name  string // as messages have it

	byPort  bool // of some ports of the bridge only
	old     bool // of established connections, perhaps of others
	all     bool // whatever they are
	accepts bool
	refuses bool
}

// trap is an accept for whatever belongs to a connection ahead of what refuses frames by the port of a bridge: a connection
// that began before an attack goes on through the attacker.
type trap struct{ accept, refusal fate }

func (t trap) String() string {
	where := t.refusal.name
	if t.refusal.pos.Line > 0 {
		where += fmt.Sprintf(" (line %d)", t.refusal.pos.Line)
	}
	if t.refusal.byPort {
		return "stands ahead of " + where + ": a connection that began before an attack goes on through the attacker; let it stand behind what refuses"
	}
	return "stands ahead of " + where + ", which refuses what no rule accepts by port: a connection that began before an attack goes on through the attacker; tie it to ports and addresses too"
}

// trapsIn finds the accepts that stand ahead of a refusal: of one by port, or of one of all that is left where something is
// accepted by port.
func trapsIn(list []fate) []trap {
	tied := slices.ContainsFunc(list, func(f fate) bool { return f.accepts && f.byPort })
	var out []trap
	var next *fate // the first refusal behind
	for i := len(list) - 1; i >= 0; i-- {
		f := &list[i]
		if f.accepts && f.old && !f.byPort && next != nil {
			out = append(out, trap{*f, *next})
		}
		if f.refuses && (f.byPort || f.all && tied) {
			next = f
		}
	}
	slices.Reverse(out)
	return out
}

// traps are those of a node whose rule sets stand in this order, each once. all is false if there are too many ways through the chains.
func traps(sets []*RuleSet, room *int) (list []trap, all bool) {
	tr := newTracer(room)
	seen := map[trap]bool{}
	add := func(ways []fate) {
		for _, t := range trapsIn(ways) {
			if !seen[t] {
				seen[t] = true
				list = append(list, t)
			}
		}
	}
	for _, family := range ruleForms()[:2] {
		tr.begin()
		add(forwarded(tr, sets, family))
	}
	for _, set := range sets {
		tr.begin()
		for _, ways := range set.hookFates(tr) {
			add(ways)
		}
	}
	return list, *room > 0
}

// establishedTrap warns of traps, also of those that only steps set.
func (b *build) establishedTrap(n *Node, path string) {
	if len(n.Rules) == 0 || b.ways <= 0 { // and this is said
		return
	}
	was := b.overlay
	b.overlay = nil // which would take the warning for what it has moved elsewhere
	defer func() { b.overlay = was }()
	list, all := traps(n.Rules, &b.ways)
	if !all {
		set := n.Rules[0]
		b.add(set.Pos, len(set.Name), pathKey(path, "rules"), fmt.Sprintf("there are more than %d ways through the chains that the rules up to these jump to; let fewer jump", maxWays), false)
	}
	for _, t := range list {
		width := t.accept.width
		if width == 0 {
			text, _, _ := strings.Cut(b.line(t.accept.pos.Line), "#")
			width = len(strings.TrimRight(text, " ")) + 1 - t.accept.pos.Col
		}
		b.add(t.accept.pos, width, pathKey(pathKey(pathKey(path, "rules"), t.accept.set.Name), t.accept.set.Form), t.String(), true)
	}
}

// sayTraps says which traps there are now that were not there before.
func (d *differ) sayTraps(o, n *Node) {
	before := map[string]bool{}
	room := maxWays
	was, _ := traps(o.Loaded(), &room)
	for _, t := range was {
		before[t.accept.set.Name+t.accept.name+t.refusal.name] = true
	}
	room = maxWays
	is, _ := traps(n.Loaded(), &room)
	for _, t := range is {
		if !before[t.accept.set.Name+t.accept.name+t.refusal.name] {
			d.say(n.Name, "rules %s: warning: %s %s", t.accept.set.Name, t.accept.name, t)
		}
	}
}
