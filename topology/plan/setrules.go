package plan

import (
	"slices"
	"strconv"
	"strings"

	"labctl/topology"
	"labctl/topology/problem"
	"labctl/topology/rules"
)

// Tables are the tables of iptables and ip6tables that the change writes: see [RestoreTables].
func (o SetRules) Tables() []rules.TableRules { return rules.RestoreTables(o.From, o.To) }

// NFT is what "nft -f" is to read to make the change: see [Script].
func (o SetRules) NFT() (text string, places []problem.Pos) { return rules.Script(o.From, o.To) }

// endOfRules ends a here-document. See [hereDocument] for a text that has such a line itself.
const endOfRules = "END-OF-LABCTL-RULES"

// hereDocument gives a command a text to read, all of it and nothing else: what ends the text is a line that it does
// not have, or the shell would run what follows.
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
		out = append(out, in+"sysctl -qw "+problem.ShellWord(s.Key+"="+s.Value))
	}
	for _, family := range rules.RuleForms()[:2] {
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
func (d *differ) rules(n *topology.Node) {
	o := d.old[n.Name]
	if o == nil || d.rebuilt[n.Name] {
		o = &topology.Node{}
	} else {
		differs := d.sayRules(o, n)
		if d.sayBlind(o, n); !differs {
			return
		}
	}
	op := SetRules{Node: n.Name, From: o.Loaded(), To: n.Loaded()}
	if rules.SameRules(op.From, op.To) {
		return
	}
	op.Sysctls = topology.BridgeCalls(o, n)
	d.add(op)
}

// sayRules says what differs between the rules of two states of a node, and reports whether anything does.
func (d *differ) sayRules(o, n *topology.Node) bool {
	before := len(d.changes)
	for _, set := range n.Rules {
		was := o.RuleSet(set.Name)
		state := map[bool]string{true: "loaded", false: "not loaded"}[set.Load]
		switch {
		case was == nil:
			d.say(n.Name, "rules %s: new, %s", set.Name, state)
		case was.Load != set.Load:
			d.say(n.Name, "rules %s: %s", set.Name, map[bool]string{true: "loaded", false: "unloaded"}[set.Load])
		case !rules.SameSet(was, set):
			d.say(n.Name, "rules %s: changed, %s", set.Name, state)
		}
	}
	for _, set := range o.Rules {
		if n.RuleSet(set.Name) == nil {
			d.say(n.Name, "rules %s: removed", set.Name)
		}
	}
	if order := func(n *topology.Node) (names []string) {
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

// sayTraps says which traps there are now that were not there before.
func (d *differ) sayTraps(o, n *topology.Node) {
	for _, t := range rules.NewShadowedRefusals(o.Loaded(), n.Loaded()) {
		d.say(n.Name, "rules %s: warning: %s", t[0], t[1])
	}
}

// sayBlind says which guards are blind now that were not before.
func (d *differ) sayBlind(o, n *topology.Node) {
	before, was := o.BlindGuards()
	sets, why := n.BlindGuards()
	for i, set := range sets {
		if !slices.ContainsFunc(before, func(b *rules.Set) bool {
			return b.Name == set.Name &&
				slices.Contains(was, why[i])
		}) {
			d.say(n.Name, "rules %s: warning: %s", set.Name, why[i])
		}
	}
}
