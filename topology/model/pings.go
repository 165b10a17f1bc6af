package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"labctl/topology"
	"labctl/topology/expect"
	"labctl/topology/model/sim"
	"labctl/topology/schedule"
)

// pair is one sender and one target.
type pair struct {
	from, to topology.Target
	asked    []int // its ping questions
	arp      []int // its arp questions, which are answered by what the ping leaves behind
	form     sim.Form
	word     string
	event    string // in words
	doubt    sim.Doubt
}

// formOf is what the requests of a question are like. ok is false for an option that is not known.
func formOf(q expect.Question) (f sim.Form, ok bool) {
	f.Size = sim.Payload
	for name := range strings.SplitSeq(q.With, ",") {
		name, value, _ := strings.Cut(name, "=")
		switch name {
		case "":
		case "df":
			f.Whole = q.Option(name) == "true"
		case "size":
			size, err := strconv.Atoi(value)
			if err != nil {
				return f, false
			}
			f.Size = size
		default:
			return f, false
		}
	}
	return f, true
}

// pings asks the ping questions, and in fresh mode the arp questions that go with them.
func (a *asking) pings(at []int) {
	var pairs []*pair
	index := map[[3]string]*pair{}
	add := func(i int) *pair {
		q := a.out[i].Question
		p := index[[3]string{q.A, q.B, q.With}]
		if p == nil {
			from, to, ok := a.ends(i)
			if !ok {
				return nil
			}
			if !to.IP.IsValid() {
				a.fail(i, q.B+" has no IPv4 address")
				return nil
			}
			form, ok := formOf(q)
			if !ok {
				a.notAsked(i, q.Title())
				return nil
			}
			p = &pair{from: from, to: to, form: form}
			pairs = append(pairs, p)
			index[[3]string{q.A, q.B, q.With}] = p
		}
		return p
	}
	for _, i := range at {
		if a.busy(i) || a.kept && a.stainedTables(i) {
			continue
		}
		if p := add(i); p != nil {
			if a.out[i].Question.Kind == "arp" {
				p.arp = append(p.arp, i)
			} else {
				p.asked = append(p.asked, i)
			}
		}
	}
	if a.kept {
		for _, p := range pairs {
			a.ping(p)
			if a.rest != nil {
				a.rest()
			}
		}
		return
	}
	a.fresh(pairs)
}

// fresh asks every pair as if alone in a lab just brought up, in the order in which the prober does, and leaves the
// tables as the last answered pair of the table leaves them.
func (a *asking) fresh(pairs []*pair) {
	ends := func(p *pair) schedule.Ends { return schedule.Ends{From: p.from.Node, To: p.to.Node} }
	for _, p := range schedule.Order(pairs, ends) {
		if len(a.streams) > 0 {
			a.beside(p)
			continue
		}
		a.world.Forget()
		a.ping(p)
	}
	a.world.Forget()
	for _, p := range slices.Backward(pairs) {
		if base(p.word) == "ok" {
			a.world.EchoOf(p.from.Node, p.from.Interface, p.to.IP, p.form)
			a.world.Doubts()
			break
		}
	}
}

// base is a word without what is joined to it.
func base(word string) string {
	if len(word) >= 2 && word[:2] == "ok" {
		return "ok"
	}
	return word
}

// ping asks one pair and answers its questions.
func (a *asking) ping(p *pair) {
	a.world.Doubts()
	r := a.world.EchoOf(p.from.Node, p.from.Interface, p.to.IP, p.form)
	p.word, p.event = a.outcome(p, r)
	met := a.world.Doubts()
	for _, i := range append(slices.Clone(p.asked), p.arp...) {
		switch {
		case len(met) > 0:
			p.word = ""
			a.undecided(i, met[0])
		case slices.Contains(p.arp, i):
			a.holds(i, p.from, p.to)
		default:
			a.out[i].Got, a.out[i].Detail = p.word, p.event
		}
	}
}

// outcome is the word of what came back, and a sentence about it.
func (a *asking) outcome(p *pair, r *sim.Request) (word, detail string) {
	if r.Refused != sim.Taken {
		return refused(p.from.Node, r.Refused)
	}
	dups, other, redirect := 0, false, false
	for _, e := range r.Events {
		switch {
		case e.Redirect:
			redirect = true
		case e.Error && word == "":
			word, detail = a.failure(p, e)
		case e.Error:
		case word == "" || word == "ok":
			other = other || e.From != p.to.IP
			if word == "ok" {
				dups++
			}
			word, detail = "ok", "64 bytes from "+e.From.String()
		}
	}
	switch {
	case word == "":
		return "silent", "no answer, and none is on its way"
	case word != "ok":
		return word, detail
	}
	redirect = redirect || a.world.Tables().Redirects(p.from.Node, p.from.Interface, p.to.IP)
	for _, part := range []struct {
		is   bool
		word string
	}{{dups > 0, "+dup"}, {other, "+other"}, {redirect, "+redirect"}} {
		if part.is {
			word += part.word
		}
	}
	return word, detail
}

// failure is the word of an ICMP error.
func (a *asking) failure(p *pair, e sim.Echoed) (word, detail string) {
	name := expect.ICMPWord(false, e.Type, e.Code)
	detail = fmt.Sprintf("From %s %s", e.From, name)
	if slices.Contains(a.own.byAddr[e.From], p.from.Node) || e.From.IsLoopback() {
		if name == "host-unreachable" {
			return "no-arp", detail
		}
		return "icmp:" + name + "@" + p.from.Node, detail
	}
	return "icmp:" + name + "@" + a.own.ofAddr(e.From), detail
}

// refused is the word for a request that the sender's own kernel does not take.
func refused(node string, why sim.Refusal) (word, detail string) {
	switch why {
	case sim.NoRoute:
		return "no-route", "connect: Network is unreachable"
	case sim.Blackhole:
		return "no-route", "connect: Invalid argument (a blackhole route)"
	case sim.Unreachable:
		return "icmp:host-unreachable@" + node, "connect: No route to host (an unreachable route of its own)"
	case sim.Prohibited:
		return "icmp:admin-prohibited@" + node, "sendmsg: Permission denied (a prohibit route of its own)"
	case sim.TooBig:
		return "too-big", "sendmsg: Message too long"
	case sim.Broadcast:
		return "broadcast", "ping: Do you want to ping broadcast?"
	}
	return "icmp:admin-prohibited@" + node, "sendmsg: Operation not permitted (a rule of its own)"
}

// holds answers an arp question: what the node's table has for the address.
func (a *asking) holds(i int, from, to topology.Target) {
	if !to.IP.IsValid() {
		a.fail(i, a.out[i].Question.B+" has no IPv4 address")
		return
	}
	a.out[i].Got, a.out[i].Detail = "-", "there is no entry"
	for _, e := range a.world.Tables().Neighbours(from.Node, to.IP) {
		if from.Interface != "" && e.Dev != from.Interface {
			continue
		}
		if e.Failed {
			a.out[i].Got, a.out[i].Detail = "failed", "nobody answered"
			return
		}
		a.out[i].Got, a.out[i].Exact = a.own.ofMAC(e.MAC), a.own.exactMAC(e.MAC)
		a.out[i].Detail = fmt.Sprintf("%s is at %s", e.IP, e.MAC)
		return
	}
}

// busy reports whether somebody lies in the background while a question begins from empty tables: what that leaves in
// them, and when, is not known. Then the question is undecided.
func (a *asking) busy(i int) bool {
	if a.kept || len(a.spoofs) == 0 {
		return false
	}
	a.undecided(i, sim.Doubt{Reason: sim.Background, Why: "spoofing is running"})
	return true
}

// beside asks one pair beside streams, which may send before it is asked, meanwhile, or not at all. If the words differ
// its questions are undecided.
func (a *asking) beside(p *pair) {
	var words []string
	for _, when := range []sim.Beside{sim.Silent, sim.Before, sim.Meanwhile} {
		a.world.Forget()
		a.world.Beside(when)
		a.ping(p)
		words = append(words, p.word)
		for _, i := range p.arp {
			words[len(words)-1] += " " + a.out[i].Got
		}
	}
	a.world.Beside(sim.Silent)
	if len(slices.Compact(words)) == 1 {
		return
	}
	p.word = ""
	for _, i := range append(slices.Clone(p.asked), p.arp...) {
		if a.out[i].Settled() {
			a.undecided(i, sim.Doubt{Reason: sim.Background, Why: "it depends on when a stream sends"})
		}
	}
}
