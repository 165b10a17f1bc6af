package labfile

import (
	"slices"
	"strings"

	"labctl/topology"
	"labctl/topology/problem"
)

// interfaceOptions are the options of iptables that are followed by an interface.
var interfaceOptions = []string{"--physdev-in", "--physdev-out", "-i", "-o", "--in-interface", "--out-interface"}

// ruleNames warns of interfaces in rules that the node does not have: such a rule is loaded without a word, and meets
// nothing.
func (c checker) ruleNames(s *nodeDecl, n *topology.Node) {
	if len(n.Run) > 0 {
		return // which may make any
	}
	for _, set := range n.Rules {
		at := problem.PathKey(problem.PathKey(problem.PathKey(s.value.Path(), "rules"), set.Name), set.Form)
		if set.Form == "port_guard" {
			continue
		}
		for _, l := range set.Lines {
			for i, a := range l.Args[:len(l.Args)-1] {
				name := l.Args[i+1]
				if !slices.Contains(interfaceOptions, a) || hasAny(n, name, "+") {
					continue
				}
				pos := l.Pos
				if text := c.doc.Line(pos.Line); pos.Col > 0 && pos.Col <= len(text) {
					pos.Col += max(0, strings.Index(text[pos.Col-1:], name))
				}
				c.noInterface(s, n, pos, len(name), at, name)
			}
		}
		for _, t := range set.Interfaces() {
			if !hasAny(n, t.Text, "*") {
				c.noInterface(s, n, t.Pos, t.Width, at, t.Text)
			}
		}
	}
}

func (c checker) noInterface(s *nodeDecl, n *topology.Node, pos problem.Pos, width int, path, name string) {
	text := n.Name + " has no interface " + problem.Quoted(problem.Clip(name)) + ", so this rule meets nothing"
	c.doc.Add(pos, width, path, text+c.doc.Near(name, c.namesOf(s)), true)
}

// hasAny reports whether the node has an interface of that name, or one that begins so if it ends in a wildcard.
func hasAny(n *topology.Node, name, wildcard string) bool {
	begin, wild := strings.CutSuffix(name, wildcard)
	return name == "lo" || slices.ContainsFunc(n.Interfaces, func(i *topology.Interface) bool {
		return i.Name == name || wild && strings.HasPrefix(i.Name, begin)
	})
}
