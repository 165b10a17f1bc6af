package expect

import (
	"fmt"
	"strings"
)

// questionForms is how a question of each kind is written, for messages.
var questionForms = map[string]string{
	"ping": "ping:A->B", "ping6": "ping6:A->B", "answers": "answers:A->B", "arp": "arp:A->B", "route": "route:A->B",
	"sees": "sees:A->B@X", "fdb": "fdb:A@SW", "port": "port:SW:p@column",
	"drops": "drops:SW:p", "streams": "streams:NAME", "hits": "hits:NODE/SET/RULE",
}

// questionKinds are the kinds of questions, in the order in which they are judged.
var questionKinds = []string{"ping", "ping6", "answers", "sees", "streams", "arp", "route", "fdb", "port", "drops", "hits"}

// String is the name of the question: ping:h0->h2, sees:h3->h0@rt, fdb:kali3@virbr6, port:sw:p1@state,
// drops:sw:p1 (which reasons), drops:sw:p1@MacForgery,length=60 (how many frames), hits:br/deny/to-p1. A stream takes the place of A->B.
func (q Question) String() string {
	switch {
	case q.Kind == "fdb":
		return q.Kind + ":" + q.A + "@" + q.B
	case q.Kind == "sees":
		return q.Kind + ":" + q.flow() + "@" + q.At
	case q.Kind == "port":
		return q.Kind + ":" + q.A + "@" + q.At
	case q.Kind == "drops":
		return q.Kind + ":" + q.A + q.Drop.suffix()
	case q.Kind == "streams", q.Kind == "hits":
		return q.Kind + ":" + q.A
	default:
		return q.Kind + ":" + q.A + "->" + q.B
	}
}

// flow is what a sees question listens for: A->B, or the name of a stream.
func (q Question) flow() string {
	if q.B == "" {
		return q.A
	}
	return q.A + "->" + q.B
}

// ParseQuestion is the inverse of [Question.String]. It knows no lab: the names in the question may be nobody's.
func ParseQuestion(s string) (Question, error) {
	kind, rest, _ := strings.Cut(s, ":")
	form, ok := questionForms[kind]
	if !ok {
		return Question{}, fmt.Errorf("%q is not a question: want ping:A->B, ping6:, answers:, arp: or route: likewise, sees:A->B@X, fdb:A@SW, port:SW:p@column, drops:SW:p, hits:NODE/SET/RULE or streams:NAME", s)
	}
	q, ok := Question{Kind: kind}, false
	switch kind {
	case "fdb":
		q.A, q.B, ok = strings.Cut(rest, "@")
		ok = ok && isWord(q.A) && isWord(q.B)
	case "sees":
		var flow string
		flow, q.At, ok = strings.Cut(rest, "@")
		var arrow bool
		q.A, q.B, arrow = strings.Cut(flow, "->")
		ok = ok && isWord(q.A) && isWord(q.At) && arrow == (q.B != "") && (!arrow || isWord(q.B))
	case "port":
		q.A, q.At, ok = strings.Cut(rest, "@")
		ok = ok && isWord(q.A) && isWord(q.At)
	case "drops":
		var only string
		var narrowed bool
		q.A, only, narrowed = strings.Cut(rest, "@")
		q.Drop, ok = parseDrop(only)
		ok = ok && isWord(q.A) && narrowed == (only != "")
	case "streams":
		q.A, ok = rest, isWord(rest)
	case "hits":
		q.A, ok = rest, isWord(rest) && isRule(rest)
	default:
		q.A, q.B, ok = strings.Cut(rest, "->")
		ok = ok && isWord(q.A) && isWord(q.B)
	}
	if !ok {
		return Question{}, fmt.Errorf("%q is not a question: a question of this kind is written %s", s, form)
	}
	return q, nil
}

// isWord reports whether s could be a node, a node's interface or a name.
func isWord(s string) bool { return s != "" && !strings.ContainsAny(s, " \t\r\n@#>") }

// isRule reports whether s could be node/set/rule.
func isRule(s string) bool {
	parts := strings.Split(s, "/")
	return len(parts) == 3 && parts[0] != "" && parts[1] != "" && parts[2] != ""
}

// suffix is what stands behind the place in the name of a question about drops.
func (d DropMatch) suffix() string {
	if d == (DropMatch{}) {
		return ""
	}
	s := "@" + d.Reason
	for _, f := range []struct{ key, value string }{{"function", d.Function}, {"length", d.Length}, {"src", d.Src}, {"dst", d.Dst}} {
		if f.value != "" {
			s += "," + f.key + "=" + f.value
		}
	}
	return s
}

// parseDrop is the inverse of suffix, without the "@".
func parseDrop(s string) (DropMatch, bool) {
	var d DropMatch
	if s == "" {
		return d, true
	}
	words := strings.Split(s, ",")
	d.Reason = words[0]
	for _, w := range words[1:] {
		key, value, ok := strings.Cut(w, "=")
		to := map[string]*string{"function": &d.Function, "length": &d.Length, "src": &d.Src, "dst": &d.Dst}[key]
		if !ok || to == nil || *to != "" || !isWord(value) {
			return d, false
		}
		*to = value
	}
	return d, d.suffix() == "@"+s && (d.Reason == "" || isWord(d.Reason))
}
