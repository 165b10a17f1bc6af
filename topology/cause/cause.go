// Package cause has the causes of answers: why a ping got no answer, or why an answer cannot be believed. A cause is a
// value, which who finds it out makes and everybody passes on; words are made of it last, here.
package cause

import (
	"cmp"
	"slices"
	"strings"
)

// Kind is a sort of cause, one of those of the table in kinds.go.
type Kind string

// Cause is one cause. Values can be compared.
type Cause struct {
	Kind   Kind   `json:"kind"`
	Where  string `json:"where,omitempty"`  // a node, or a port as NODE:PORT
	Rule   string `json:"rule,omitempty"`   // what acted there, as the kind says
	Sure   bool   `json:"sure"`             // false: something else may have met it at the same time
	Frames int    `json:"frames,omitempty"` // how many it met, as the kind says; 0: not counted
}

// Compare orders causes by what can be seen of them, so that the same ones are said the same way.
func Compare(a, b Cause) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Where, b.Where), cmp.Compare(a.Rule, b.Rule),
		cmp.Compare(a.Frames, b.Frames))
}

// Text is a list of causes in words, those of a kind together: "refused by fw/deny/1; dropped: sw:a ForgedTransmit (2
// frames)". Where a cause makes the answer doubtful, what else is known of it does not count, and only the former is
// said. It is "" for none.
func Text(causes []Cause) string {
	if d := texts(causes, func(k kind) bool { return k.doubts != "" }); len(d) > 0 {
		return strings.Join(d, "; ")
	}
	return strings.Join(texts(causes, func(k kind) bool { return k.doubts == "" }), "; ")
}

// Explain adds causes to a sentence about an answer: in front of it what makes it doubtful, and the others behind it.
func Explain(sentence string, causes []Cause) string {
	for _, k := range kinds {
		if of := ofKind(causes, k.name); k.doubts != "" && len(of) > 0 {
			sentence = k.text(of) + k.doubts + sentence
		}
	}
	return strings.TrimPrefix(strings.Join(append([]string{sentence},
		texts(causes, func(k kind) bool { return k.doubts == "" && !k.isSaid })...), "; "), "; ")
}

// Alike is a list without what differs between two pairs, or two runs, that have the same cause.
func Alike(causes []Cause) []Cause {
	out := slices.Clone(causes)
	for i := range out {
		if slices.ContainsFunc(kinds, func(k kind) bool { return k.name == out[i].Kind && k.varies }) {
			out[i].Frames = 0
		}
	}
	return out
}

func texts(causes []Cause, which func(kind) bool) []string {
	var out []string
	for _, k := range kinds {
		if of := ofKind(causes, k.name); len(of) > 0 && which(k) {
			out = append(out, k.text(of))
		}
	}
	return out
}

func ofKind(causes []Cause, name Kind) []Cause {
	var out []Cause
	for _, c := range causes {
		if c.Kind == name {
			out = append(out, c)
		}
	}
	return out
}
