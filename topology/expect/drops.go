package expect

import (
	"slices"
	"strings"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/problem"
)

var drops = Kind{
	Name: "drops", Doc: "what virtual switches dropped, and why", Reads: true,
	questionSyntax: questionSyntax{form: "SW:p",
		text: func(q Question) string { return q.A + q.Drop.suffix() },
		parse: func(text string) (q Question, ok bool) {
			var only string
			var narrowed bool
			q.A, only, narrowed = strings.Cut(text, "@")
			q.Drop, ok = parseDrop(only)
			return q, ok && isWord(q.A) && narrowed == (only != "")
		},
		asked: func(f *finder, line int, w tableWord, q Question) bool {
			if q.Drop != (DropMatch{}) {
				f.wrong(line, w, "a case asks which reasons were seen; write drops:%s", q.A)
				return false
			}
			return f.dropRow(line, w.part(strings.IndexByte(w.text, ':')+1, len(q.A)))
		},
		label: func(c *Cell) string {
			return c.Row + " " + strings.NewReplacer("@", "", ",", " ").Replace(c.Question.Drop.suffix())
		}},
	axisRules: axisRules{corner: "at", rowIs: "a virtual switch or switch:port", row: (*finder).dropRow,
		columns: []string{"reason", "function", "length", "src", "dst", "frames"},
		cell:    func(row, _ string) Question { return Question{A: row} },
		narrowing: &narrowing{answers: "frames", needs: []string{"reason", "frames"}, narrow: narrowDrop,
			word: (*vocabulary).narrowingWord}},
	cellWords: cellWords{noun: "reason for a drop", counts: true, ofColumn: true,
		judgesAll: func(q Question) bool { return q.Drop != (DropMatch{}) },
		words:     []string{"-", "unknown"},
		means: [][2]string{
			{"-", "nothing was dropped"},
			{"unknown", notReadMeans},
		},
		word: func(g *vocabulary, _ *Kind, q Question, word string) string {
			if q.Drop != (DropMatch{}) {
				return countOf("frames", word)
			}
			return g.reasons(word)
		},
		begins: func(_ *vocabulary, q Question, prefix string) bool {
			return q.Drop == (DropMatch{}) &&
				slices.ContainsFunc(dropReasons(), func(w string) bool { return strings.HasPrefix(w, prefix) })
		},
		explain: func(*Kind, string) string { return "is why frames were dropped" },
		sample: func(q Question) []string {
			if q.Drop != (DropMatch{}) {
				return []string{"0", "1", "12", "unknown"}
			}
			return []string{"-", "MacForgery", "MacForgery+PortBlocked", "unknown"}
		}},
}

// dropReasons are the names of the reasons.
func dropReasons() []string {
	var out []string
	for _, r := range switchcore.Reasons() {
		out = append(out, r.String())
	}
	return out
}

// dropRow resolves a row of drops: a virtual switch, or one of its ports.
func (f *finder) dropRow(line int, w tableWord) bool {
	node, _, has := strings.Cut(w.text, ":")
	n := f.rs.Lab.Node(node)
	switch {
	case n == nil:
		f.wrong(line, w, "no node %q%s", node, f.words.near(node, f.words.names()))
		return false
	case n.Kind != topology.VSwitch:
		f.wrong(line, w, "%s is not a virtual switch, and only those say what they drop", node)
		return false
	}
	return !has || f.portRow(line, w)
}

// narrowDrop reads a word of a row that says which frames the row counts.
func narrowDrop(f *finder, q *Question, column, text string) {
	d := &q.Drop
	switch column {
	case "reason":
		d.Reason = text
	case "function":
		d.Function = text
	case "length":
		d.Length = text
	case "src":
		d.Src = macNamed(f.rs.Lab, text)
	case "dst":
		d.Dst = macNamed(f.rs.Lab, text)
	}
}

// macNamed is the address of an entry of "names", or the text itself.
func macNamed(lab *topology.Lab, text string) string {
	if e := lab.Entry(text); e != nil && !e.MAC.IsZero() {
		return e.MAC.String()
	}
	return text
}

// narrowingWord judges a word of drops that is not judged itself but says which frames are.
func (g *vocabulary) narrowingWord(column, text string) string {
	if text == "." && column != "reason" {
		return ""
	}
	switch column {
	case "reason":
		if !slices.Contains(dropReasons(), text) {
			return problem.Quoted(text) + " is not a reason for a drop" + g.near(text, dropReasons())
		}
	case "length":
		if !problem.Decimal.MatchString(text) {
			return problem.Quoted(text) + " is not a length in bytes"
		}
	case "src", "dst":
		if _, err := switchcore.ParseMAC(macNamed(g.lab, text)); err != nil {
			return problem.Quoted(text) + ` is neither a MAC address nor one under "names"`
		}
	}
	return ""
}

// reasons judges a cell of cases that asks which reasons were seen.
func (g *vocabulary) reasons(word string) string {
	for part := range strings.SplitSeq(word, "+") {
		if !slices.Contains(dropReasons(), part) {
			return problem.Quoted(part) + ` is not a reason for a drop; want "-" or reasons joined with "+"` +
				g.near(part, dropReasons())
		}
	}
	return ""
}

// suffix is what follows the place in the name of a question about drops.
func (d DropMatch) suffix() string {
	if d == (DropMatch{}) {
		return ""
	}
	s := "@" + d.Reason
	for _, f := range []struct{ key, value string }{
		{"function", d.Function}, {"length", d.Length}, {"src", d.Src}, {"dst", d.Dst},
	} {
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
