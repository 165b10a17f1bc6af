package topology

import (
	"fmt"
	"strings"
)

// questionForms is how a question of each kind is written, for messages.
var questionForms = map[string]string{
	"ping": "ping:A->B", "ping6": "ping6:A->B", "answers": "answers:A->B", "arp": "arp:A->B", "route": "route:A->B",
	"sees": "sees:A->B@X", "fdb": "fdb:A@SW",
}

// questionKinds are the kinds of questions, in the order in which they are judged.
var questionKinds = []string{"ping", "ping6", "answers", "sees", "arp", "route", "fdb"}

// String is the name of the question: ping:h0->h2, sees:h3->h0@rt, fdb:kali3@virbr6. A stream takes the place of A->B.
func (q Question) String() string {
	switch {
	case q.Kind == "fdb":
		return q.Kind + ":" + q.A + "@" + q.B
	case q.Kind == "sees":
		return q.Kind + ":" + q.flow() + "@" + q.At
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
		return Question{}, fmt.Errorf("%q is no question: want ping:A->B, ping6:, answers:, arp: or route: likewise, sees:A->B@X or fdb:A@SW", s)
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
	default:
		q.A, q.B, ok = strings.Cut(rest, "->")
		ok = ok && isWord(q.A) && isWord(q.B)
	}
	if !ok {
		return Question{}, fmt.Errorf("%q is no question: a question of this kind is written %s", s, form)
	}
	return q, nil
}

// isWord reports whether s could be a node, a node's interface or a name.
func isWord(s string) bool { return s != "" && !strings.ContainsAny(s, " \t\r\n@#>") }
