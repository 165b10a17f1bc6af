package expect

import (
	"slices"
	"strings"

	"labctl/topology"
	"labctl/topology/problem"
)

var fdb = Kind{
	Name: "fdb", Doc: "the port on which a switch knows a MAC", Reads: true, family: byEither,
	questionSyntax: questionSyntax{form: "A@SW",
		text: func(q Question) string { return q.A + "@" + q.B },
		parse: func(text string) (q Question, ok bool) {
			q.A, q.B, ok = strings.Cut(text, "@")
			return q, ok && isWord(q.A) && isWord(q.B)
		},
		asked: func(f *finder, line int, w tableWord, q Question) bool {
			at := len(q.Kind) + 1
			ok := f.macOf(line, w.part(at, len(q.A)))
			return f.bridge(line, w.part(at+len(q.A)+len("@"), len(q.B))) && ok
		},
		label: func(c *Cell) string { return c.Row + " on " + c.Column }},
	axisRules: axisRules{corner: `mac\on`, row: (*finder).macOf, column: (*finder).bridge,
		itself: func(q Question) bool { return sameNode(q.A, q.B) }},
	cellWords: cellWords{noun: "port", want: `"-" or a port of the switch`,
		words: []string{"-", "unknown"},
		means: [][2]string{
			{"-", "the switch does not know this MAC"},
			{"unknown", notReadMeans},
		},
		word: func(g *vocabulary, _ *Kind, q Question, word string) string {
			if ports := g.portsOf(q.B); len(ports) > 0 && !slices.Contains(ports, word) {
				return q.B + " has no port " + problem.Quoted(word) + g.near(word, ports)
			}
			return ""
		},
		begins: func(g *vocabulary, q Question, prefix string) bool {
			ports := g.portsOf(q.B)
			return len(ports) == 0 ||
				slices.ContainsFunc(ports, func(w string) bool { return strings.HasPrefix(w, prefix) })
		},
		explain: func(*Kind, string) string { return "is the port that the switch has for it" }},
}

// macOf resolves a row of fdb: something with a MAC.
func (f *finder) macOf(line int, w tableWord) bool {
	t, ok := f.find(line, w)
	if !ok || t.Name == "" {
		return ok
	}
	if e := f.rs.Lab.Entry(t.Name); e != nil && e.MAC.IsZero() {
		f.wrong(line, w, `%q has no "mac" under "names"`, w.text)
		return false
	}
	return true
}

// bridge resolves a column of fdb.
func (f *finder) bridge(line int, w tableWord) bool {
	if _, ports := f.rs.Lab.SwitchPorts(w.text); ports != nil {
		return true
	}
	t, ok := f.find(line, w)
	if !ok {
		return false
	}
	var bridges []string
	if n := f.rs.Lab.Node(t.Node); n != nil {
		for _, i := range n.Interfaces {
			if i.Type == topology.BridgeLink {
				bridges = append(bridges, n.Name+":"+i.Name)
			}
		}
	}
	if len(bridges) == 0 {
		f.wrong(line, w, "%s is not a bridge and has none; name a bridge node, a virtual switch or node:bridge", w.text)
	} else {
		f.wrong(line, w, "%s is not a bridge; write %s", w.text, strings.Join(bridges, " or "))
	}
	return false
}

// portsOf are the ports of the bridge in a column.
func (g *vocabulary) portsOf(column string) []string {
	ports, ok := g.ports[column]
	if !ok {
		_, ports = g.lab.SwitchPorts(column)
		g.ports[column] = ports
	}
	return ports
}
