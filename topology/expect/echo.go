package expect

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"labctl/topology/problem"
)

// pingSize is how large a ping is.
var pingSize = Option{Name: "size", Form: OptionNumber, Max: 65507, Want: "a size from 0 to 65507", Usual: "56",
	Doc: "bytes of payload, as of ping -s; with the headers the packet is 28 longer, by IPv6 48"}

var ping = Kind{
	Name: "ping", Doc: "who reaches whom by IPv4", Short: true, Pairs: true, Echo: true, Carried: true,
	otherFamily: "ask for it under ping6",
	Options: []Option{pingSize,
		{Name: "df", Form: OptionFlag, Want: "true or false", Usual: "false",
			Doc: "nobody may fragment the packet, as with ping -M do; otherwise everybody may, as with -M dont"}},
	axisRules: axisRules{nothing: func(k *Kind, _, v6 int) string {
		if v6 > 1 {
			return noTwoNodesHave + "IPv4 address; write ping6 instead, which asks by IPv6"
		}
		return noTwoNodesHave + "IPv4 address; give them one, or leave the table out"
	}},
	cellWords: cellWords{noun: "outcome",
		want: "ok, no-route, no-arp, too-big, broadcast, silent, icmp:<type>@<node> or x",
		words: []string{"ok", "no-route", "no-arp", "too-big", "broadcast", "silent", "unknown", "x",
			"ok+redirect", "ok+dup", "ok+dup+redirect",
			"ok+other", "ok+dup+other", "ok+other+redirect", "ok+dup+other+redirect"},
		means: [][2]string{
			{"ok", repliedMeans},
			{"+redirect", `with "ok": a router told of a shorter way (Redirect Host)`},
			{"+dup", dupMeans},
			{"+other", otherMeans},
			{"no-route", noRouteMeans},
			{"no-arp", `no answer to the sender's ARP request was received ` +
				`(From the sender's own address: Destination Host Unreachable)`},
			{"too-big", tooBigMeans},
			{"broadcast", `the target is the sender's broadcast address ` +
				`(ping: Do you want to ping broadcast? Then -b.)`},
			{"silent", silentMeans},
			{"x", refusedMeans},
			{"unknown", notAskedMeans},
		},
		word: outcome, begins: outcomeBegins, explain: explainICMP},
}

var ping6 = Kind{
	Name: "ping6", Doc: "who reaches whom by IPv6", Short: true, Pairs: true, Echo: true, Carried: true,
	family: byIPv6,
	Options: []Option{pingSize,
		{Name: "df", Form: OptionFlag, Want: "true or false", Usual: "true",
			Doc: "the sender does not fragment the packet either, as with ping -M do; routers never do"}},
	axisRules: axisRules{nothing: func(_ *Kind, v4, _ int) string {
		if v4 > 1 {
			return noTwoNodesHave + "IPv6 address; write ping instead, which asks by IPv4"
		}
		return noTwoNodesHave + "IPv6 address; give them one, or leave the table out"
	}},
	cellWords: cellWords{noun: "outcome", want: "ok, no-route, no-arp, too-big, silent, icmp:<type>@<node> or x",
		words: []string{"ok", "no-route", "no-arp", "too-big", "silent", "unknown", "x",
			"ok+redirect", "ok+dup", "ok+dup+redirect",
			"ok+other", "ok+dup+other", "ok+other+redirect", "ok+dup+other+redirect"},
		means: [][2]string{
			{"ok", repliedMeans},
			{"+redirect", `with "ok": a router told of a shorter way (ICMPv6 redirect)`},
			{"+dup", dupMeans},
			{"+other", otherMeans},
			{"no-route", noRouteMeans},
			{"no-arp", `no answer to the sender's neighbour solicitation was received ` +
				`(From the sender's own address: Destination unreachable: Address unreachable)`},
			{"too-big", tooBigMeans},
			{"silent", silentMeans},
			{"x", refusedMeans},
			{"unknown", notAskedMeans},
		},
		word: outcome, begins: outcomeBegins, explain: explainICMP},
}

// outcome judges the words of pings that are not listed: icmp:<type>@<node>, and modifiers in disorder.
func outcome(g *vocabulary, k *Kind, _ Question, word string) string {
	if rest, ok := strings.CutPrefix(word, "icmp:"); ok {
		return g.icmpError(word, rest)
	}
	base, mods, modified := strings.Cut(word, "+")
	if base == "ok" && modified {
		known := []string{"dup", "other", "redirect"}
		for m := range strings.SplitSeq(mods, "+") {
			if !slices.Contains(known, m) {
				return problem.Quoted(m) + ` is not a modifier of ok; there are "dup", "other" and "redirect"` +
					g.near(m, known)
			}
		}
		if k.isWord("ok+" + sortParts(mods)) {
			return ""
		}
		return problem.Quoted(word) + " says a modifier twice"
	}
	if modified && k.isWord(base) {
		return problem.Quoted(word) + `: a modifier goes with "ok" only; write ` + problem.Quoted(base)
	}
	if word == "broadcast" {
		return "IPv6 has no broadcast addresses"
	}
	return k.notAWord(g, word, k.words)
}

// icmpError judges icmp:<type>@<node>, of which rest is what follows the colon.
func (g *vocabulary) icmpError(word, rest string) string {
	name, nodes, at := strings.Cut(rest, "@")
	if !slices.Contains(icmpWords, name) && !isNumberedICMP(name) {
		return "no ICMP error is called " + problem.Quoted(name) + g.near(name, icmpWords)
	}
	if !at {
		return problem.Quoted(word) + " does not say who sent it; write icmp:" + name + "@NODE or icmp:" + name + "*"
	}
	for node := range strings.SplitSeq(nodes, "+") {
		if !g.owns(node, addressToo) {
			return "no node " + problem.Quoted(node) + g.near(node, g.names())
		}
	}
	return ""
}

func outcomeBegins(_ *vocabulary, _ Question, prefix string) bool {
	rest, icmp := strings.CutPrefix(prefix, "icmp:")
	name, _, at := strings.Cut(rest, "@")
	isName := func(w string) bool { return w == name || !at && strings.HasPrefix(w, name) }
	return icmp && (slices.ContainsFunc(icmpWords, isName) || isNumberedICMP(name)) ||
		strings.HasPrefix("icmp:", prefix)
}

// explainICMP explains icmp:<type>@<node>.
func explainICMP(k *Kind, word string) string {
	rest, icmp := strings.CutPrefix(word, "icmp:")
	if !icmp {
		return ""
	}
	name, node, _ := strings.Cut(rest, "@")
	by := cmp.Or(node, "another node")
	for _, t := range icmpTypes {
		if t.name == name && t.v6 == (k.family == byIPv6) {
			return fmt.Sprintf("an ICMP error from %s, or its own refusal (%s; %s)", by, t.says, t.from)
		}
	}
	return "an ICMP error from " + by
}

// The IP packets that can be sent, in bytes: every link takes the shortest (RFC 791), the length field no longer one.
const (
	shortestPacket = 68
	longestPacket  = 65535
)

// mtuPairs is how many pairs the tables of the longest packet may ask, each. Each pair is asked some three pings, and
// sixteen where packets vanish, so these take minutes.
const mtuPairs = 10_000

// A pair of a table of the longest packet takes about so many milliseconds where somebody speaks of what is too long,
// and where nobody does.
const (
	mtuPairTakes   = 2
	mtuVanishTakes = 25
)

var mtu = Kind{
	Name: "mtu", Doc: "the longest packet that gets through from whom to whom by IPv4", Short: true, Pairs: true,
	Echo: true, Carried: true, most: mtuPairs, cost: mtuCost,
	otherFamily: "ask for it under mtu6",
	axisRules: axisRules{nothing: func(_ *Kind, _, v6 int) string {
		if v6 > 1 {
			return noTwoNodesHave + "IPv4 address; write mtu6 instead, which asks by IPv6"
		}
		return noTwoNodesHave + "IPv4 address; give them one, or leave the table out"
	}},
	cellWords: mtuWords("no answer to the sender's ARP request was received", "broadcast"),
}

var mtu6 = Kind{
	Name: "mtu6", Doc: "the longest packet that gets through from whom to whom by IPv6", Short: true, Pairs: true,
	Echo: true, Carried: true, most: mtuPairs, cost: mtuCost, family: byIPv6,
	axisRules: axisRules{nothing: func(_ *Kind, v4, _ int) string {
		if v4 > 1 {
			return noTwoNodesHave + "IPv6 address; write mtu instead, which asks by IPv4"
		}
		return noTwoNodesHave + "IPv6 address; give them one, or leave the table out"
	}},
	cellWords: mtuWords("no answer to the sender's neighbour solicitation was received"),
}

// mtuWords are the words of a table of the longest packet, of which some say that not even a short ping gets through.
func mtuWords(noARP string, more ...string) cellWords {
	c := cellWords{noun: "longest packet", counts: true,
		want: "1500 (bytes), >=1400, blackhole:1400, or what comes of a short ping: no-route, no-arp, silent, " +
			"icmp:<type>@<node>",
		words: append([]string{"no-route", "no-arp", "silent", "unknown"}, more...),
		means: [][2]string{
			{"no-route", "not even a short ping gets through: " + noRouteMeans},
			{"no-arp", "not even a short ping gets through: " + noARP},
			{"broadcast", "the target is the sender's broadcast address"},
			{"silent", "not even a short ping gets through: " + silentMeans},
			{"unknown", notAskedMeans},
		},
		word: longest, explain: explainLongest,
		sample: func(Question) []string {
			return []string{"1500", "68", "blackhole:1404", "no-route", "no-arp", "silent", "unknown"}
		},
	}
	c.begins = func(g *vocabulary, q Question, prefix string) bool {
		return strings.HasPrefix("blackhole:", prefix) || outcomeBegins(g, q, prefix) ||
			problem.Decimal.MatchString(strings.TrimPrefix(prefix, "blackhole:"))
	}
	return c
}

// isPacket reports whether a word is the length of an IP packet.
func isPacket(word string) bool {
	n, err := strconv.Atoi(word)
	return err == nil && problem.Decimal.MatchString(word) && n >= shortestPacket && n <= longestPacket
}

// longest judges the words that are not listed.
func longest(g *vocabulary, k *Kind, q Question, word string) string {
	if rest, ok := strings.CutPrefix(word, "icmp:"); ok {
		return g.icmpError(word, rest)
	}
	bytes, hole := strings.CutPrefix(word, "blackhole:")
	if !hole {
		bytes = strings.TrimPrefix(word, ">=")
	}
	switch {
	case isPacket(bytes):
		return ""
	case hole || bytes != word || problem.Decimal.MatchString(strings.TrimPrefix(word, "-")):
		return fmt.Sprintf("%s: want the length of an IP packet, %d to %d bytes", problem.Quoted(word), shortestPacket,
			longestPacket)
	case word == "broadcast":
		return "IPv6 has no broadcast addresses"
	case word == "x":
		return `"x" is not a longest packet; write what comes of a short ping: silent, no-arp or another word of pings`
	case approval(word) || word == "ok":
		return problem.Quoted(word) + " does not say how long a packet may be; write 1500, or >=1500"
	}
	return k.notAWord(g, word, k.words)
}

// explainLongest explains blackhole:1404, and icmp:<type>@<node>.
func explainLongest(k *Kind, word string) string {
	if n, hole := strings.CutPrefix(word, "blackhole:"); hole {
		return fmt.Sprintf("packets of up to %s bytes get through, longer ones vanish without a word", n)
	}
	if s := explainICMP(k, word); s != "" {
		return "not even a short ping gets through: " + s
	}
	return ""
}

// mtuCost says how long so many pairs take.
func mtuCost(pairs int) string {
	return fmt.Sprintf("each is asked by 3 to 20 pings, about %s in all, and %s where packets vanish",
		aboutTime(pairs*mtuPairTakes), aboutTime(pairs*mtuVanishTakes))
}

// aboutTime says roughly how long some milliseconds are.
func aboutTime(ms int) string {
	switch minutes := ms / 60_000; {
	case minutes >= 120:
		return fmt.Sprintf("%d hours", minutes/60)
	case minutes >= 2:
		return fmt.Sprintf("%d minutes", minutes)
	}
	return problem.Count(max(1, ms/1000), "second")
}

// GotThrough reports whether an answer to a question of a kind that asks by echo requests says that some got through.
func (k *Kind) GotThrough(word string) bool {
	return strings.HasPrefix(word, "ok") || problem.Decimal.MatchString(word)
}
