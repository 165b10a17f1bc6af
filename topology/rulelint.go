package topology

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// placed is a command of a set.
type placed struct {
	set  *RuleSet
	line *RuleLine
}

// chains refuses commands for chains that nothing makes.
func (b *build) chains(n *Node, path string) {
	type chain struct{ family, table, name string }
	made := map[chain]bool{}
	known := map[chain][]string{}
	for _, set := range n.Rules {
		for _, l := range set.Lines {
			if l.Args[0] == "-N" {
				made[chain{set.family(), l.Table, l.Args[1]}] = true
				in := chain{set.family(), l.Table, ""}
				known[in] = append(known[in], l.Args[1])
			}
		}
	}
	for _, set := range n.Rules {
		for _, l := range set.Lines {
			name := l.Args[1]
			own := slices.Contains(ownChains(l.Table), name)
			wrong := func(format string, args ...any) {
				b.add(l.Pos, len(l.Args[0])+1+len(name), pathKey(pathKey(pathKey(path, "rules"), set.Name), set.Form), fmt.Sprintf(format, args...), false)
			}
			switch l.Args[0] {
			case "-N":
				if own {
					wrong("table %s has a chain %s of its own; give this one another name", l.Table, name)
				}
			case "-P":
				if !own {
					wrong("only %s of table %s have a policy", andList(ownChains(l.Table)), l.Table)
				}
			default:
				if !own && !made[chain{set.family(), l.Table, name}] {
					wrong("table %s has no chain %s, and no -N makes it%s", l.Table, name,
						suggestWord(name, append(slices.Clone(ownChains(l.Table)), known[chain{set.family(), l.Table, ""}]...)))
				}
			}
		}
	}
}

// establishedTrap warns of an accept for whatever belongs to a connection ahead of what refuses frames by the port of a
// bridge: a connection that began before an attack then goes on through the attacker.
func (b *build) establishedTrap(n *Node, path string) {
	for _, family := range ruleForms()[:2] {
		chains := inOrder(n.Rules, family)
		forward := chains["FORWARD"]
		for i, p := range forward {
			if !p.line.acceptsEstablished() {
				continue
			}
			at := slices.IndexFunc(forward[i+1:], func(q placed) bool { return q.line.refusesByPort(chains) })
			if at < 0 {
				continue
			}
			d := forward[i+1+at]
			where := fmt.Sprintf("the rules of %s", d.set.Name)
			if d.line.Name != "" {
				where = d.set.Name + "/" + d.line.Name
			}
			text, _, _ := strings.Cut(b.line(p.line.Pos.Line), "#")
			b.add(p.line.Pos, len(strings.TrimRight(text, " "))+1-p.line.Pos.Col, pathKey(pathKey(pathKey(path, "rules"), p.set.Name), p.set.Form),
				fmt.Sprintf("stands ahead of %s (line %d): a connection that began before an attack goes on through the attacker; let it stand behind what refuses",
					where, d.line.Pos.Line), true)
		}
	}
}

// inOrder are the rules of every chain of the table filter, in the order in which they stand when all sets are loaded.
func inOrder(sets []*RuleSet, family string) map[string][]placed {
	chains := map[string][]placed{}
	for _, set := range sets {
		for i := range set.Lines {
			l := &set.Lines[i]
			if set.family() != family || l.Table != "filter" || l.Args[0] != "-A" && l.Args[0] != "-I" {
				continue
			}
			list := chains[l.Args[1]]
			at := len(list)
			if l.Args[0] == "-I" {
				at = 0
				if len(l.Args) > 2 && decimal.MatchString(l.Args[2]) {
					at = min(len(list), max(0, insertAt(l.Args[2])-1))
				}
			}
			chains[l.Args[1]] = slices.Insert(list, at, placed{set, l})
		}
	}
	return chains
}

// insertAt is the number behind -I and the chain.
func insertAt(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// target is what a rule jumps to, or "".
func (l *RuleLine) target() string {
	for i, a := range l.Args[:len(l.Args)-1] {
		if a == "-j" || a == "--jump" || a == "-g" || a == "--goto" {
			return l.Args[i+1]
		}
	}
	return ""
}

func (l *RuleLine) acceptsEstablished() bool {
	if l.target() != "ACCEPT" || slices.Contains(l.Args, "physdev") {
		return false
	}
	for i, a := range l.Args[:len(l.Args)-1] {
		if (a == "--state" || a == "--ctstate") && slices.Contains(strings.Split(l.Args[i+1], ","), "ESTABLISHED") && l.Args[i-1] != "!" {
			return true
		}
	}
	return false
}

// refusesByPort reports whether a rule, or the chain that it jumps to, drops what comes or goes by a port of a bridge.
func (l *RuleLine) refusesByPort(chains map[string][]placed) bool {
	if !slices.Contains(l.Args, "physdev") {
		return false
	}
	refuses := func(t string) bool { return t == "DROP" || t == "REJECT" }
	return refuses(l.target()) || slices.ContainsFunc(chains[l.target()], func(p placed) bool { return refuses(p.line.target()) })
}
