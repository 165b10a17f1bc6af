package expect

import (
	"net/netip"
	"slices"
	"strings"

	"labctl/switchcore"
	"labctl/topology/problem"
)

// stranger is what may be written instead of a name where somebody whom the lab does not know may be meant.
type stranger bool

const (
	macToo     stranger = false
	addressToo stranger = true
)

// owners judges a node, or several joined with "+".
func (g *vocabulary) owners(k *Kind, word string, s stranger) string {
	for part := range strings.SplitSeq(word, "+") {
		if !g.owns(part, s) {
			return k.notAWord(g, part, append(slices.Clone(k.words), g.names()...))
		}
	}
	return ""
}

// owns reports whether a word is a node, an interface, a name, or how a stranger is written.
func (g *vocabulary) owns(word string, s stranger) bool {
	if _, ok := g.lab.Target(word); ok {
		return true
	}
	if s == addressToo {
		_, err := netip.ParseAddr(word)
		return err == nil
	}
	_, err := switchcore.ParseMAC(word)
	return err == nil
}

// ownerBegins reports whether the last of several owners begins so.
func ownerBegins(g *vocabulary, _ Question, prefix string) bool {
	last := prefix[strings.LastIndexByte(prefix, '+')+1:]
	return last == "" || slices.ContainsFunc(g.names(), func(w string) bool { return strings.HasPrefix(w, last) })
}

var answers = Kind{
	Name: "answers", Doc: "who answers whose ARP request", Short: true, Pairs: true, Carried: true,
	cellWords: cellWords{want: "yes, no or the node that answers", whole: true,
		words: []string{"yes", "no", "unknown"},
		means: [][2]string{
			{"yes", "who is asked answers the ARP request, and nobody else"},
			{"no", "no answer to the ARP request was received"},
			{"unknown", notAskedMeans},
		},
		word: func(g *vocabulary, k *Kind, q Question, word string) string {
			if t, ok := g.lab.Target(word); word == q.B && ok && t.Node != "" {
				return problem.Quoted(word) + ` is who is asked; write "yes"`
			}
			return g.owners(k, word, macToo)
		},
		begins: ownerBegins,
		explain: func(_ *Kind, word string) string {
			if strings.Contains(word, "+") {
				return "each of these answers"
			}
			return "answers the ARP request"
		}},
}

var arp = Kind{
	Name: "arp", Doc: "whose MAC a neighbour table holds", Reads: true, Pairs: true, Carried: true,
	cellWords: cellWords{noun: "owner of an entry", want: `"-", failed or the node whose MAC is in the entry`,
		words: []string{"-", "failed", "unknown"},
		means: [][2]string{
			{"-", "no entry"},
			{"failed", "asked, and no answer was received"},
			{"unknown", notReadMeans},
		},
		word:   func(g *vocabulary, k *Kind, _ Question, word string) string { return g.owners(k, word, macToo) },
		begins: ownerBegins,
		explain: func(_ *Kind, word string) string {
			if _, err := switchcore.ParseMAC(word); err == nil { // srv:eth1 is one of a node's interfaces
				return "is the MAC in the entry, which no node of the lab has"
			}
			return "owns the MAC in the entry"
		}},
}

var route = Kind{
	Name: "route", Doc: "the next hop", Reads: true, Pairs: true,
	cellWords: cellWords{noun: "next hop", want: `"-", direct or the node that is the next hop`,
		words: []string{"-", "direct", "unknown"},
		means: [][2]string{
			{"-", "no route, or a route or routing rule that refuses: unreachable, prohibit or blackhole"},
			{"direct", "on the sender's own segment, no router"},
			{"+redirect", "learned from an ICMP redirect"},
			{"unknown", notReadMeans},
		},
		word: nextHop,
		begins: func(g *vocabulary, q Question, prefix string) bool {
			last := prefix[strings.LastIndexByte(prefix, '+')+1:]
			return ownerBegins(g, q, prefix) || strings.HasPrefix("redirect", last)
		},
		explain: func(*Kind, string) string { return "is the next hop" }},
}

// nextHop judges the words of route that are not listed: who owns the next hop, an address that is nobody's, and
// +redirect.
func nextHop(g *vocabulary, k *Kind, _ Question, word string) string {
	base, redirected := strings.CutSuffix(word, "+redirect")
	if redirected && (base == "direct" || base == "-") {
		return problem.Quoted(word) + ": a redirected route has a next hop; write the node that owns it"
	}
	_, mods, modified := strings.Cut(base, "+")
	if modified && g.lab.Node(mods) == nil && problem.Suggest(mods, []string{"redirect"}) != "" {
		return problem.Quoted(mods) + ` is not a modifier of a route; there is only "redirect"`
	}
	return g.owners(k, base, addressToo)
}

// onlyIPv4 says why "*" asks nothing, of a kind that is about IPv4 only.
func onlyIPv4(k *Kind, _, v6 int) string {
	if v6 < 2 {
		return noTwoNodesHave + "IPv4 address; give them one, or leave the table out"
	}
	return noTwoNodesHave + "IPv4 address, and " + k.Name + " is about IPv4 only; give them one, or leave the table out"
}
