package expect

import (
	"slices"
	"strings"

	"labctl/topology"
	"labctl/topology/problem"
)

// row resolves the first word of a line.
func (p *tableParser) row(line int, w tableWord) axis {
	a := axis{text: w.text, q: Question{Kind: p.kind, A: w.text}, ok: true}
	if w.text == "*" {
		if what := rowOf(p.kind); what != "" {
			p.wrong(line, w, `"*" is not a row of %s; write %s`, p.kind, what)
			a.ok = false
		}
		return a
	}
	switch p.kind {
	case "sees":
		a.q.A, a.q.B, a.ok = p.flow(line, w)
	case "cases":
		a.q, a.ok = p.asked(line, w)
	case "fdb":
		a.ok = p.macOf(line, w)
	case "port":
		a.ok = p.portRow(line, w)
	case "drops":
		a.ok = p.dropRow(line, w)
	case "streams":
		a.ok = p.streamRow(line, w)
	case "hits":
		a.ok = p.ruleRow(line, w, true)
	default:
		a.node, a.ok = p.sender(line, w)
	}
	return a
}

// rowOf is what the rows are of a kind that has no row "*", or "".
func rowOf(kind string) string {
	switch kind {
	case "sees":
		return "A->B, or the name of a stream or a send"
	case "cases":
		return "a question, ping:A->B"
	case "port":
		return "switch:port or node:interface"
	case "drops":
		return "a virtual switch or switch:port"
	case "streams":
		return "the name of a stream"
	case "hits":
		return "node/set/rule"
	}
	return ""
}

// column resolves a word of the header.
func (p *tableParser) column(line int, w tableWord) axis {
	a := axis{text: w.text, ok: true}
	if w.text == "*" {
		if p.kind == "fdb" || p.kind != "sees" && rowOf(p.kind) != "" {
			p.wrong(line, w, `"*" is not a column of %s; name each`, p.kind)
			a.ok = false
		}
		return a
	}
	switch p.kind {
	case "sees":
		a.ok = p.listener(line, w)
	case "cases":
		a.ok = slices.Contains(p.rs.Cases, w.text)
		if !a.ok {
			p.wrong(line, w, "no case %q in this step%s", w.text, p.words.near(w.text, p.rs.Cases))
		}
	case "fdb":
		a.ok = p.bridge(line, w)
	case "port":
		a.ok = p.oneOf(line, w, p.kind, portColumns())
	case "drops":
		a.ok = p.oneOf(line, w, p.kind, dropColumns())
	case "streams":
		a.ok = p.oneOf(line, w, p.kind, []string{"is"})
	case "hits":
		a.ok = p.oneOf(line, w, p.kind, []string{"hits"})
	default:
		a.node, a.ok = p.target(line, w, p.kind, true)
	}
	return a
}

// find is Lab.Target with a complaint.
func (p *tableParser) find(line int, w tableWord) (topology.Target, bool) {
	lab := p.rs.Lab
	t, ok := lab.Target(w.text)
	if ok {
		return t, true
	}
	name, ifname, hasIf := strings.Cut(w.text, ":")
	if n := lab.Node(name); n != nil && hasIf {
		var has []string
		for _, i := range n.Interfaces {
			has = append(has, i.Name)
		}
		p.wrong(line, w, "%s has no interface %q%s", name, ifname, p.words.nearOrList(ifname, has))
		return t, false
	}
	p.wrong(line, w, "no node %q%s", name, p.words.near(name, p.words.names()))
	return t, false
}

// sender resolves a node, or node:interface, that asks.
func (p *tableParser) sender(line int, w tableWord) (node string, ok bool) {
	t, ok := p.find(line, w)
	if ok && t.Node == "" {
		p.wrong(line, w, `%q stands under "names": it can be asked, but cannot ask; name a node`, w.text)
		return "", false
	}
	return t.Node, ok
}

// target resolves what is asked, which must have an address of the family of the kind unless told otherwise.
func (p *tableParser) target(line int, w tableWord, kind string, addressed bool) (node string, ok bool) {
	t, ok := p.find(line, w)
	if !ok || !addressed {
		return t.Node, ok
	}
	switch {
	case kind == "ping6" && !t.IP6.IsValid():
		p.wrong(line, w, "%s has no IPv6 address to ask for; give it one or leave it out", w.text)
		return t.Node, false
	case kind == "sees" && t.IP6.IsValid():
	case kind != "ping6" && !t.IP.IsValid() && t.IP6.IsValid():
		p.wrong(line, w, "%s has an IPv6 address only; %s", w.text, byIPv6(p.kind))
		return t.Node, false
	case kind != "ping6" && !t.IP.IsValid():
		p.wrong(line, w, "%s has no address to ask for; give it one or leave it out", w.text)
		return t.Node, false
	}
	return t.Node, true
}

// byIPv6 says what to do about a target that has no IPv4 address.
func byIPv6(kind string) string {
	if kind == "ping" {
		return "ask for it under ping6"
	}
	return kind + " is about IPv4 only; give it an IPv4 address or leave it out"
}

// flow resolves A->B, or the name of something that sends.
func (p *tableParser) flow(line int, w tableWord) (a, b string, ok bool) {
	a, b, arrow := strings.Cut(w.text, "->")
	if !arrow || a == "" || b == "" {
		if slices.Contains(p.rs.Streams, w.text) {
			return w.text, "", true
		}
		near := p.words.near(w.text, p.rs.Streams)
		if near == "" && len(p.rs.Streams) > 0 {
			near = "; those so far are " + problem.AndList(problem.ClipList(p.rs.Streams))
		}
		p.wrong(line, w, "%q is not a flow; write A->B, or the name of a stream or a send%s", w.text, near)
		return a, b, false
	}
	_, okA := p.sender(line, tableWord{w.at, a})
	_, okB := p.target(line, tableWord{w.at + len(a) + len("->"), b}, "sees", p.kind != "cases")
	return a, b, okA && okB
}

func (p *tableParser) listener(line int, w tableWord) bool {
	t, ok := p.find(line, w)
	if ok && t.Node == "" {
		p.wrong(line, w, `%q stands under "names" and cannot listen; name a node or node:interface`, w.text)
		return false
	}
	return ok
}

// macOf resolves a row of fdb: something with a MAC.
func (p *tableParser) macOf(line int, w tableWord) bool {
	t, ok := p.find(line, w)
	if !ok || t.Name == "" {
		return ok
	}
	if e := p.rs.Lab.Entry(t.Name); e != nil && e.MAC.IsZero() {
		p.wrong(line, w, `%q has no "mac" under "names"`, w.text)
		return false
	}
	return true
}

// bridge resolves a column of fdb.
func (p *tableParser) bridge(line int, w tableWord) bool {
	if _, ports := p.rs.Lab.SwitchPorts(w.text); ports != nil {
		return true
	}
	t, ok := p.find(line, w)
	if !ok {
		return false
	}
	var bridges []string
	if n := p.rs.Lab.Node(t.Node); n != nil {
		for _, i := range n.Interfaces {
			if i.Type == topology.BridgeLink {
				bridges = append(bridges, n.Name+":"+i.Name)
			}
		}
	}
	if len(bridges) == 0 {
		p.wrong(line, w, "%s is not a bridge and has none; name a bridge node, a virtual switch or node:bridge", w.text)
	} else {
		p.wrong(line, w, "%s is not a bridge; write %s", w.text, strings.Join(bridges, " or "))
	}
	return false
}

// asked resolves a row of cases. That what is asked has an address is not required: a case may be what gives it one.
func (p *tableParser) asked(line int, w tableWord) (Question, bool) {
	q, err := ParseQuestion(w.text)
	if err != nil {
		kind, rest, _ := strings.Cut(w.text, ":")
		if near := p.words.near(kind, questionKinds); near != "" && rest != "" && !slices.Contains(questionKinds, kind) {
			p.wrong(line, w, "no questions of kind %q%s", kind, near)
		} else {
			p.wrong(line, w, "%v", err)
		}
		return q, false
	}
	at := w.at + len(q.Kind) + 1
	a, b := tableWord{at, q.A}, tableWord{at + len(q.A) + len("->"), q.B}
	switch q.Kind {
	case "sees":
		listens := tableWord{w.at + len(w.text) - len(q.At), q.At}
		_, _, ok := p.flow(line, tableWord{at, q.flow()})
		return q, p.listener(line, listens) && ok
	case "fdb":
		b.at--
		ok := p.macOf(line, a)
		return q, p.bridge(line, b) && ok
	case "port":
		ok := p.portRow(line, a)
		return q, p.oneOf(line, tableWord{w.at + len(w.text) - len(q.At), q.At}, q.Kind, portColumns()) && ok
	case "drops":
		if q.Drop != (DropMatch{}) {
			p.wrong(line, w, "a case asks which reasons were seen; write drops:%s", q.A)
			return q, false
		}
		return q, p.dropRow(line, a)
	case "streams":
		return q, p.streamRow(line, a)
	case "hits":
		return q, p.ruleRow(line, a, false)
	}
	from, ok := p.sender(line, a)
	to, okB := p.target(line, b, q.Kind, false)
	if ok && okB && from == to {
		p.wrong(line, w, "%s and itself are not asked", from)
		return q, false
	}
	return q, ok && okB
}
