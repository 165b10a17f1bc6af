package labfile

import (
	"slices"
	"strings"

	"labctl/topology"
	"labctl/topology/problem"
)

// ruleNames warns of interfaces in rules that the node does not have: such a rule is loaded without a word, and meets nothing.
func (b *build) ruleNames(s *site, n *topology.Node, path string) {
	if len(n.Run) > 0 {
		return // which may make any
	}
	for _, set := range n.Rules {
		at := problem.PathKey(problem.PathKey(problem.PathKey(path, "rules"), set.Name), set.Form)
		if set.Form == "port_guard" {
			continue
		}
		for _, l := range set.Lines {
			for i, a := range l.Args[:len(l.Args)-1] {
				name := l.Args[i+1]
				if !slices.Contains([]string{"--physdev-in", "--physdev-out", "-i", "-o", "--in-interface", "--out-interface"}, a) || hasAny(n, name, "+") {
					continue
				}
				pos := l.Pos
				if text := b.Line(pos.Line); pos.Col > 0 && pos.Col <= len(text) {
					pos.Col += max(0, strings.Index(text[pos.Col-1:], name))
				}
				b.noInterface(s, n, pos, len(name), at, name)
			}
		}
		for _, t := range set.Interfaces() {
			if !hasAny(n, t.Text, "*") {
				b.noInterface(s, n, t.Pos, t.Width, at, t.Text)
			}
		}
	}
}

func (b *build) noInterface(s *site, n *topology.Node, pos problem.Pos, width int, path, name string) {
	b.Add(pos, width, path, n.Name+" has no interface "+problem.Quoted(problem.Clip(name))+", so this rule meets nothing"+b.Near(name, b.interfaceNames(s)), true)
}

// hasAny reports whether the node has an interface of that name, or one that begins so if it ends in a wildcard.
func hasAny(n *topology.Node, name, wildcard string) bool {
	begin, wild := strings.CutSuffix(name, wildcard)
	return name == "lo" || slices.ContainsFunc(n.Interfaces, func(i *topology.Interface) bool {
		return i.Name == name || wild && strings.HasPrefix(i.Name, begin)
	})
}
