package switchcore

import (
	"slices"
	"time"
)

// Cause is why a port was left out without losing anything: it is no drop.
type Cause uint8

// The causes.
const (
	CauseNone          Cause = iota
	CauseInput               // the frame ended before any port was looked at
	CauseSamePort            // it came from this port, and the port is no hairpin
	CauseDown                // the port is not connected, or has no carrier
	CauseOtherVLAN           // the port is not in the frame's VLAN
	CauseIsolated            // a private VLAN or port isolation forbids it
	CauseBlocked             // the port is blocked
	CauseFilterNoMatch       // the guest's accepted filter does not have the destination
	CauseReversePath         // the frame came by an uplink that is not this port's
	CauseFromUplink          // from uplink to uplink nothing goes
	CauseKnownHere           // an uplink, and the destination is known on this switch
	CauseOtherUplink         // teaming chose another uplink
)

var causeNames = [...]string{"None", "Input", "SamePort", "Down", "OtherVLAN", "Isolated", "Blocked", "FilterNoMatch", "ReversePath",
	"FromUplink", "KnownHere", "OtherUplink"}

// String is the cause's name, such as "FilterNoMatch".
func (c Cause) String() string {
	if int(c) >= len(causeNames) {
		return "Cause(?)"
	}
	return causeNames[c]
}

// Fate is what became of a frame at one port: delivered, or lost there with a reason, or not meant for it, with a cause.
type Fate struct {
	Port      PortID
	Delivered bool
	Reason    Reason // of a loss; with CauseInput, of the whole frame
	Cause     Cause
	Hint      string // what to set, in the words of a lab file, so that it is delivered; "" if nothing to say
}

// Explanation is a verdict with its story. All of it belongs to the caller.
type Explanation struct {
	Verdict
	Fates []Fate   // every port but the one the frame came from (a hairpin too), in the order of the configuration
	Steps []string // what was asked on the way, a sentence each, beginning with what it is about, as in "source: ..."
	Hint  string   // of a frame that nobody got: what to set, in the words of a lab file; "" if nothing to say
}

// Explain says what Forward would do with the frame, and why, without doing, counting or learning anything.
func (s *Switch) Explain(now time.Duration, in PortID, f Frame) Explanation {
	p := s.port(in)
	if p == nil {
		return Explanation{Verdict: Verdict{Drop: PortBlocked}, Steps: []string{"port: there is no such port: PortBlocked"}}
	}
	s.judge(now, p, &f, true)
	w := &s.w
	var e Explanation
	s.tell(&e.Verdict)
	e.Out, e.Lost = slices.Clone(e.Out), slices.Clone(e.Lost)
	e.Hint = s.hint(w, f, &e.Verdict)
	for _, q := range s.order {
		if q != p || p.conf.Hairpin {
			t := s.fate(w, q, &e.Verdict)
			if t.Hint = s.portHint(w, q, t); t.Cause == CauseInput {
				t.Hint = e.Hint
			}
			e.Fates = append(e.Fates, t)
		}
	}
	e.Steps = s.narrate(w, f, &e)
	return e
}

// fate finds out why q is, or is not, among the outputs, with the questions that Forward asked.
func (s *Switch) fate(w *passage, q *port, v *Verdict) Fate {
	t := Fate{Port: q.id}
	for _, o := range v.Out {
		if o.Port == q.id {
			t.Delivered = true
			return t
		}
	}
	for _, l := range v.Lost {
		if l.Port == q.id {
			t.Reason = l.Reason
			return t
		}
	}
	switch {
	case w.ended:
		t.Reason, t.Cause = v.Drop, CauseInput
	case !q.leaf:
		t.Cause = s.uplinkCause(w, q)
	default:
		t.Cause = s.leafCause(w, q)
	}
	return t
}

func (s *Switch) uplinkCause(w *passage, q *port) Cause {
	switch {
	case !w.p.leaf:
		return CauseFromUplink
	case q.blocked:
		return CauseBlocked
	case !q.up:
		return CauseDown
	case w.dst&groupBit == 0 && w.hits > 0 && !s.conf.TransmitToUplink:
		return CauseKnownHere
	}
	return CauseOtherUplink
}

func (s *Switch) leafCause(w *passage, q *port) Cause {
	if c := s.reach(w, q); c != CauseNone {
		return c
	}
	group := w.dst&groupBit != 0
	wanted := group && s.wants(w, q) || !group && (s.overhears(w, q) || w.hits == 0 && slices.Contains(s.learners, q))
	if wanted && !w.p.leaf && !s.reverseOK(w, q) {
		return CauseReversePath
	}
	return CauseFilterNoMatch
}
