package topology

import (
	"slices"
	"strings"
)

// ruleNames warns of interfaces in rules that the node does not have: such a rule is loaded without a word, and meets nothing.
func (b *build) ruleNames(s *site, n *Node, path string) {
	if len(n.Run) > 0 {
		return // which may make any
	}
	for _, set := range n.Rules {
		at := pathKey(pathKey(pathKey(path, "rules"), set.Name), set.Form)
		if set.Form == "port_guard" {
			continue
		}
		for _, l := range set.Lines {
			for i, a := range l.Args[:len(l.Args)-1] {
				name := l.Args[i+1]
				if !slices.Contains([]string{"--physdev-in", "--physdev-out", "-i", "-o", "--in-interface", "--out-interface"}, a) || n.hasAny(name, "+") {
					continue
				}
				pos := l.Pos
				if text := b.line(pos.Line); pos.Col > 0 && pos.Col <= len(text) {
					pos.Col += max(0, strings.Index(text[pos.Col-1:], name))
				}
				b.noInterface(s, n, pos, len(name), at, name)
			}
		}
		for _, c := range set.chains {
			for _, t := range c.interfaces() {
				if !n.hasAny(t.text, "*") {
					b.noInterface(s, n, t.pos, t.width, at, t.text)
				}
			}
		}
	}
}

func (b *build) noInterface(s *site, n *Node, pos Pos, width int, path, name string) {
	b.add(pos, width, path, n.Name+" has no interface "+quoted(clip(name))+", so this rule meets nothing"+b.near(name, b.interfaceNames(s)), true)
}

// hasAny reports whether the node has an interface of that name, or one that begins so if it ends in a wildcard.
func (n *Node) hasAny(name, wildcard string) bool {
	begin, wild := strings.CutSuffix(name, wildcard)
	return name == "lo" || slices.ContainsFunc(n.Interfaces, func(i *Interface) bool {
		return i.Name == name || wild && strings.HasPrefix(i.Name, begin)
	})
}

// interfaces are the names of interfaces in a chain, as far as they stand in it themselves.
func (c *nftChain) interfaces() (out []nftToken) {
	for _, s := range append([][]nftToken{c.device}, c.rules...) {
		for i, t := range s {
			if !t.is("iifname", "oifname", "iif", "oif", "device") || i > 0 && s[i-1].is(".") {
				continue
			}
			rest, keys := s[i+1:], false
			for len(rest) > 0 && rest[0].is("!=", "==", "eq", "ne", "vmap", "map") {
				keys = keys || rest[0].is("vmap", "map")
				rest = rest[1:]
			}
			if len(rest) == 0 {
				continue
			}
			list := rest[:1]
			if rest[0].is("{") {
				list = rest[0].inside
			}
			for k, name := range list {
				bare := !name.quoted && (strings.ContainsAny(name.text[:1], "@$.{:\n") || strings.Contains(name.text, ":"))
				if !bare && (!keys || k+1 < len(list) && list[k+1].is(":")) {
					out = append(out, name)
				}
			}
		}
	}
	return out
}
