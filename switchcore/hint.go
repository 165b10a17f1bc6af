package switchcore

import (
	"fmt"
	"strings"
)

// hint says what to set so that a frame that nobody got gets further.
func (s *Switch) hint(w *passage, f Frame, v *Verdict) string {
	p := w.p
	switch v.Drop {
	case MacForgery:
		return s.forgeryHint(p)
	case PortBlocked:
		if p.blocked || !p.up {
			return s.openHint(p)
		}
	case VlanMismatch:
		return s.vlanHint(p, f)
	case GuestBPDU:
		return cureBPDU.text()
	case LearnLimit:
		return cureLimit.text(p.pol.Learning.Limit, s.where(p, p.pol.Learning.LimitFrom))
	case LinkLocal:
		return cureLinkLocal.text()
	case Malformed:
		return cureHeader.text()
	case SamePort:
		return cureHairpin.text(p.conf.Name)
	case ReversePath:
		return reverseHint(w)
	case UplinkDown:
		return cureUplink.text(teamNames(p))
	case UnknownUnicast:
		return s.unknownHint(w)
	}
	for _, l := range v.Lost {
		return s.lossHint(w, s.ports[l.Port], l.Reason)
	}
	return ""
}

// portHint says what to set so that q gets the frame too.
func (s *Switch) portHint(w *passage, q *port, t Fate) string {
	if t.Reason != None {
		return s.lossHint(w, q, t.Reason)
	}
	if !s.concerns(w, q) {
		if s.conf.Profile == Learning && t.Cause == CauseFilterNoMatch {
			return sayLearnedElsewhere.text()
		}
		return ""
	}
	switch t.Cause {
	case CauseDown, CauseBlocked:
		return s.openHint(q)
	case CauseOtherVLAN:
		return sayPortVLAN.text(q.pol.VLAN, vlanWords(w.wire), s.joinHint(q, w.wire))
	case CauseIsolated:
		return isolationHint(w, q)
	case CauseFilterNoMatch:
		return s.filterHint(w, q)
	case CauseReversePath:
		return cureReversePort.text(orNone(q.teamName()))
	}
	return ""
}

// concerns says whether q could get the frame at all if nothing kept it away: else there is nothing to advise.
func (s *Switch) concerns(w *passage, q *port) bool {
	return w.dst&groupBit != 0 || q.station == w.dst || q.allowOnly || s.asks(q) || q.pol.Promiscuous.Value && s.conf.Profile != Learning ||
		s.conf.Profile == Learning && w.hits == 0
}

func (s *Switch) lossHint(w *passage, q *port, r Reason) string {
	switch r {
	case PortBlocked:
		return s.openHint(q)
	case PvlanIsolation:
		return isolationHint(w, q)
	case MtuExceeded:
		return cureMTU.text(q.mtu)
	case ReceiveFilter:
		return cureAllowed.text(keyOf(0, w.dst).mac(), q.conf.Name)
	}
	return ""
}

// where says at which level to set what port p shall have: at the port if its own word holds now, as that covers the others, and
// else where Check allows it.
func (s *Switch) where(p *port, from Level) string {
	switch {
	case from != LevelPort && p.conf.Group != "":
		return " in group " + p.conf.Group
	case from != LevelPort && s.conf.Profile == Standard:
		return " on the switch"
	}
	return " at port " + p.conf.Name
}

func (s *Switch) forgeryHint(p *port) string {
	h := cureForged.text(s.where(p, p.pol.ForgedTransmits.From))
	if s.admits {
		h += " or " + cureAdmit.text(s.where(p, p.pol.Learning.Enabled.From))
	}
	switch p.checkMode {
	case CheckAllowed:
		return cureAllowSource.text(p.conf.Name) + ", or " + h
	case CheckInitial:
		return h + ", or " + cureInitialSource.text(p.initial)
	}
	return h + ", or " + cureOwnSource.text(p.requested.MAC)
}

// openHint says how a port that is blocked or down comes back.
func (s *Switch) openHint(p *port) string {
	switch {
	case p.conf.Down:
		return cureUp.text(p.conf.Name)
	case !p.connected:
		return cureLink.text(p.conf.Name)
	case !p.link:
		return cureCable.text(p.conf.Name)
	case p.refusedM:
		return cureMACChanges.text(s.where(p, p.pol.MACChanges.From)) + ", or " + cureInitialBack.text(p.initial)
	case p.pol.Blocked.Value:
		return cureUnblock.text(s.where(p, p.pol.Blocked.From))
	}
	return ""
}

// vlanHint is for a frame whose VLAN is not taken where it came in.
func (s *Switch) vlanHint(p *port, f Frame) string {
	w := passage{f: f}
	w.parse()
	switch {
	case !p.leaf:
		return cureNobodysVLAN.text(vlanValue(w.vid()))
	case p.trunk == nil:
		return cureUntagged.text() + ", or " + cureGuestTags.text(s.where(p, p.pol.VLANFrom))
	}
	return s.joinHint(p, w.vid())
}

// joinHint says how p gets into a VLAN.
func (s *Switch) joinHint(p *port, vid uint16) string {
	at := s.where(p, p.pol.VLANFrom)
	if p.trunk == nil {
		return cureVLAN.text(vlanValue(vid), at)
	}
	return cureTrunk.text(vlanValue(vid), at)
}

func vlanValue(vid uint16) string {
	if vid == 0 {
		return "0 (untagged)"
	}
	return fmt.Sprint(vid)
}

func isolationHint(w *passage, q *port) string {
	if w.p.conf.Isolated && q.conf.Isolated {
		return cureIsolated.text(w.p.conf.Name, q.conf.Name)
	}
	return curePrimary.text(q.primary)
}

// reverseHint: only the first of the two cases can be turned off.
func reverseHint(w *passage) string {
	if w.ended {
		return cureReverseOwn.text()
	}
	return cureReverseTeam.text()
}

// unknownHint: first those who would have taken it and cannot, then somebody who has the destination and cannot be reached, then what
// finds addresses behind guests. A standard switch has no MAC learning (vSphere offers it for distributed port groups only).
func (s *Switch) unknownHint(w *passage) string {
	group := w.dst&groupBit != 0
	if group || s.conf.Profile == Learning && w.hits == 0 {
		if h := s.missedHint(w); h != "" {
			return h
		}
	}
	if group {
		if len(s.uplinks) == 0 || !w.p.leaf {
			return cureOtherPort.text(vlanWords(w.wire))
		}
		return ""
	}
	if q := s.owner(w); q != nil {
		c := s.reach(w, q)
		return sayOwner.text(q.conf.Name, s.portHint(w, q, Fate{Cause: c}))
	}
	switch {
	case s.conf.Profile == Learning:
		return ""
	case s.conf.Profile == Standard:
		return cureBehindStandard.text()
	case s.admits:
		return cureBehindAdmitted.text()
	}
	return cureBehind.text()
}

// missedHint is for a frame that all in its VLAN should get, and nobody gets: what keeps it from those who are in its VLAN; else what
// the first of the others has to be set to.
func (s *Switch) missedHint(w *passage) string {
	var near, far []string
	for _, q := range s.leaves {
		if q == w.p {
			continue
		}
		c := s.leafCause(w, q)
		h := s.portHint(w, q, Fate{Cause: c})
		switch {
		case h == "" || len(near) == maxMissed:
		case c == CauseOtherVLAN:
			far = append(far, sayPort.text(q.conf.Name, h))
		case c == CauseFilterNoMatch || c == CauseReversePath || c == CauseIsolated:
			near = append(near, sayPort.text(q.conf.Name, h))
		default: // the port is named already
			near = append(near, h)
		}
	}
	if len(near) > 0 {
		return strings.Join(near, "; or ")
	}
	if len(far) > 0 {
		return far[0]
	}
	return ""
}

// maxMissed is how many ports a hint speaks of.
const maxMissed = 3

// owner is the port whose adapter has the destination although the frame cannot get there; nil if there is none.
func (s *Switch) owner(w *passage) *port {
	if s.conf.Profile == Learning {
		return nil
	}
	for _, q := range s.leaves {
		if q != w.p && q.connected && q.station == w.dst && s.reach(w, q) != CauseNone {
			return q
		}
	}
	return nil
}

// filterHint: what the guest behind q has not asked for, or was refused.
func (s *Switch) filterHint(w *passage, q *port) string {
	pol := &q.pol
	switch {
	case w.dst&groupBit != 0:
		return cureJoin.text()
	case q.allowOnly && w.hits == 0:
		return cureAllowed.text(keyOf(0, w.dst).mac(), q.conf.Name)
	case s.asks(q) && !pol.Promiscuous.Value:
		return curePromiscuous.text(pol.Promiscuous.From, s.where(q, pol.Promiscuous.From)) + s.learningHint(w, q)
	case pol.Promiscuous.Value && !s.asks(q):
		return cureAsk.text()
	}
	return ""
}

// learningHint is the alternative to promiscuous reception, for addresses that nobody else has, and where the platform has it. The guest
// has to be allowed to send from the address, or there is nothing to learn.
func (s *Switch) learningHint(w *passage, q *port) string {
	l := &q.pol.Learning
	may := ""
	if !s.admits && !q.pol.ForgedTransmits.Value {
		may = sayForgedToo.text(s.where(q, q.pol.ForgedTransmits.From))
	}
	switch {
	case s.conf.Profile == Standard || w.hits > 0:
		return ""
	case l.Enabled.Value:
		return "; or, " + cureLearned.text(may)
	}
	return "; or, " + cureLearn.text(s.where(q, l.Enabled.From), may)
}

func teamNames(p *port) string {
	var names []string
	for _, u := range p.active {
		names = append(names, u.conf.Name)
	}
	for _, u := range p.standby {
		names = append(names, u.conf.Name)
	}
	return strings.Join(names, ", ")
}

func orNone(s string) string {
	if s == "" {
		return "no uplink now"
	}
	return s
}
