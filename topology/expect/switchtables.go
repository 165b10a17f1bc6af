package expect

import (
	"slices"
	"strconv"
	"strings"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/problem"
)

// portColumns are what a table of ports can ask. The first two and the addresses that the administrator and the guest gave
// belong to ports of virtual switches.
func portColumns() []string {
	return []string{"state", "promiscuous", "initial", "effective", "mac", "flags", "promiscuity"}
}

// dropColumns are what narrows a row of drops, and the number that is judged.
func dropColumns() []string { return []string{"reason", "function", "length", "src", "dst", "frames"} }

// dropReasons are the names of the reasons.
func dropReasons() []string {
	var out []string
	for _, r := range switchcore.Reasons() {
		out = append(out, r.String())
	}
	return out
}

// portRow resolves a row of port.
func (p *tableParser) portRow(line int, w tableWord) bool {
	n, ok, ports := p.rs.Lab.PortOf(w.text)
	node, name, has := strings.Cut(w.text, ":")
	switch {
	case ok:
		return true
	case n == nil:
		p.wrong(line, w, "no node %q%s", node, p.words.near(node, p.words.names()))
	case !has && len(ports) > 0:
		p.wrong(line, w, "name a port or an interface: %s:%s", node, ports[0])
	case n.Switch != nil:
		p.wrong(line, w, "%s has no port %q%s", node, name, p.words.nearOrList(name, ports))
	default:
		p.wrong(line, w, "%s has no interface %q%s", node, name, p.words.nearOrList(name, ports))
	}
	return false
}

// dropRow resolves a row of drops: a virtual switch, or one of its ports.
func (p *tableParser) dropRow(line int, w tableWord) bool {
	node, _, has := strings.Cut(w.text, ":")
	n := p.rs.Lab.Node(node)
	switch {
	case n == nil:
		p.wrong(line, w, "no node %q%s", node, p.words.near(node, p.words.names()))
		return false
	case n.Kind != topology.VSwitch:
		p.wrong(line, w, "%s is not a virtual switch, and only those say what they drop", node)
		return false
	}
	return !has || p.portRow(line, w)
}

// streamRow resolves a row of streams.
func (p *tableParser) streamRow(line int, w tableWord) bool {
	if slices.Contains(p.rs.Chats, w.text) {
		return true
	}
	p.wrong(line, w, "no stream is called %q here%s", w.text, p.words.near(w.text, p.rs.Chats))
	return false
}

// oneOf resolves a column that is one of a few words.
func (p *tableParser) oneOf(line int, w tableWord, kind string, words []string) bool {
	if slices.Contains(words, w.text) {
		return true
	}
	p.wrong(line, w, "%q is not a column of %s; want %s%s", w.text, kind, problem.OrList(words), p.words.near(w.text, words))
	return false
}

// dropHead checks that a header of drops has what a row needs.
func (p *tableParser) dropHead(head tableLine, columns []axis) {
	for _, name := range []string{"reason", "frames"} {
		if !slices.ContainsFunc(columns, func(a axis) bool { return a.text == name }) {
			p.wrong(head.line, head.words[0], "a table of drops has a column %q; write it beside the others", name)
		}
	}
}

// narrow reads the words of a row of drops that say which frames it counts, and returns what makes the row unlike others.
func (p *tableParser) narrow(row *axis, columns []axis, words []tableWord) string {
	d := &row.q.Drop
	for i, w := range words[:min(len(words), len(columns))] {
		text := w.text
		if text == "." || !columns[i].ok {
			continue
		}
		switch columns[i].text {
		case "reason":
			d.Reason = text
		case "function":
			d.Function = text
		case "length":
			d.Length = text
		case "src":
			d.Src = macNamed(p.rs.Lab, text)
		case "dst":
			d.Dst = macNamed(p.rs.Lab, text)
		}
	}
	return row.q.String()
}

// macNamed is the address of an entry of "names", or the text itself.
func macNamed(lab *topology.Lab, text string) string {
	if e := lab.Entry(text); e != nil && !e.MAC.IsZero() {
		return e.MAC.String()
	}
	return text
}

// narrows judges a word of drops that is not judged itself but says which frames are.
func (g *vocabulary) narrows(column, text string) string {
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

// frames judges how many frames are wanted: a number, or ">=" and one.
func frames(text string) string {
	if problem.Decimal.MatchString(strings.TrimPrefix(text, ">=")) {
		return ""
	}
	return problem.Quoted(text) + " is not a number of frames; want 3, >=1 or 0"
}

// atLeast reports whether a number is as large as ">=1" wants.
func atLeast(want, got string) bool {
	low, some := strings.CutPrefix(want, ">=")
	if !some || !problem.Decimal.MatchString(low) || !problem.Decimal.MatchString(got) {
		return false
	}
	w, _ := strconv.Atoi(low)
	n, _ := strconv.Atoi(got)
	return n >= w
}

// reasons judges a cell of cases that asks which reasons were seen.
func (g *vocabulary) reasons(word string) string {
	for part := range strings.SplitSeq(word, "+") {
		if !slices.Contains(dropReasons(), part) {
			return problem.Quoted(part) + ` is not a reason for a drop; want "-" or reasons joined with "+"` + g.near(part, dropReasons())
		}
	}
	return ""
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
		return problem.Quoted(word) + " is not a value of " + q.At + " of " + q.A + "; want " + problem.OrList(slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "unknown" })) + g.near(word, words)
	case "flags":
		if n, err := strconv.ParseUint(strings.TrimPrefix(word, "0x"), 16, 32); err == nil && word == "0x"+strconv.FormatUint(n, 16) {
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
