package switchcore

import (
	"fmt"
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
	Hint      string // what would deliver it, "" if nothing to say
}

// Explanation is a verdict with its story. All of it belongs to the caller.
type Explanation struct {
	Verdict
	Fates []Fate   // every port but the one the frame came from (a hairpin too), in the order of the configuration
	Steps []string // what was asked on the way, in words
}

// Explain says what Forward would do with the frame, and why, without doing, counting or learning anything.
func (s *Switch) Explain(now time.Duration, in PortID, f Frame) Explanation {
	p := s.port(in)
	if p == nil {
		return Explanation{Verdict: Verdict{Drop: PortBlocked}, Steps: []string{"no such port"}}
	}
	s.judge(now, p, &f, true)
	w := &s.w
	e := Explanation{Verdict: s.verdict()}
	e.Out, e.Lost = slices.Clone(e.Out), slices.Clone(e.Lost)
	for _, q := range s.order {
		if q != p || p.conf.Hairpin {
			e.Fates = append(e.Fates, s.fate(w, q, &e.Verdict))
		}
	}
	e.Steps = s.narrate(w, f, &e.Verdict)
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
		if t.Cause == CauseFilterNoMatch {
			t.Hint = s.hint(w, q)
		}
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

// hint says what would have let the frame through to q.
func (s *Switch) hint(w *passage, q *port) string {
	switch {
	case s.conf.Profile == Learning:
		return "the destination was learned on another port"
	case w.dst&groupBit != 0:
		return "the guest has not joined the group"
	case q.allowOnly:
		return "the destination is not an allowed address of the port"
	case s.asks(q) && !q.pol.Promiscuous.Value:
		return "the guest asks for promiscuous reception: promiscuous accept would deliver it, as would MAC learning once the guest has sent from this address"
	case q.pol.Promiscuous.Value:
		return "promiscuous is accept, but the guest does not ask for promiscuous reception"
	}
	return ""
}

// narrate tells the passage. The numbers are those of the specification of the switch.
func (s *Switch) narrate(w *passage, f Frame, v *Verdict) []string {
	p := w.p
	w.parse()
	var steps []string
	say := func(format string, args ...any) { steps = append(steps, fmt.Sprintf(format, args...)) }
	say("%d bytes from port %s%s", len(f.Data), p.conf.Name, w.addresses())
	if p.blocked || !p.up {
		say("I1: the port is %s, %s: PortBlocked", p.state(), p.why())
		return steps
	}
	if v.Drop == Malformed {
		say("I2: no header, or a source that no station can have: Malformed")
		return steps
	}
	s.narrateSource(w, v, say)
	switch v.Drop {
	case MacForgery:
		return steps
	case GuestBPDU:
		say("I4: spanning tree frames of guests are blocked: GuestBPDU")
		return steps
	case VlanMismatch:
		say("I5: the port takes VLAN %s only, or nobody uses this one: VlanMismatch", s.vlanText(p))
		return steps
	case LinkLocal:
		say("the destination is the bridge itself: LinkLocal")
		return steps
	}
	if !s.plain {
		say("I5: VLAN %d", w.fdb)
	}
	switch {
	case v.Drop == LearnLimit:
		say("I7: %d addresses are learned here already, and the policy is drop: LearnLimit", p.pol.Learning.Limit)
		return steps
	case w.known:
		say("I7: the source is learned here")
	}
	if v.Drop == Filtered {
		say("the hook drops it: %s: Filtered", w.why)
		return steps
	}
	s.narrateDispatch(w, v, say)
	return steps
}

func (w *passage) addresses() string {
	if len(w.f.Data) < 14 {
		return ""
	}
	return fmt.Sprintf(", %s to %s", keyOf(0, w.src).mac(), keyOf(0, w.dst).mac())
}

func (s *Switch) narrateSource(w *passage, v *Verdict, say func(string, ...any)) {
	p := w.p
	from := p.pol.ForgedTransmits.From
	switch {
	case !p.leaf:
		say("U1: an uplink has no policies")
	case v.Drop == MacForgery:
		say("I3: forged transmits are rejected (%s), and the source is not an address of the port (initial %s, effective %s): MacForgery", from, p.initial, p.requested.MAC)
	case p.checkSource:
		say("I3: forged transmits are rejected (%s), and the source is the port's own", from)
	case p.pol.ForgedTransmits.Value:
		say("I3: forged transmits are accepted (%s)", from)
	default:
		say("I3: MAC learning admits the source")
	}
}

func (s *Switch) narrateDispatch(w *passage, v *Verdict, say func(string, ...any)) {
	section := "2.3"
	if !w.p.leaf {
		section = "2.4"
	}
	switch {
	case v.Drop == SamePort:
		say("%s: the destination is behind the port it came from: SamePort", section)
	case v.Drop != None:
		say("%s: nobody gets it: %s", section, v.Drop)
	default:
		say("%s: %s", section, v.Rule)
	}
	for _, o := range v.Out {
		tag := "untagged"
		if o.Tagged {
			tag = fmt.Sprintf("tagged %d", o.TCI&0xfff)
		}
		say("to %s, %s", s.ports[o.Port].conf.Name, tag)
	}
	for _, l := range v.Lost {
		say("lost at %s: %s", s.ports[l.Port].conf.Name, l.Reason)
	}
}
