package expect

import (
	"slices"
	"strconv"
	"strings"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/problem"
)

var port = Kind{
	Name: "port", Doc: "the state of ports and interfaces", Reads: true,
	questionSyntax: questionSyntax{form: "SW:p@column",
		text: func(q Question) string { return q.A + "@" + q.At },
		parse: func(text string) (q Question, ok bool) {
			q.A, q.At, ok = strings.Cut(text, "@")
			return q, ok && isWord(q.A) && isWord(q.At)
		},
		asked: func(f *finder, line int, w tableWord, q Question) bool {
			ok := f.portRow(line, w.part(strings.IndexByte(w.text, ':')+1, len(q.A)))
			return f.oneOf(line, w.from(len(w.text)-len(q.At)), q.Kind, portColumns()) && ok
		},
		label: func(c *Cell) string { return c.Row + " " + c.Column }},
	axisRules: axisRules{corner: "port", rowIs: "switch:port or node:interface",
		row: (*finder).portRow, columns: portColumns(),
		cell: func(row, column string) Question { return Question{A: row, At: column} }},
	cellWords: cellWords{ofRow: true, ofColumn: true, judgesAll: func(q Question) bool { return q.At != "" },
		words: []string{"forwarding", "blocked", "down", "up", "granted", "refused", "-", "unknown"},
		means: [][2]string{
			{"forwarding", "frames pass"},
			{"blocked", "shut both ways by a policy or by the administrator; the guest is not told"},
			{"down", "no carrier"},
			{"up", "there is a carrier"},
			{"granted", "the guest asked for promiscuous reception, and gets it"},
			{"refused", "the guest asked for promiscuous reception, and does not get it"},
			{"-", "not asked, or none"},
			{"unknown", notReadMeans},
		},
		word: func(g *vocabulary, k *Kind, q Question, word string) string {
			if q.At == "" {
				return k.notAWord(g, word, k.words)
			}
			return g.portWord(q, word)
		},
		begins: func(_ *vocabulary, q Question, prefix string) bool {
			has := func(words []string) bool {
				return slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, prefix) })
			}
			return slices.Contains([]string{"initial", "effective", "mac", "flags"}, q.At) || has(portWords(q.At)) ||
				q.At == "state" && has(bridgeStates())
		},
		sample: func(q Question) []string {
			if q.At == "state" {
				return []string{"down", "unknown"} // of every sort of port but those of Linux bridges
			}
			const mac = "02:00:00:00:00:07"
			return append(portWords(q.At), map[string]string{"mac": mac, "initial": mac, "effective": mac,
				"promiscuous": "granted", "flags": "0x1103", "promiscuity": "2"}[q.At])
		}},
}

// portColumns are what a table of ports can ask. The first two and the addresses that the administrator and the guest
// gave belong to ports of virtual switches.
func portColumns() []string {
	return []string{"state", "promiscuous", "initial", "effective", "mac", "flags", "promiscuity"}
}

// portRow resolves a row of port.
func (f *finder) portRow(line int, w tableWord) bool {
	n, ok, ports := f.rs.Lab.PortOf(w.text)
	node, name, has := strings.Cut(w.text, ":")
	switch {
	case ok:
		return true
	case n == nil:
		f.wrong(line, w, "no node %q%s", node, f.words.near(node, f.words.names()))
	case !has && len(ports) > 0:
		f.wrong(line, w, "name a port or an interface: %s:%s", node, ports[0])
	case n.Switch != nil:
		f.wrong(line, w, "%s has no port %q%s", node, name, f.words.nearOrList(name, ports))
	default:
		f.wrong(line, w, "%s has no interface %q%s", node, name, f.words.nearOrList(name, ports))
	}
	return false
}

// bridgeStates are the kernel's words for a port of a Linux bridge (net/bridge/br_stp.c).
func bridgeStates() []string {
	return []string{"disabled", "listening", "learning", "forwarding", "blocking"}
}

// portWord judges a word of a table of ports by its column and by what the row is.
func (g *vocabulary) portWord(q Question, word string) string {
	n, _, _ := g.lab.PortOf(q.A)
	ofSwitch := n == nil || n.Switch != nil
	switch q.At {
	case "promiscuous", "initial", "effective":
		if !ofSwitch {
			return q.A + ` is not a port of a virtual switch and has no "` + q.At + `"; write "."`
		}
	}
	words := portWords(q.At)
	if q.At == "state" {
		words = g.states(n, q.A)
	}
	if slices.Contains(words, word) {
		return ""
	}
	switch q.At {
	case "state", "promiscuous":
		known := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "unknown" })
		return problem.Quoted(word) + " is not a value of " + q.At + " of " + q.A + "; want " +
			problem.OrList(known) + g.near(word, words)
	case "flags":
		n, err := strconv.ParseUint(strings.TrimPrefix(word, "0x"), 16, 32)
		if err == nil && word == "0x"+strconv.FormatUint(n, 16) {
			return ""
		}
		return problem.Quoted(word) + " are not flags; want them as /sys/class/net has them, 0x1003"
	case "promiscuity":
		if problem.Decimal.MatchString(word) {
			return ""
		}
		return problem.Quoted(word) + " is not a promiscuity; want a number"
	}
	if _, err := switchcore.ParseMAC(word); err != nil {
		return err.Error()
	}
	return ""
}

func portWords(column string) []string {
	switch column {
	case "promiscuous":
		return []string{"granted", "refused", "-", "unknown"}
	case "state":
		return []string{"forwarding", "blocked", "down", "up", "unknown"}
	case "initial", "effective":
		return []string{"-", "unknown"}
	}
	return []string{"unknown"}
}

// states are what the state of a row can be: on a virtual switch, of a port of a Linux bridge, elsewhere.
func (g *vocabulary) states(n *topology.Node, row string) []string {
	_, name, _ := strings.Cut(row, ":")
	switch {
	case n == nil:
		return portWords("state")
	case n.Switch != nil:
		return []string{"forwarding", "blocked", "down", "unknown"}
	}
	if i := n.Interface(name); i != nil && i.Master != "" {
		return append(bridgeStates(), "unknown")
	}
	return []string{"up", "down", "unknown"}
}
