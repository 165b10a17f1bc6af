package expect

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"labctl/topology/problem"
)

// What the tables of connections and datagrams share. The words in brackets are those of nc(1).
const (
	refusedTCPMeans = `a reset came, or ICMP port unreachable from the address that was asked (Connection refused)`
	refusedUDPMeans = `ICMP port unreachable came from the address that was asked (Connection refused)`
	ownARPMeans     = `no answer to the sender's ARP request was received (No route to host)`
	ownNDMeans      = `no answer to the sender's neighbour solicitation was received (No route to host)`
	wayMeans        = `the sender's own kernel knows no way (Network is unreachable), ` +
		`or a blackhole route of its own (Invalid argument)`
	broadcastMeans = `the target is the sender's broadcast address, which nobody connects to`
)

var (
	tcp  = socketKind("tcp", "who may open a TCP connection to whose port by IPv4", byIPv4, openTCP)
	udp  = socketKind("udp", "whose UDP datagram arrives at whose port by IPv4", byIPv4, openUDP)
	tcp6 = socketKind("tcp6", "who may open a TCP connection to whose port by IPv6", byIPv6, openTCP)
	udp6 = socketKind("udp6", "whose UDP datagram arrives at whose port by IPv6", byIPv6, openUDP)

	openTCP = [3]string{"the connection was made", refusedTCPMeans, "no answer was received (Connection timed out)"}
	openUDP = [3]string{"the datagram was received", refusedUDPMeans,
		"the datagram did not arrive, and nobody said why"}
)

// aloneTakes is what a question that is asked alone takes at least, on a machine that does nothing else.
const aloneTakes = 5 * time.Millisecond

// socketKind makes a kind of tables whose columns are ports; means explains open, refused and silent.
func socketKind(name, doc string, fam family, means [3]string) Kind {
	other, noARP := "ask for it under "+name+"6", ownARPMeans
	words := []string{"open", "refused", "no-route", "no-arp", "broadcast", "silent", "unknown", "x"}
	want := "open, refused, no-route, no-arp, broadcast, silent, icmp:<type>@<node> or x"
	if fam == byIPv6 {
		other, noARP = "", ownNDMeans
		words = slices.DeleteFunc(words, func(w string) bool { return w == "broadcast" })
		want = strings.Replace(want, "broadcast, ", "", 1)
	}
	options, together := []Option{listenOption}, listeners
	if strings.HasPrefix(name, "udp") {
		options, together = append(options, payloadOption), datagrams
	}
	return Kind{Name: name, Doc: doc, Options: options, together: together, Pairs: true, Ports: true, Carried: true,
		family: fam, otherFamily: other, alone: aloneTakes,
		questionSyntax: questionSyntax{form: "A->B:PORT"},
		cellWords: cellWords{noun: "outcome", want: want, words: words,
			means: [][2]string{
				{"open", means[0]},
				{"refused", means[1]},
				{"no-route", wayMeans},
				{"no-arp", noARP},
				{"broadcast", broadcastMeans},
				{"silent", means[2]},
				{"x", refusedMeans},
				{"unknown", notAskedMeans},
			},
			word: socketOutcome, begins: outcomeBegins, explain: explainICMP},
	}
}

// socketOutcome judges the words that are not listed.
func socketOutcome(g *vocabulary, k *Kind, _ Question, word string) string {
	if rest, ok := strings.CutPrefix(word, "icmp:"); ok {
		return g.icmpError(word, rest)
	}
	instead := ""
	switch base, _, modified := strings.Cut(word, "+"); {
	case modified && k.isWord(base):
		instead = base
	case word == "broadcast":
		return "IPv6 has no broadcast addresses"
	case approval(word), word == "ok", word == "established", word == "connected", word == "received":
		instead = "open"
	case word == "closed", word == "reset", word == "rst":
		instead = "refused"
	case word == "filtered", word == "timeout":
		instead = "silent"
	case refusal(word):
		return problem.Quoted(word) + ` is not an outcome; write "x" for a port that is not reached, whatever the ` +
			`reason`
	}
	if instead != "" {
		return problem.Quoted(word) + " is not an outcome; write " + problem.Quoted(instead)
	}
	return k.notAWord(g, word, k.words)
}

// SocketTarget takes web:80 or web:eth1:443 apart. The last result is false when the port is missing or is not one; the
// text in front of it may be anybody's.
func SocketTarget(text string) (target string, port uint16, ok bool) {
	i := strings.LastIndexByte(text, ':')
	if i <= 0 || !problem.Decimal.MatchString(text[i+1:]) {
		return "", 0, false
	}
	n, err := strconv.ParseUint(text[i+1:], 10, 16)
	return text[:i], uint16(n), err == nil && n > 0
}

// port resolves a target and its port, web:80 or web:eth1:443.
func (f *finder) port(line int, w tableWord, fam family, addressed bool) (node string, ok bool) {
	name, _, ok := SocketTarget(w.text)
	if ok {
		return f.target(line, w.part(0, len(name)), fam, addressed)
	}
	if t, known := f.rs.Lab.Target(w.text); known {
		f.wrong(line, w, "%s lacks the port; write %s:80, say", w.text, w.text)
		return t.Node, false
	}
	i := strings.LastIndexByte(w.text, ':')
	if i < 0 {
		_, found := f.find(line, w)
		return "", found && false
	}
	if !f.named(w.text[:i]) {
		f.find(line, w.part(0, i))
	}
	f.wrong(line, w.from(i+1), "%s is not a port; want 1 to 65535", problem.Quoted(w.text[i+1:]))
	return "", false
}

// named reports whether the text means something in the lab.
func (f *finder) named(text string) bool {
	_, ok := f.rs.Lab.Target(text)
	return ok
}

// ListenReal is the value of the option listen by which only the lab's own programs listen.
const ListenReal = "real"

// maxPayload is the most that a datagram may carry that no link of 1280 bytes, IPv6's least MTU, has to cut.
const maxPayload = 1200

var (
	listenOption = Option{Name: "listen", Form: OptionWords, Words: []string{ListenReal},
		Want: "real, or a list of NODE:PORT",
		Doc: "who listens: real, the lab's own program, or the prober at these ports of nodes; if not given, the " +
			"prober where the address is",
		wrong: (*vocabulary).listener}

	payloadOption = Option{Name: "payload", Form: OptionWord, Max: maxPayload, Want: "a text of 1 to 1200 bytes",
		Doc: "what the datagram carries, for the lab's own program to answer"}
)

// listener says what is wrong with a place where the prober is to listen.
func (g *vocabulary) listener(text string) string {
	if text == ListenReal {
		return ""
	}
	name, _, ok := SocketTarget(text)
	if !ok {
		if _, known := g.lab.Target(text); known {
			return fmt.Sprintf("%s lacks the port; write %s:80, say", text, text)
		}
		return problem.Quoted(text) + " is not a place to listen at; write NODE:PORT, web:80, or real"
	}
	t, known := g.lab.Target(name)
	switch {
	case !known:
		return "no node " + problem.Quoted(name) + g.near(name, g.names())
	case t.Node == "":
		return problem.Quoted(name) + ` is under "names" and cannot listen; name a node`
	case g.lab.Node(t.Node).Switch != nil:
		return name + " is a virtual switch, which cannot listen; name a node"
	}
	return ""
}

// listeners says what is wrong with who listens.
func listeners(values func(option string) []string) (option, wrong string) {
	list, payload := values("listen"), values("payload")
	real := slices.Contains(list, ListenReal)
	switch {
	case real && len(list) > 1:
		return "listen", "real is the lab's own program: nobody else listens beside it"
	case len(list) != len(slices.Compact(slices.Sorted(slices.Values(list)))):
		return "listen", "the same place twice"
	case len(payload) > 0 && !real:
		return "payload", "what a payload is for is the answer of a program; add listen: real"
	}
	return "", ""
}

// datagrams is listeners of UDP, where a program shows by its answer that it has received something.
func datagrams(values func(option string) []string) (option, wrong string) {
	if slices.Contains(values("listen"), ListenReal) && len(values("payload")) == 0 {
		return "listen", "that a program has received a datagram shows by its answer; add payload: what it answers to"
	}
	return listeners(values)
}
