package expect

import (
	"slices"
	"strings"

	"labctl/topology/problem"
)

// cell says what is wrong with the text of a cell, or "". The question gives the kind; of an fdb question the bridge,
// and of an answers question who is asked, matter too, as far as they are known.
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
	k := KindOf(q.Kind)
	if prefix, open := strings.CutSuffix(alt, "*"); open {
		if prefix == "" {
			return `"*" would want any answer; write "." for a cell that is not judged`
		}
		if g.begins(k, q, prefix) {
			return ""
		}
		return "no " + k.nounOf() + " begins with " + problem.Quoted(prefix)
	}
	switch {
	case alt == ".":
		return problem.Quoted(text) + ` is judged and not judged; write "." alone`
	case alt == "-" && k.dashMeansItself():
		return `"-" is for a node and itself; write "." for a cell that is not judged`
	case strings.HasSuffix(alt, "!"):
		return problem.Quoted(alt) + ` carries the mark of a cell that differs; write ` +
			problem.Quoted(strings.TrimSuffix(alt, "!"))
	case k.Name == "ping" && refusal(alt):
		return problem.Quoted(alt) + ` is not an outcome; write "x" for a ping that fails whatever the reason`
	case k.Name == "ping" && approval(alt):
		return problem.Quoted(alt) + ` is not an outcome; write "ok"`
	case k.isWord(alt) && (k.judgesAll == nil || !k.judgesAll(q)):
		return ""
	case k.word == nil:
		return k.notAWord(g, alt, k.words)
	}
	return k.word(g, k, q, alt)
}

// begins reports whether some word of the kind begins with the prefix, which may end inside a part.
func (g *vocabulary) begins(k *Kind, q Question, prefix string) bool {
	return slices.ContainsFunc(k.words, func(w string) bool { return strings.HasPrefix(w, prefix) }) ||
		k.begins != nil && k.begins(g, q, prefix)
}

// Words are words that a prober could answer a question with: of a kind whose words are a closed list, all of them.
func Words(q Question) []string {
	k := KindOf(q.Kind)
	if k.sample != nil {
		return k.sample(q)
	}
	return k.words
}
