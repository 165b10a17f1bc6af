package expect

import (
	"fmt"
	"strings"

	"labctl/topology/problem"
)

// String is the name of the question: ping:h0->h2, sees:h3->h0@rt, fdb:kali3@virbr6, port:sw:p1@state,
// drops:sw:p1 (which reasons), drops:sw:p1@MacForgery,length=60 (how many frames), hits:br/deny/to-p1. A stream takes
// the place of A->B. Options are behind the kind, as in [Title].
func (q Question) String() string {
	if text := KindOf(q.Kind).text; text != nil {
		return title(q.Kind, q.With) + ":" + text(q)
	}
	return title(q.Kind, q.With) + ":" + q.A + "->" + q.B
}

// ParseQuestion is the inverse of [Question.String]. It knows no lab: the names in the question may be nobody's.
func ParseQuestion(s string) (Question, error) {
	begin, text, _ := strings.Cut(s, ":")
	name, with, optional := strings.Cut(begin, ",")
	k := KindOf(name)
	if !k.known() || k.OfStep {
		return Question{}, fmt.Errorf("%q is not a question: want %s", s, allForms())
	}
	var q Question
	var ok bool
	if k.parse != nil {
		q, ok = k.parse(text)
	} else {
		q.A, q.B, ok = strings.Cut(text, "->")
		ok = ok && isWord(q.A) && isWord(q.B)
	}
	if !ok {
		return Question{}, fmt.Errorf("%q is not a question: a question of this kind is written %s", s, k.written())
	}
	q.Kind = name
	if optional {
		var wrong string
		if q.With, wrong = parseOptions(k, with); wrong != "" {
			return Question{}, fmt.Errorf("%q is not a question: %s", s, wrong)
		}
	}
	return q, nil
}

// written is how a question of the kind is written.
func (k *Kind) written() string {
	if k.form == "" {
		return k.Name + ":A->B"
	}
	return k.Name + ":" + k.form
}

// allForms is how questions are written: "ping:A->B (or ping6, arp), fdb:A@SW or streams:NAME".
func allForms() string {
	pairs := Listed(func(k *Kind) bool { return !k.OfStep && k.form == "" })
	forms := Listed(func(k *Kind) bool { return k.form != "" })
	for i, name := range forms {
		forms[i] = KindOf(name).written()
	}
	return pairs[0] + ":A->B (or " + strings.Join(pairs[1:], ", ") + "), " + problem.OrList(forms)
}

// Ends are the words of a question by which it is about nodes, without a port.
func (q Question) Ends() []string {
	to := q.B
	if KindOf(q.Kind).Ports {
		to, _, _ = SocketTarget(q.B)
	}
	return []string{q.A, to, q.At}
}
