package reach

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// A packet that nobody speaks of is waited for that long while the limit is looked for, if it cannot be proven that it
// is lost, and at least as long as so many round trips; the packet on which the answer hangs is waited for to the end.
const (
	hastyPatience = 250 * time.Millisecond
	hastyTrips    = 20
)

// maxRounds ends the search where what gets through differs each time: a bisection of all lengths takes 16.
const maxRounds = 48

// sizing is one pair whose longest packet is looked for.
type sizing struct {
	bisection
	asked []int // the questions
	short *pair // the ping that began it
	pr    *pair // of the packet that was sent last

	over         bool
	word, detail string
}

func (s *sizing) decide(word, detail string) { s.over, s.word, s.detail = true, word, detail }

// mtus asks for the longest packets by one family: first by a short ping of each pair, then in rounds, in which each
// pair that is not decided has one packet more. Each is asked as a ping of its length is.
func (a *asking) mtus(ctx context.Context, at []int, v6 bool) {
	m := newExchange(ctx, a.b, a.own)
	m.v6 = v6
	index := map[pairKey]*pair{}
	for _, i := range at {
		a.add(m, index, i)
	}
	if len(m.pairs) == 0 {
		return
	}
	err := a.once(m)
	var all []*sizing
	for _, pr := range m.pairs {
		s := &sizing{asked: pr.asked, short: pr, pr: pr}
		s.begin(err)
		all = append(all, s)
	}
	a.measure(ctx, all, v6)
	for _, s := range all {
		a.reportMTU(s)
	}
	if !a.kept && ctx.Err() == nil && a.b.forgetAll(ctx) == nil {
		newFresh(m).leave()
	}
}

// measure goes on until each pair is decided.
func (a *asking) measure(ctx context.Context, all []*sizing, v6 bool) {
	hasty := true
	for range maxRounds {
		var searching, found []*sizing
		for _, s := range all {
			switch {
			case s.over:
			case s.next() > 0:
				searching = append(searching, s)
			default:
				found = append(found, s)
			}
		}
		switch {
		case ctx.Err() != nil || len(searching) == 0 && len(found) == 0:
			return
		case len(searching) > 0:
			a.search(ctx, searching, v6, hasty)
		default:
			hasty = false // whoever has to search again has been mistaken
			a.confirm(ctx, found, v6)
		}
	}
	for _, s := range all {
		if !s.over {
			s.decide(Unknown, fmt.Sprintf("what gets through differs each time; the last that did had %d bytes",
				s.passed))
		}
	}
}

// begin takes in the short ping.
func (s *sizing) begin(err error) {
	switch word, detail := s.pr.outcome(); {
	case word == "" && err != nil:
		s.decide(Unknown, err.Error())
	case word == "":
		s.decide(Unknown, "not asked")
	case s.pr.word != "ok":
		s.decide(word, detail)
	default:
		s.passed = s.pr.form.packet(s.pr.sock.v6)
	}
}

// send sends a packet of each pair, which is not to be fragmented, and waits for what comes of it.
func (a *asking) send(m *exchange, of []*sizing, length func(*sizing) int) {
	var sent []*sizing
	for _, s := range of {
		q := a.out[s.asked[0]].Question
		pr, err := newPair(m.b, m.own, q, m.v6)
		if err != nil {
			s.decide(Unknown, err.Error())
			continue
		}
		pr.form = form{given: true, size: length(s) - headers(m.v6), whole: true}
		pr.with = fmt.Sprintf("df,size=%d", pr.form.size)
		s.pr, m.pairs, sent = pr, append(m.pairs, pr), append(sent, s)
	}
	err := a.once(m)
	for _, s := range sent {
		switch {
		case s.pr.word == "" && err != nil:
			s.decide(Unknown, err.Error())
		case s.pr.word == "", s.pr.word == Unknown:
			s.decide(Unknown, cmp.Or(s.pr.detail, "not asked"))
		case s.pr.word == "no-arp", s.pr.word == "no-route":
			s.decide(Unknown, fmt.Sprintf("a short ping was answered, and then came %s: %s", s.pr.word, s.pr.detail))
		}
	}
}

// search sends the packet of each pair that tells most.
func (a *asking) search(ctx context.Context, of []*sizing, v6, hasty bool) {
	b := *a.b
	if hasty {
		b.patience = hastyPatience
		for _, s := range of {
			b.patience = max(b.patience, hastyTrips*s.short.rtt)
		}
		b.patience = min(b.patience, a.b.patience)
	}
	m := newExchange(ctx, &b, a.own)
	m.v6, m.unquestioned = v6, true
	a.send(m, of, func(s *sizing) int { return s.next() })
	for _, s := range of {
		length := s.pr.form.packet(v6)
		switch {
		case s.over:
		case s.pr.word == "ok":
			s.through(length)
		default:
			s.lost(length, cmp.Or(s.pr.told, s.pr.mtu))
		}
	}
}

// confirm decides the pairs of which the longest packet is found, unless the next longer one gets through now. Of what
// the sender's own kernel refuses nothing is to be made sure. Where a packet vanishes, one that does not has to get
// through behind it.
func (a *asking) confirm(ctx context.Context, of []*sizing, v6 bool) {
	var asked, vanished []*sizing
	for _, s := range of {
		switch {
		case s.failed == 0:
			s.decide(strconv.Itoa(s.passed), "no packet is longer")
		case s.pr.word == tooBig:
			s.refused()
		default:
			asked = append(asked, s)
		}
	}
	if len(asked) == 0 {
		return
	}
	m := newExchange(ctx, a.b, a.own)
	m.v6 = v6
	a.send(m, asked, func(s *sizing) int { return s.failed })
	lost := map[*sizing]*pair{}
	for _, s := range asked {
		switch {
		case s.over:
		case s.pr.word == "ok":
			s.through(s.failed)
		case s.pr.word == "silent" && s.pr.mtu >= s.passed && s.pr.mtu < s.failed:
			s.refused() // its kernel has learned from the loss, as of a tunnel of its own, and says so from now on
		case s.pr.word == "silent":
			lost[s], vanished = s.pr, append(vanished, s)
		default:
			s.refused()
		}
	}
	if len(vanished) == 0 {
		return
	}
	m = newExchange(ctx, a.b, a.own)
	m.v6, m.unquestioned = v6, true
	a.send(m, vanished, func(s *sizing) int { return s.passed })
	for _, s := range vanished {
		word := s.pr.word
		switch s.pr = lost[s]; {
		case s.over:
		case word == "ok":
			s.decide(fmt.Sprintf("blackhole:%d", s.passed), fmt.Sprintf("of a packet of %d bytes nothing is heard: %s",
				s.failed, s.pr.detail))
		default:
			s.decide(Unknown, fmt.Sprintf("a packet of %d bytes got through, and then did not (%s)", s.passed, word))
		}
	}
}

// refused decides a pair whose next longer packet was refused by somebody who says so.
func (s *sizing) refused() {
	s.decide(strconv.Itoa(s.passed), fmt.Sprintf("a packet of %d bytes: %s", s.failed, s.pr.detail))
}

// reportMTU writes what was found into the results of the questions.
func (a *asking) reportMTU(s *sizing) {
	if !s.over {
		s.decide(Unknown, "not asked to the end")
	}
	s.pr.over()
	for _, i := range s.asked {
		r := &a.out[i]
		r.Got, r.Detail, r.Causes, r.RTT = s.word, s.detail, slices.Clone(s.pr.causes), s.short.rtt
		if s.word != Unknown && s.pr.word != tooBig {
			r.Hops, r.Sent = s.pr.suspects(), Sent{a.b.cookie, s.pr.tries}
		}
	}
}
