package expect

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"labctl/switchcore"
	"labctl/topology/problem"
)

// meanings explains the words of a kind, in the order of the legend; ping's own sentences are those of iputils.
var meanings = map[string][][2]string{
	"ping": {
		{"ok", "a reply came back"},
		{"+redirect", `with "ok": a router told of a shorter way (Redirect Host)`},
		{"+dup", `with "ok": a reply came twice or more (DUP!)`},
		{"+other", `with "ok": a reply came from another address than was asked (DIFFERENT ADDRESS!); TCP would not take it`},
		{"no-route", `the sender's own kernel knows no way (connect: Network is unreachable), or a blackhole route of its own (connect: Invalid argument)`},
		{"no-arp", `nobody answered the sender's ARP request (From the sender's own address: Destination Host Unreachable)`},
		{"broadcast", `the target is the sender's broadcast address (ping: Do you want to ping broadcast? Then -b.)`},
		{"silent", `nothing came back (100% packet loss)`},
		{"x", "does not get through, for whatever reason"},
		{"unknown", "could not be asked; never what was wanted"},
	},
	"ping6": {
		{"ok", "a reply came back"},
		{"+redirect", `with "ok": a router told of a shorter way (ICMPv6 redirect)`},
		{"+dup", `with "ok": a reply came twice or more (DUP!)`},
		{"+other", `with "ok": a reply came from another address than was asked (DIFFERENT ADDRESS!); TCP would not take it`},
		{"no-route", `the sender's own kernel knows no way (connect: Network is unreachable), or a blackhole route of its own (connect: Invalid argument)`},
		{"no-arp", `nobody answered the sender's neighbour solicitation (From the sender's own address: Destination unreachable: Address unreachable)`},
		{"silent", `nothing came back (100% packet loss)`},
		{"x", "does not get through, for whatever reason"},
		{"unknown", "could not be asked; never what was wanted"},
	},
	"answers": {
		{"yes", "who is asked answers the ARP request, and nobody else"},
		{"no", "nobody answers the ARP request"},
		{"unknown", "could not be asked; never what was wanted"},
	},
	"arp": {
		{"-", "no entry"},
		{"failed", "asked, and nobody answered"},
		{"unknown", "could not be read; never what was wanted"},
	},
	"route": {
		{"-", "no route, or one that refuses: unreachable, prohibit or blackhole"},
		{"direct", "on the sender's own segment, no router"},
		{"+redirect", "learned from an ICMP redirect"},
		{"unknown", "could not be read; never what was wanted"},
	},
	"sees": {
		{"yes", "a promiscuous sniffer there receives it"},
		{"no", "it does not, and would have noticed"},
		{"unknown", "could not be listened for; never what was wanted"},
	},
	"fdb": {
		{"-", "the switch does not know this MAC"},
		{"unknown", "could not be read; never what was wanted"},
	},
	"port": {
		{"forwarding", "frames pass"},
		{"blocked", "shut both ways by a policy or by the administrator; the guest is not told"},
		{"down", "no carrier"},
		{"up", "there is a carrier"},
		{"granted", "the guest asked for promiscuous reception, and gets it"},
		{"refused", "the guest asked for promiscuous reception, and does not get it"},
		{"-", "not asked, or none"},
		{"unknown", "could not be read; never what was wanted"},
	},
	"drops": {
		{"-", "nothing was dropped"},
		{"unknown", "could not be read; never what was wanted"},
	},
	"hits": {
		{"unknown", "could not be read; never what was wanted"},
	},
	"streams": {
		{"ok", "the replies come"},
		{"+other", `with "ok": some come from another address than is asked; TCP would not take them`},
		{"silent", "no replies come"},
		{"lossy", "some replies are missing"},
		{"unknown", "could not be read; never what was wanted"},
	},
}

// namesAre explains the words of a kind that are names.
var namesAre = map[string]string{
	"answers": "answers the ARP request", "arp": "owns the MAC in the entry", "route": "is the next hop",
	"fdb": "is the port that the switch has for it", "drops": "is why frames were dropped",
}

// Legend explains the words, one comment line for each that is in the table, in a fixed order; "" when there is nothing
// to explain. The words are those of cells of the kind, wanted or measured; the cells of cases are explained by the kinds of their questions.
func Legend(kind string, words []string) string {
	used, names := map[string]bool{}, []string{}
	for _, w := range words {
		for alt := range strings.SplitSeq(w, "|") {
			if parts := legendParts(kind, alt, used); namesAre[kind] != "" || asksEcho(kind) || strings.HasSuffix(alt, "*") {
				names = append(names, parts...) // addresses and numbers explain themselves
			}
		}
	}
	slices.Sort(names)
	var lines [][2]string
	for _, m := range meanings[kind] {
		if used[m[0]] {
			lines = append(lines, m)
		}
	}
	for _, n := range slices.Compact(names) {
		lines = append(lines, [2]string{n, nameMeans(kind, n)})
	}
	if used["."] {
		lines = append(lines, [2]string{".", "not judged"})
	}
	width := 0
	for _, l := range lines {
		width = max(width, displayWidth(l[0]))
	}
	var b strings.Builder
	for _, l := range lines {
		b.WriteString("# " + l[0])
		pad(&b, width-displayWidth(l[0])+2)
		b.WriteString(l[1] + "\n")
	}
	return b.String()
}

// asksEcho reports whether the words of the kind are outcomes of pings.
func asksEcho(kind string) bool { return kind == "ping" || kind == "ping6" }

// legendParts notes the fixed words in one alternative of a cell and returns the others.
func legendParts(kind, alt string, used map[string]bool) (names []string) {
	base, mods, modified := strings.Cut(alt, "+")
	switch {
	case strings.HasSuffix(alt, "*"):
		return []string{alt}
	case base == "" || base == "-" && (asksEcho(kind) || kind == "answers"):
	case kind == "answers" && modified:
		return []string{alt}
	case (kind == "drops" || kind == "hits") && problem.Decimal.MatchString(strings.TrimPrefix(base, ">=")):
	case base == "." || slices.ContainsFunc(meanings[kind], func(m [2]string) bool { return m[0] == base }):
		used[base] = true
	default:
		names = append(names, base)
	}
	if !modified {
		return names
	}
	for m := range strings.SplitSeq(mods, "+") {
		if slices.ContainsFunc(meanings[kind], func(e [2]string) bool { return e[0] == "+"+m }) {
			used["+"+m] = true
		} else if m != "" {
			names = append(names, m)
		}
	}
	return names
}

// isMAC reports whether a word is a MAC, and so not a name.
func isMAC(word string) bool {
	_, err := switchcore.ParseMAC(word)
	return err == nil
}

// nameMeans explains a word that is not fixed: an ICMP error, or a name.
func nameMeans(kind, word string) string {
	switch {
	case strings.HasSuffix(word, "*"):
		return "any word that begins so"
	case kind == "answers" && strings.Contains(word, "+"):
		return "each of these answers"
	case kind == "arp" && isMAC(word): // srv:eth1 is one of a node's interfaces
		return "is the MAC in the entry, which no node of the lab has"
	}
	rest, icmp := strings.CutPrefix(word, "icmp:")
	if !icmp {
		return cmp.Or(namesAre[kind], "no word of this table")
	}
	name, node, _ := strings.Cut(rest, "@")
	by := cmp.Or(node, "another node")
	for _, t := range icmpTypes {
		if t.name == name && t.v6 == (kind == "ping6") {
			return fmt.Sprintf("an ICMP error from %s, or its own refusal (%s; %s)", by, t.says, t.from)
		}
	}
	return "an ICMP error from " + by
}
