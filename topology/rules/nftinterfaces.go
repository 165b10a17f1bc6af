package rules

import (
	"strings"

	"labctl/topology/problem"
)

// interfaces are the names of interfaces in a chain, as far as they are in it themselves.
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
				bare := !name.quoted && (strings.ContainsAny(name.text[:1], "@$.{:\n") ||
					strings.Contains(name.text, ":"))
				if !bare && (!keys || k+1 < len(list) && list[k+1].is(":")) {
					out = append(out, name)
				}
			}
		}
	}
	return out
}

// Place is a word of the file, in width bytes.
type Place struct {
	Text  string
	Pos   problem.Pos
	Width int
}

// Interfaces are the names of interfaces in the set's text for nft, as far as they are in it themselves.
func (set *Set) Interfaces() []Place {
	var out []Place
	for _, c := range set.chains {
		for _, t := range c.interfaces() {
			out = append(out, Place{Text: t.text, Pos: t.pos, Width: t.width})
		}
	}
	return out
}
