package rules

import (
	"fmt"
	"slices"
	"strings"

	"labctl/topology/problem"
)

// ruleEffect is what one rule, or the end of a chain, does to frames that come that far.
type ruleEffect struct {
	set   *Set
	pos   problem.Pos
	width int    // of the rule in its line; 0: up to its end
	name  string // as messages have it

	byPort  bool // of some ports of the bridge only
	old     bool // of established connections, perhaps of others
	all     bool // whatever they are
	accepts bool
	refuses bool
}

// shadowedRefusal is an accept for whatever belongs to a connection ahead of what refuses frames by the port of a
// bridge: a connection that began before an attack goes on through the attacker.
type shadowedRefusal struct{ accept, refusal ruleEffect }

func (t shadowedRefusal) String() string {
	where := t.refusal.name
	if t.refusal.pos.Line > 0 {
		where += fmt.Sprintf(" (line %d)", t.refusal.pos.Line)
	}
	if t.refusal.byPort {
		return "comes before " + where +
			": a connection that began before an attack goes on through the attacker; put " +
			"it after what refuses"
	}
	return "comes before " + where +
		", which refuses what no rule accepts by port: a connection that began before " +
		"an attack goes on through the attacker; tie it to ports and addresses too"
}

// shadowedIn finds the accepts that come ahead of a refusal: of one by port, or of one of all that is left where
// something is accepted by port.
func shadowedIn(list []ruleEffect) []shadowedRefusal {
	tied := slices.ContainsFunc(list, func(f ruleEffect) bool { return f.accepts && f.byPort })
	var out []shadowedRefusal
	var next *ruleEffect // the first refusal behind
	for i := len(list) - 1; i >= 0; i-- {
		f := &list[i]
		if f.accepts && f.old && !f.byPort && next != nil {
			out = append(out, shadowedRefusal{*f, *next})
		}
		if f.refuses && (f.byPort || f.all && tied) {
			next = f
		}
	}
	slices.Reverse(out)
	return out
}

// shadowedRefusals are those of a node whose rule sets are in this order, each once. all is false if there are too
// many ways through the chains.
func shadowedRefusals(sets []*Set, room *int) (list []shadowedRefusal, all bool) {
	tr := newTracer(room)
	seen := map[shadowedRefusal]bool{}
	add := func(ways []ruleEffect) {
		for _, t := range shadowedIn(ways) {
			if !seen[t] {
				seen[t] = true
				list = append(list, t)
			}
		}
	}
	for _, family := range RuleForms()[:2] {
		tr.begin()
		add(forwarded(tr, sets, family))
	}
	for _, set := range sets {
		tr.begin()
		for _, ways := range set.hookEffects(tr) {
			add(ways)
		}
	}
	return list, *room > 0
}

// CheckTraps warns of traps. room is how much of [MaxWays] is left, and becomes less; too many ways are a mistake. The
// sets, at least one, are all of a node, and path is the node's.
func CheckTraps(sets []*Set, file File, path string, room *int) {
	list, all := shadowedRefusals(sets, room)
	if !all {
		set := sets[0]
		file.Add(set.Pos, len(set.Name), problem.PathKey(path, "rules"),
			fmt.Sprintf("there are more than %d ways through the chains that the rules up to these jump to; let "+
				"fewer jump",
				MaxWays), false)
	}
	for _, t := range list {
		width := t.accept.width
		if width == 0 {
			text, _, _ := strings.Cut(file.Line(t.accept.pos.Line), "#")
			width = len(strings.TrimRight(text, " ")) + 1 - t.accept.pos.Col
		}
		file.Add(t.accept.pos, width, pathOf(path, t.accept.set), t.String(), true)
	}
}

// NewShadowedRefusals is what is said of each refusal behind an accept that one list of loaded sets has and another
// before it had not: the name of the set, and what is wrong.
func NewShadowedRefusals(was, is []*Set) (out [][2]string) {
	before := map[string]bool{}
	key := func(t shadowedRefusal) string { return t.accept.set.Name + t.accept.name + t.refusal.name }
	room := MaxWays
	list, _ := shadowedRefusals(was, &room)
	for _, t := range list {
		before[key(t)] = true
	}
	room = MaxWays
	list, _ = shadowedRefusals(is, &room)
	for _, t := range list {
		if !before[key(t)] {
			out = append(out, [2]string{t.accept.set.Name, t.accept.name + " " + t.String()})
		}
	}
	return out
}
