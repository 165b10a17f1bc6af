package expect

import (
	"slices"
	"strings"

	"labctl/topology/problem"
)

var sees = Kind{
	Name: "sees", Doc: "who overhears what", Carried: true, family: byEither,
	questionSyntax: questionSyntax{form: "A->B@X",
		text: func(q Question) string { return q.flow() + "@" + q.At },
		parse: func(text string) (q Question, ok bool) {
			flow, at, ok := strings.Cut(text, "@")
			q.At = at
			var arrow bool
			q.A, q.B, arrow = strings.Cut(flow, "->")
			return q, ok && isWord(q.A) && isWord(q.At) && arrow == (q.B != "") && (!arrow || isWord(q.B))
		},
		asked: func(f *finder, line int, w tableWord, q Question) bool {
			listens := w.from(len(w.text) - len(q.At))
			_, _, ok := f.flow(line, w.part(strings.IndexByte(w.text, ':')+1, len(q.flow())))
			return f.listener(line, listens) && ok
		},
		label: func(c *Cell) string { return c.Row + " at " + c.Column }},
	axisRules: axisRules{corner: `flow\at`, rowIs: "A->B, or the name of a stream or a send", starColumn: true,
		row:    func(f *finder, line int, w tableWord) bool { _, _, ok := f.flow(line, w); return ok },
		column: (*finder).listener,
		cell: func(row, column string) Question {
			a, b, _ := strings.Cut(row, "->")
			return Question{A: a, B: b, At: column}
		},
		itself: func(q Question) bool { return sameNode(q.At, q.A) || sameNode(q.At, q.B) },
		nothing: func(*Kind, int, int) string {
			return `nothing to ask: no node with an address is left to listen beside the two ends of a flow; ` +
				`name who listens instead of "*"`
		}},
	cellWords: cellWords{
		words: []string{"yes", "no", "unknown"},
		means: [][2]string{
			{"yes", "a promiscuous sniffer there receives it"},
			{"no", "it does not, and would have noticed"},
			{"unknown", "could not be listened for; never what was wanted"},
		},
		word: func(g *vocabulary, k *Kind, _ Question, word string) string {
			if word == "-" {
				return `"-" is not an answer; write "." for a cell that is not judged`
			}
			return k.notAWord(g, word, k.words)
		}},
}

// flow is what a sees question listens for: A->B, or the name of a stream.
func (q Question) flow() string {
	if q.B == "" {
		return q.A
	}
	return q.A + "->" + q.B
}

// flow resolves A->B, or the name of something that sends.
func (f *finder) flow(line int, w tableWord) (a, b string, ok bool) {
	a, b, arrow := strings.Cut(w.text, "->")
	if !arrow || a == "" || b == "" {
		if slices.Contains(f.rs.Streams, w.text) {
			return w.text, "", true
		}
		near := f.words.near(w.text, f.rs.Streams)
		if near == "" && len(f.rs.Streams) > 0 {
			near = "; those so far are " + problem.AndList(problem.ClipList(f.rs.Streams))
		}
		f.wrong(line, w, "%q is not a flow; write A->B, or the name of a stream or a send%s", w.text, near)
		return a, b, false
	}
	_, okA := f.sender(line, w.part(0, len(a)))
	_, okB := f.target(line, w.from(len(a)+len("->")), byEither, !f.anyTarget)
	return a, b, okA && okB
}

func (f *finder) listener(line int, w tableWord) bool {
	t, ok := f.find(line, w)
	if ok && t.Node == "" {
		f.wrong(line, w, `%q is under "names" and cannot listen; name a node or node:interface`, w.text)
		return false
	}
	return ok
}

var streams = Kind{
	Name: "streams", Doc: "how streams of echo requests fare", Reads: true, Carried: true, last: true,
	questionSyntax: questionSyntax{form: "NAME",
		text:  func(q Question) string { return q.A },
		parse: func(text string) (Question, bool) { return Question{A: text}, isWord(text) },
		asked: func(f *finder, line int, w tableWord, q Question) bool {
			return f.streamRow(line, w.part(strings.IndexByte(w.text, ':')+1, len(q.A)))
		},
		label: func(c *Cell) string { return c.Row + " " + c.Column }},
	axisRules: axisRules{corner: "stream", rowIs: "the name of a stream",
		row: (*finder).streamRow, columns: []string{"is"},
		cell: func(row, _ string) Question { return Question{A: row} }},
	cellWords: cellWords{want: "ok, ok+other, silent or lossy",
		words: []string{"ok", "ok+other", "silent", "lossy", "unknown"},
		means: [][2]string{
			{"ok", "the replies come"},
			{"+other", `with "ok": some come from another address than is asked; TCP would not take them`},
			{"silent", "no reply came in time, which is 200 ms or, if that is longer, the time between two requests"},
			{"lossy", "some replies are missing"},
			{"unknown", notReadMeans},
		}},
}

// streamRow resolves a row of streams.
func (f *finder) streamRow(line int, w tableWord) bool {
	if slices.Contains(f.rs.Chats, w.text) {
		return true
	}
	f.wrong(line, w, "no stream is called %q here%s", w.text, f.words.near(w.text, f.rs.Chats))
	return false
}
