package expect

import (
	"slices"
	"strconv"
	"strings"

	"labctl/topology"
	"labctl/topology/problem"
)

var sees = Kind{
	Name: "sees", Doc: "who overhears what", Carried: true, family: byEither,
	Options: []Option{{Name: "promiscuous", Form: OptionFlag, Want: "true or false", Usual: "true",
		Doc: "whether those who listen ask for everything; false: they hear what tcpdump -p does"}},
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
	cellWords: cellWords{counts: true, want: "yes, no, or how many copies come, 2 or >=2",
		words: []string{"yes", "no", "unknown"},
		means: [][2]string{
			{"yes", "a promiscuous sniffer there receives it"},
			{"no", "it does not, and would have noticed"},
			{manyMeans, "so many copies of it come there, or with >= at least so many"},
			{"unknown", "could not be listened for; never what was wanted"},
		},
		meansWith: map[string]map[string]string{notPromiscuous: {
			"yes": "a program there that is not promiscuous receives it, as tcpdump -p or a daemon would"}},
		word: func(g *vocabulary, k *Kind, q Question, word string) string {
			switch {
			case word == "-":
				return `"-" is not an answer; write "." for a cell that is not judged`
			case isCount(word):
				return g.countedAt(q.At)
			}
			return k.notAWord(g, word, k.words)
		}},
}

// notPromiscuous is what a table says whose listeners are not, as its questions have it.
const notPromiscuous = "promiscuous=false"

// Promiscuous reports whether those who listen for a question of sees ask for everything.
func (q Question) Promiscuous() bool { return q.With != notPromiscuous }

// countedAt says why copies cannot be counted by a listener: what passes from one interface of a node to another one
// would be counted at each. Who is not in the lab is said elsewhere.
func (g *vocabulary) countedAt(at string) string {
	n := g.lab.Node(at)
	if n == nil || len(n.Interfaces) < 2 {
		return ""
	}
	return "copies are counted at one interface, and " + at + " has " + strconv.Itoa(len(n.Interfaces)) +
		"; name it in the header, as " + at + ":" + n.Interfaces[0].Name
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
	if ok && t.Interface == topology.LoopbackName {
		f.wrong(line, w, "nothing of others comes by lo; name the node, or another interface")
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
