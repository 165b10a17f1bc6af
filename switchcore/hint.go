package switchcore

import (
	"fmt"
	"strings"
)

// advisor says what to set so that a frame gets further, in the words of a lab file.
type advisor struct{ explainer }

// hint says what to set so that a frame that nobody got gets further.
func (a *advisor) hint(f Frame, v *Verdict) string {
	p := a.w.p
	switch v.Drop {
	case MacForgery:
		return a.forgeryHint(p)
	case PortBlocked:
		if p.blocked || !p.up {
			return a.openHint(p)
		}
	case VlanMismatch:
		return a.vlanHint(p, f)
	case GuestBPDU:
		return cureBPDU.text()
	case LearnLimit:
		return cureLimit.text(p.pol.Learning.Limit, a.where(p, p.pol.Learning.LimitFrom))
	case LinkLocal:
		return cureLinkLocal.text()
	case Malformed:
		return cureHeader.text()
	case SamePort:
		return cureHairpin.text(p.conf.Name)
	case ReversePath:
		return a.reverseHint()
	case UplinkDown:
		return cureUplink.text(p.team.members())
	case UnknownUnicast:
		return a.unknownHint()
	}
	for _, l := range v.Lost {
		return a.lossHint(a.byID[l.Port], l.Reason)
	}
	return ""
}

// portHint says what to set so that q gets the frame too.
func (a *advisor) portHint(q *port, t Fate) string {
	if t.Reason != None {
		return a.lossHint(q, t.Reason)
	}
	if !a.concerns(q) {
		if a.conf.Profile == Learning && t.Cause == CauseFilterNoMatch {
			return sayLearnedElsewhere.text()
		}
		return ""
	}
	switch t.Cause {
	case CauseDown, CauseBlocked:
		return a.openHint(q)
	case CauseOtherVLAN:
		return sayPortVLAN.text(q.pol.VLAN, vlanWords(a.w.wire), a.joinHint(q, a.w.wire))
	case CauseIsolated:
		return a.isolationHint(q)
	case CauseFilterNoMatch:
		return a.filterHint(q)
	case CauseReversePath:
		return cureReversePort.text(orNone(q.team.inUse()))
	}
	return ""
}

// concerns tells whether q could get the frame at all if nothing kept it away: else there is nothing to advise.
func (a *advisor) concerns(q *port) bool {
	switch {
	case a.w.group(), q.station == a.w.dst, q.allowOnly, q.asks():
		return true
	case a.conf.Profile == Learning:
		return a.w.hits == 0
	}
	return q.pol.Promiscuous.Value
}

// lossHint says how a copy for q that was lost would not be.
func (a *advisor) lossHint(q *port, r Reason) string {
	switch r {
	case PortBlocked:
		return a.openHint(q)
	case PvlanIsolation:
		return a.isolationHint(q)
	case MtuExceeded:
		return cureMTU.text(q.mtu)
	case ReceiveFilter:
		return cureAllowed.text(keyOf(0, a.w.dst).mac(), q.conf.Name)
	}
	return ""
}

// where says at which level to set what port p needs: at the port if its own word holds now, as that covers the others,
// and else where Check allows it.
func (a *advisor) where(p *port, from Level) string {
	switch {
	case from != LevelPort && p.conf.Group != "":
		return " in group " + p.conf.Group
	case from != LevelPort && a.conf.Profile == Standard:
		return " on the switch"
	}
	return " at port " + p.conf.Name
}

// forgeryHint says from which source p may send, and what lets it send from others.
func (a *advisor) forgeryHint(p *port) string {
	h := cureForged.text(a.where(p, p.pol.ForgedTransmits.From))
	if a.admits {
		h += " or " + cureAdmit.text(a.where(p, p.pol.Learning.Enabled.From))
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
func (a *advisor) openHint(p *port) string {
	switch {
	case p.conf.Down:
		return cureUp.text(p.conf.Name)
	case !p.connected:
		return cureLink.text(p.conf.Name)
	case !p.link:
		return cureCable.text(p.conf.Name)
	case p.refusedM:
		return cureMACChanges.text(a.where(p, p.pol.MACChanges.From)) + ", or " + cureInitialBack.text(p.initial)
	case p.pol.Blocked.Value:
		return cureUnblock.text(a.where(p, p.pol.Blocked.From))
	}
	return ""
}

// vlanHint is for a frame whose VLAN is not taken where it came in.
func (a *advisor) vlanHint(p *port, f Frame) string {
	w := passage{f: f}
	w.parse()
	switch {
	case !p.leaf:
		return cureNobodysVLAN.text(vlanValue(w.vid()))
	case p.trunk == nil:
		return cureUntagged.text() + ", or " + cureGuestTags.text(a.where(p, p.pol.VLANFrom))
	}
	return a.joinHint(p, w.vid())
}

// joinHint says how p gets into a VLAN.
func (a *advisor) joinHint(p *port, vid uint16) string {
	at := a.where(p, p.pol.VLANFrom)
	if p.trunk == nil {
		return cureVLAN.text(vlanValue(vid), at)
	}
	return cureTrunk.text(vlanValue(vid), at)
}

// vlanValue is a VLAN as the key vlan of a lab file takes it.
func vlanValue(vid uint16) string {
	if vid == 0 {
		return "0 (untagged)"
	}
	return fmt.Sprint(vid)
}

// vlanWords is a VLAN of frames in words.
func vlanWords(vid uint16) string {
	if vid == 0 {
		return "untagged"
	}
	return fmt.Sprintf("in VLAN %d", vid)
}

// isolationHint says what isolates q from the sender.
func (a *advisor) isolationHint(q *port) string {
	if a.w.p.conf.Isolated && q.conf.Isolated {
		return cureIsolated.text(a.w.p.conf.Name, q.conf.Name)
	}
	return curePrimary.text(q.primary)
}

// reverseHint: only the first of the two cases can be turned off.
func (a *advisor) reverseHint() string {
	if a.w.ended {
		return cureReverseOwn.text()
	}
	return cureReverseTeam.text()
}

// unknownHint: first those who would have taken it and cannot, then somebody who has the destination and cannot be
// reached, then what finds addresses behind guests. A standard switch has no MAC learning (vSphere offers it for
// distributed port groups only).
func (a *advisor) unknownHint() string {
	group := a.w.group()
	if group || a.conf.Profile == Learning && a.w.hits == 0 {
		if h := a.missedHint(); h != "" {
			return h
		}
	}
	if group {
		if len(a.uplinks) == 0 || !a.w.p.leaf {
			return cureOtherPort.text(vlanWords(a.w.wire))
		}
		return ""
	}
	if q := a.owner(); q != nil {
		c := a.reach(a.w, q)
		return sayOwner.text(q.conf.Name, a.portHint(q, Fate{Cause: c}))
	}
	switch {
	case a.conf.Profile == Learning:
		return ""
	case a.conf.Profile == Standard:
		return cureBehindStandard.text()
	case a.admits:
		return cureBehindAdmitted.text()
	}
	return cureBehind.text()
}

// missedHint is for a frame that all in its VLAN should get, and nobody gets: what keeps it from those who are in its
// VLAN; else what the first of the others has to be set to.
func (a *advisor) missedHint() string {
	var near, far []string
	for _, q := range a.leaves {
		if q == a.w.p {
			continue
		}
		c := a.leafCause(q)
		h := a.portHint(q, Fate{Cause: c})
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
func (a *advisor) owner() *port {
	if a.conf.Profile == Learning {
		return nil
	}
	for _, q := range a.leaves {
		if q != a.w.p && q.connected && q.station == a.w.dst && a.reach(a.w, q) != CauseNone {
			return q
		}
	}
	return nil
}

// filterHint: what the guest behind q has not asked for, or was refused.
func (a *advisor) filterHint(q *port) string {
	pol := &q.pol
	switch {
	case a.w.group():
		return cureJoin.text()
	case q.allowOnly && a.w.hits == 0:
		return cureAllowed.text(keyOf(0, a.w.dst).mac(), q.conf.Name)
	case q.asks() && !pol.Promiscuous.Value:
		return curePromiscuous.text(pol.Promiscuous.From, a.where(q, pol.Promiscuous.From)) + a.learningHint(q)
	case pol.Promiscuous.Value && !q.asks():
		return cureAsk.text()
	}
	return ""
}

// learningHint is the alternative to promiscuous reception, for addresses that nobody else has, and where the platform
// has it. The guest has to be allowed to send from the address, or there is nothing to learn.
func (a *advisor) learningHint(q *port) string {
	l := &q.pol.Learning
	may := ""
	if !a.admits && !q.pol.ForgedTransmits.Value {
		may = sayForgedToo.text(a.where(q, q.pol.ForgedTransmits.From))
	}
	switch {
	case a.conf.Profile == Standard || a.w.hits > 0:
		return ""
	case l.Enabled.Value:
		return "; or, " + cureLearned.text(may)
	}
	return "; or, " + cureLearn.text(a.where(q, l.Enabled.From), may)
}

// orNone is the uplinks of a team that are in use.
func orNone(s string) string {
	if s == "" {
		return "no uplink now"
	}
	return s
}
