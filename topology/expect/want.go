package expect

import (
	"net/netip"
	"slices"
	"strings"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/problem"
)

// Want is the answer that a cell wants: words joined with "|", each a word of the cell's kind, one with its tail left
// open (ok*), >= and a number, or x, which in a ping means: does not get
// through, for whatever reason. The text "." wants nothing.
type Want struct{ Text string }

// Match reports whether a measured word is wanted. "unknown", could not be asked, never is, and neither is no word at
// all: a prober that fails must not pass. The order of "+" parts does not matter. A wanted node is any of its interfaces,
// so "host" wants "host:br0" too, if that is how the prober says it; "host:br0" wants only itself.
func (w Want) Match(got string) bool {
	base, _, _ := strings.Cut(got, "+")
	if base == "" || base == "unknown" {
		return false
	}
	for alt := range strings.SplitSeq(w.Text, "|") {
		prefix, open := strings.CutSuffix(alt, "*")
		switch {
		case alt == got:
			return true
		case alt == "x":
			if base != "ok" {
				return true
			}
		case open:
			if strings.HasPrefix(base+sortParts(got[len(base):]), prefix) {
				return true
			}
		case sameParts(alt, got), atLeast(alt, got):
			return true
		}
	}
	return false
}

// sameParts reports whether the words have the same parts, in whatever order, a node standing for its interfaces.
func sameParts(want, got string) bool {
	wanted, parts := strings.Split(sortParts(want), "+"), strings.Split(sortParts(got), "+")
	return slices.EqualFunc(wanted, parts, func(w, g string) bool {
		node, _, _ := strings.Cut(g, ":")
		return w == g || w == node
	})
}

// sortParts puts the parts that "+" joins into one order, whichever they came in.
func sortParts(word string) string {
	if !strings.Contains(word, "+") {
		return word
	}
	parts := strings.Split(word, "+")
	slices.Sort(parts)
	return strings.Join(parts, "+")
}

// The words of a kind without those that name nodes; also what a misspelt word is compared with.
var kindWords = map[string][]string{
	"ping": {"ok", "no-route", "no-arp", "broadcast", "silent", "unknown", "x", "ok+redirect", "ok+dup", "ok+dup+redirect",
		"ok+other", "ok+dup+other", "ok+other+redirect", "ok+dup+other+redirect"},
	"ping6": {"ok", "no-route", "no-arp", "silent", "unknown", "x", "ok+redirect", "ok+dup", "ok+dup+redirect",
		"ok+other", "ok+dup+other", "ok+other+redirect", "ok+dup+other+redirect"},
	"answers": {"yes", "no", "unknown"},
	"arp":     {"-", "failed", "unknown"},
	"route":   {"-", "direct", "unknown"},
	"sees":    {"yes", "no", "unknown"},
	"fdb":     {"-", "unknown"},
	"port":    {"forwarding", "blocked", "down", "up", "granted", "refused", "-", "unknown"},
	"drops":   {"-", "unknown"},
	"streams": {"ok", "ok+other", "silent", "lossy", "unknown"},
	"hits":    {"unknown"},
}

// vocabulary judges the words of cells. It is not safe for concurrent use.
type vocabulary struct {
	lab     *topology.Lab
	ports   map[string][]string // of a bridge, by its column
	nodes   []string            // nodes and names, made when first needed
	suggest int                 // how many suggestions are still given: each compares with every name of the lab
}

func newVocabulary(lab *topology.Lab) *vocabulary {
	return &vocabulary{lab: lab, ports: map[string][]string{}, suggest: problem.MaxShown}
}

// cell says what is wrong with the text of a cell, or "". The question gives the kind; of an fdb question the bridge, and
// of an answers question who is asked, matter too, as far as they are known.
func (g *vocabulary) cell(q Question, text string) string {
	if text == "." {
		return ""
	}
	for alt := range strings.SplitSeq(text, "|") {
		if alt == "" {
			return problem.Quoted(text) + ` lacks a word beside "|"`
		}
		if msg := g.alternative(q, alt, text); msg != "" {
			return msg
		}
	}
	return ""
}

func (g *vocabulary) alternative(q Question, alt, text string) string {
	if prefix, open := strings.CutSuffix(alt, "*"); open {
		if prefix == "" {
			return `"*" would want any answer; write "." for a cell that is not judged`
		}
		if g.begins(q, prefix) {
			return ""
		}
		return "no " + nounOf(q.Kind) + " begins with " + problem.Quoted(prefix)
	}
	switch {
	case alt == ".":
		return problem.Quoted(text) + ` is judged and not judged; write "." alone`
	case alt == "-" && (q.Kind == "ping" || q.Kind == "ping6" || q.Kind == "answers"):
		return `"-" is for a node and itself; write "." for a cell that is not judged`
	case alt == "-" && q.Kind == "sees":
		return `"-" is not an answer; write "." for a cell that is not judged`
	case strings.HasSuffix(alt, "!"):
		return problem.Quoted(alt) + ` carries the mark of a cell that differs; write ` + problem.Quoted(strings.TrimSuffix(alt, "!"))
	case q.Kind == "drops" && q.Drop != (DropMatch{}):
		return frames(alt)
	case q.Kind == "port" && q.At != "":
		return g.portWord(q, alt)
	case slices.Contains(kindWords[q.Kind], alt):
		return ""
	}
	switch q.Kind {
	case "ping", "ping6":
		return g.outcome(q.Kind, alt)
	case "answers", "arp":
		return g.owners(q, alt, false)
	case "route":
		return g.nextHop(q, alt)
	case "fdb":
		return g.port(q, alt)
	case "hits":
		return packets(alt)
	case "drops":
		return g.reasons(alt)
	default:
		return g.unknown(q.Kind, alt, kindWords[q.Kind])
	}
}

// outcome judges the words of ping and ping6 that are not in kindWords: icmp:<type>@<node> and modifiers in disorder.
func (g *vocabulary) outcome(kind, word string) string {
	if rest, ok := strings.CutPrefix(word, "icmp:"); ok {
		name, nodes, at := strings.Cut(rest, "@")
		if !slices.Contains(icmpWords, name) && !isNumberedICMP(name) {
			return "no ICMP error is called " + problem.Quoted(name) + g.near(name, icmpWords)
		}
		if !at {
			return problem.Quoted(word) + " does not say who sent it; write icmp:" + name + "@NODE or icmp:" + name + "*"
		}
		return g.owners(Question{Kind: "ping"}, nodes, true)
	}
	base, mods, modified := strings.Cut(word, "+")
	if base == "ok" && modified {
		known := []string{"dup", "other", "redirect"}
		for m := range strings.SplitSeq(mods, "+") {
			if !slices.Contains(known, m) {
				return problem.Quoted(m) + ` is not a modifier of ok; there are "dup", "other" and "redirect"` + g.near(m, known)
			}
		}
		if slices.Contains(kindWords[kind], "ok+"+sortParts(mods)) {
			return ""
		}
		return problem.Quoted(word) + " says a modifier twice"
	}
	if modified && slices.Contains(kindWords[kind], base) {
		return problem.Quoted(word) + `: a modifier stands with "ok" only; write ` + problem.Quoted(base)
	}
	if word == "broadcast" {
		return "IPv6 has no broadcast addresses"
	}
	return g.unknown(kind, word, kindWords[kind])
}

// owners judges a node, or several joined with "+".
func (g *vocabulary) owners(q Question, word string, addr bool) string {
	if t, ok := g.lab.Target(word); q.Kind == "answers" && word == q.B && ok && t.Node != "" {
		return problem.Quoted(word) + ` is who is asked; write "yes"`
	}
	for part := range strings.SplitSeq(word, "+") {
		if msg := g.owner(q.Kind, part, addr); msg != "" {
			return msg
		}
	}
	return ""
}

// nextHop judges the words of route: who owns the next hop, an address that is nobody's, and +redirect.
func (g *vocabulary) nextHop(q Question, word string) string {
	base, redirected := strings.CutSuffix(word, "+redirect")
	if redirected && (base == "direct" || base == "-") {
		return problem.Quoted(word) + ": a redirected route has a next hop; write the node that owns it"
	}
	_, mods, modified := strings.Cut(base, "+")
	if modified && g.lab.Node(mods) == nil && problem.Suggest(mods, []string{"redirect"}) != "" {
		return problem.Quoted(mods) + ` is not a modifier of a route; there is only "redirect"`
	}
	return g.owners(q, base, true)
}

// owner judges one node, interface, name, MAC, or, where an address can stand for a node nobody knows, address.
func (g *vocabulary) owner(kind, word string, addr bool) string {
	if _, ok := g.lab.Target(word); ok {
		return ""
	}
	if _, err := switchcore.ParseMAC(word); err == nil && !addr {
		return ""
	}
	if _, err := netip.ParseAddr(word); err == nil && addr {
		return ""
	}
	if kind == "ping" {
		return "no node " + problem.Quoted(word) + g.near(word, g.names())
	}
	return g.unknown(kind, word, append(slices.Clone(kindWords[kind]), g.names()...))
}

// port judges the name of a port of the bridge in the question.
func (g *vocabulary) port(q Question, word string) string {
	ports, ok := g.ports[q.B]
	if !ok {
		_, ports = g.lab.SwitchPorts(q.B)
		g.ports[q.B] = ports
	}
	if len(ports) == 0 || slices.Contains(ports, word) {
		return ""
	}
	return q.B + " has no port " + problem.Quoted(word) + g.near(word, ports)
}

// begins reports whether some word of the kind begins with the prefix, which may end inside a part.
func (g *vocabulary) begins(q Question, prefix string) bool {
	has := func(words []string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, prefix) })
	}
	if has(kindWords[q.Kind]) {
		return true
	}
	last := prefix[strings.LastIndexByte(prefix, '+')+1:]
	switch q.Kind {
	case "ping", "ping6":
		rest, icmp := strings.CutPrefix(prefix, "icmp:")
		name, _, at := strings.Cut(rest, "@")
		isName := func(w string) bool { return w == name || !at && strings.HasPrefix(w, name) }
		return icmp && (slices.ContainsFunc(icmpWords, isName) || isNumberedICMP(name)) || strings.HasPrefix("icmp:", prefix)
	case "answers", "arp", "route":
		prefix = last
		return last == "" || has(g.names()) || q.Kind == "route" && strings.HasPrefix("redirect", last)
	case "port":
		return slices.Contains([]string{"initial", "effective", "mac", "flags"}, q.At) || has(portWords(q.At)) || q.At == "state" && has(bridgeStates())
	case "drops":
		return q.Drop == (DropMatch{}) && has(dropReasons())
	case "fdb":
		g.port(q, prefix)
		return len(g.ports[q.B]) == 0 || has(g.ports[q.B])
	}
	return false
}

func (g *vocabulary) unknown(kind, word string, candidates []string) string {
	noun := nounOf(kind)
	article := "a "
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		article = "an "
	}
	msg := problem.Quoted(word) + " is not " + article + noun
	if near := g.near(word, candidates); near != "" {
		return msg + near
	}
	return msg + "; want " + wantedOf(kind)
}

// near suggests a word, for the first mistakes only.
func (g *vocabulary) near(word string, candidates []string) string {
	if g.suggest == 0 {
		return ""
	}
	g.suggest--
	return problem.Suggest(word, candidates)
}

// nearOrList is near, or what there is when nothing is near.
func (g *vocabulary) nearOrList(word string, have []string) string {
	if near := g.near(word, have); near != "" {
		return near
	}
	return problem.Listed(have)
}

// names lists what may stand for an owner, nodes first.
func (g *vocabulary) names() []string {
	if g.nodes == nil {
		for _, n := range g.lab.Nodes {
			g.nodes = append(g.nodes, n.Name)
		}
		for _, e := range g.lab.Names {
			g.nodes = append(g.nodes, e.Name)
		}
	}
	return g.nodes
}

// nounOf is what a word of the kind is called in messages.
func nounOf(kind string) string {
	switch kind {
	case "ping", "ping6":
		return "outcome"
	case "arp":
		return "owner of an entry"
	case "route":
		return "next hop"
	case "fdb":
		return "port"
	case "drops":
		return "reason for a drop"
	default:
		return "answer"
	}
}

// wantedOf lists the words of the kind for messages.
func wantedOf(kind string) string {
	switch kind {
	case "ping":
		return "ok, no-route, no-arp, broadcast, silent, icmp:<type>@<node> or x"
	case "ping6":
		return "ok, no-route, no-arp, silent, icmp:<type>@<node> or x"
	case "answers":
		return "yes, no or the node that answers"
	case "arp":
		return `"-", failed or the node whose MAC is in the entry`
	case "route":
		return `"-", direct or the node that is the next hop`
	case "fdb":
		return `"-" or a port of the switch`
	case "streams":
		return "ok, ok+other, silent or lossy"
	default:
		return "yes or no"
	}
}

// Words are words that a prober could answer a question with: of a kind whose words are a closed list, all of them.
func Words(q Question) []string {
	switch {
	case q.Kind == "drops" && q.Drop != (DropMatch{}):
		return []string{"0", "1", "12", "unknown"}
	case q.Kind == "hits":
		return []string{"0", "1", "12", "unknown"}
	case q.Kind == "drops":
		return []string{"-", "MacForgery", "MacForgery+PortBlocked", "unknown"}
	case q.Kind == "port" && q.At == "state":
		return []string{"down", "unknown"} // of every sort of port but those of Linux bridges
	case q.Kind == "port":
		return append(portWords(q.At), map[string]string{"mac": "02:00:00:00:00:07", "initial": "02:00:00:00:00:07", "effective": "02:00:00:00:00:07",
			"promiscuous": "granted", "flags": "0x1103", "promiscuity": "2"}[q.At])
	}
	return kindWords[q.Kind]
}
