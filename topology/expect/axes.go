package expect

import (
	"slices"
	"strings"
)

// axis is a row or a column with what it means.
type axis struct {
	text string
	node string    // full name, "" where a node cannot meet itself
	q    Question  // in a table of cases what the row asks
	drop DropMatch // what narrows the row
	ok   bool      // false: already complained about
}

// row resolves the first word of a line.
func (p *tableParser) row(line int, w tableWord) axis {
	a := axis{text: w.text, ok: true}
	switch k := p.kind; {
	case w.text == "*" && k.rowIs != "":
		p.wrong(line, w, `"*" is not a row of %s; write %s`, k.Name, k.rowIs)
		a.ok = false
	case w.text == "*":
	case k.OfStep:
		a.q, a.ok = p.asked(line, w)
	case k.row != nil:
		a.ok = k.row(p.finder, line, w)
	default:
		a.node, a.ok = p.sender(line, w)
	}
	return a
}

// column resolves a word of the header.
func (p *tableParser) column(line int, w tableWord) axis {
	a := axis{text: w.text, ok: true}
	switch k := p.kind; {
	case w.text == "*" && k.Ports:
		p.wrong(line, w, `"*" is not a column of %s; name each with its port, web:80`, k.Name)
		a.ok = false
	case w.text == "*" && !k.Pairs && !k.starColumn:
		p.wrong(line, w, `"*" is not a column of %s; name each`, k.Name)
		a.ok = false
	case w.text == "*":
	case k.OfStep:
		if a.ok = slices.Contains(p.rs.Cases, w.text); !a.ok {
			p.wrong(line, w, "no case %q in this step%s", w.text, p.words.near(w.text, p.rs.Cases))
		}
	case k.columns != nil:
		a.ok = p.oneOf(line, w, k.Name, k.columns)
	case k.column != nil:
		a.ok = k.column(p.finder, line, w)
	case k.Ports:
		a.node, a.ok = p.port(line, w, k.family, true)
	default:
		a.node, a.ok = p.target(line, w, k.family, true)
	}
	return a
}

// asked resolves a row of cases. That what is asked has an address is not required: a case may be what gives it one.
func (p *tableParser) asked(line int, w tableWord) (Question, bool) {
	q, err := ParseQuestion(w.text)
	if err != nil {
		title, rest, _ := strings.Cut(w.text, ":")
		name, _ := splitTitle(title)
		known := questionKinds()
		if near := p.words.near(name, known); near != "" && rest != "" && !slices.Contains(known, name) {
			p.wrong(line, w, "no questions of kind %q%s", name, near)
		} else {
			p.wrong(line, w, "%v", err)
		}
		return q, false
	}
	k := KindOf(q.Kind)
	if k.asked != nil {
		return q, k.asked(p.finder, line, w, q)
	}
	at := strings.IndexByte(w.text, ':') + 1
	if _, _, wrong := k.wrongOptions(p.words, q); wrong != "" {
		p.wrong(line, w.part(0, at-1), "%s", wrong)
		return q, false
	}
	from, ok := p.sender(line, w.part(at, len(q.A)))
	target := p.target
	if k.Ports {
		target = p.port
	}
	to, okB := target(line, w.part(at+len(q.A)+len("->"), len(q.B)), k.family, false)
	if ok && okB && from == to {
		p.wrong(line, w, "%s and itself are not asked", from)
		return q, false
	}
	return q, ok && okB
}
