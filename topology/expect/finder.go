package expect

import (
	"fmt"
	"slices"
	"strings"

	"labctl/topology"
	"labctl/topology/problem"
)

// Resolver is what the words of a table may mean. Its lab may be a step's, in which nodes have other addresses.
type Resolver struct {
	Lab     *topology.Lab
	Streams []string // and other things that send: rows of sees beside A->B
	Chats   []string // Streams alone: the rows of streams
	Cases   []string // of the step: the columns of cases
	Cells   *int     // that the tables of the file ask so far; may be nil
	Alone   *int     // those of them that are asked one after the other; may be nil
}

// finder resolves the words of a table in a lab, and collects what is wrong with them.
type finder struct {
	path      string // of problems
	rs        *Resolver
	words     *vocabulary
	anyTarget bool   // also one without an address: a case may be what gives it one
	ipv6Only  string // what to do about a target that has no IPv4 address
	problems  []problem.Problem
}

// family is which addresses a kind is about.
type family int

const (
	byIPv4 family = iota
	byIPv6
	byEither
)

// full reports whether there are so many mistakes that the file is not read further.
func (f *finder) full() bool { return len(f.problems) >= problem.MaxProblems }

func (f *finder) errorf(at problem.Pos, width int, format string, args ...any) {
	if f.full() {
		return
	}
	f.problems = append(f.problems, problem.Problem{Line: at.Line, Col: at.Col, Width: max(1, width), Path: f.path,
		Message: fmt.Sprintf(format, args...)})
}

func (f *finder) wrong(line int, w tableWord, format string, args ...any) {
	f.errorf(w.pos(line), len(w.text), format, args...)
}

// oneOf resolves a column that is one of a few words.
func (f *finder) oneOf(line int, w tableWord, kind string, words []string) bool {
	if slices.Contains(words, w.text) {
		return true
	}
	f.wrong(line, w, "%q is not a column of %s; want %s%s", w.text, kind, problem.OrList(words),
		f.words.near(w.text, words))
	return false
}

// find is Lab.Target with a complaint.
func (f *finder) find(line int, w tableWord) (topology.Target, bool) {
	lab := f.rs.Lab
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
		f.wrong(line, w, "%s has no interface %q%s", name, ifname, f.words.nearOrList(ifname, has))
		return t, false
	}
	f.wrong(line, w, "no node %q%s", name, f.words.near(name, f.words.names()))
	return t, false
}

// sender resolves a node, or node:interface, that asks.
func (f *finder) sender(line int, w tableWord) (node string, ok bool) {
	t, ok := f.find(line, w)
	if ok && t.Node == "" {
		f.wrong(line, w, `%q is under "names": it can be asked, but cannot ask; name a node`, w.text)
		return "", false
	}
	if ok && t.Interface == topology.LoopbackName {
		f.wrong(line, w, "what leaves by lo comes back to %s itself; name the node, or another interface", t.Node)
		return "", false
	}
	return t.Node, ok
}

// target resolves what is asked, which must have an address of the family unless told otherwise.
func (f *finder) target(line int, w tableWord, fam family, addressed bool) (node string, ok bool) {
	t, ok := f.find(line, w)
	if !ok || !addressed {
		return t.Node, ok
	}
	v4, v6 := t.IP.IsValid(), t.IP6.IsValid()
	switch {
	case fam == byIPv6 && !v6:
		f.wrong(line, w, "%s has no IPv6 address to ask for; give it one or leave it out", w.text)
	case fam == byIPv4 && !v4 && v6:
		f.wrong(line, w, "%s has an IPv6 address only; %s", w.text, f.ipv6Only)
	case !v4 && !v6:
		f.wrong(line, w, "%s has no address to ask for; give it one or leave it out", w.text)
	default:
		return t.Node, true
	}
	return t.Node, false
}

// sameNode reports whether two rows or columns are the same machine, whatever the interface.
func sameNode(a, b string) bool {
	a, _, _ = strings.Cut(a, ":")
	b, _, _ = strings.Cut(b, ":")
	return a == b
}
