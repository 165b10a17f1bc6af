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
		return "switch off spanning tree in the guest's bridge, or set block_guest_bpdu: false on the switch"
	case LearnLimit:
		return fmt.Sprintf("raise mac_learning.limit above %d%s, or set limit_policy: allow (what is sent to this address is unknown unicast then)",
			p.pol.Learning.Limit, s.where(p, p.pol.Learning.LimitFrom))
	case LinkLocal:
		return "set link_local: forward on the switch"
	case Malformed:
		return "send a whole header, and a source that is neither zero nor a group"
	case SamePort:
		return "what shares a port must find its way inside of the guest; hairpin: true at the port sends frames back (vSphere has no such setting)"
	case ReversePath:
		return reverseHint(w)
	case UplinkDown:
		return "bring up an uplink of the port's team (" + teamNames(p) + "), or name another as standby"
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
			return "the destination was learned on another port"
		}
		return ""
	}
	switch t.Cause {
	case CauseDown, CauseBlocked:
		return s.openHint(q)
	case CauseOtherVLAN:
		return fmt.Sprintf("the port has vlan: %s, the frame is %s: %s", q.pol.VLAN, vlanWords(w.wire), s.joinHint(q, w.wire))
	case CauseIsolated:
		return isolationHint(w, q)
	case CauseFilterNoMatch:
		return s.filterHint(w, q)
	case CauseReversePath:
		return "the port receives by " + orNone(q.teamName()) + ": nothing to do if the frame comes by that too; with teaming policy ip_hash it is taken from any uplink"
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
		return fmt.Sprintf("send no more than %d bytes of payload, or give both ends of the cable a larger mtu", q.mtu)
	case ReceiveFilter:
		return fmt.Sprintf("add %s to allowed of port %s", keyOf(0, w.dst).mac(), q.conf.Name)
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
	h := "set forged_transmits: accept" + s.where(p, p.pol.ForgedTransmits.From)
	if s.admits {
		h += " or mac_learning: true" + s.where(p, p.pol.Learning.Enabled.From)
	}
	switch p.checkMode {
	case CheckAllowed:
		return fmt.Sprintf("add the source to allowed of port %s, or %s", p.conf.Name, h)
	case CheckInitial:
		return fmt.Sprintf("%s, or send from the initial address, %s", h, p.initial)
	}
	return fmt.Sprintf("%s, or send from the adapter's own address, %s", h, p.requested.MAC)
}

// openHint says how a port that is blocked or down comes back.
func (s *Switch) openHint(p *port) string {
	switch {
	case p.conf.Down:
		return "set up: true at port " + p.conf.Name
	case !p.connected:
		return "link a node's interface to port " + p.conf.Name
	case !p.link:
		return "set the other end of the cable of port " + p.conf.Name + " up"
	case p.refusedM:
		return fmt.Sprintf("set mac_changes: accept%s, or give the guest its initial address, %s, back", s.where(p, p.pol.MACChanges.From), p.initial)
	case p.pol.Blocked.Value:
		return "set blocked: false" + s.where(p, p.pol.Blocked.From)
	}
	return ""
}

// vlanHint is for a frame whose VLAN is not taken where it came in.
func (s *Switch) vlanHint(p *port, f Frame) string {
	w := passage{f: f}
	w.parse()
	switch {
	case !p.leaf:
		return "nobody here would get it: set vlan: " + vlanValue(w.vid()) + ", or trunk, in the group of the port that should"
	case p.trunk == nil:
		return "send untagged, or set vlan: trunk" + s.where(p, p.pol.VLANFrom) + " and let the guest tag"
	}
	return s.joinHint(p, w.vid())
}

// joinHint says how p gets into a VLAN.
func (s *Switch) joinHint(p *port, vid uint16) string {
	at := s.where(p, p.pol.VLANFrom)
	if p.trunk == nil {
		return "set vlan: " + vlanValue(vid) + ", or trunk," + at
	}
	return "add " + vlanValue(vid) + " to the trunk's VLANs, or set vlan: trunk," + at
}

func vlanValue(vid uint16) string {
	if vid == 0 {
		return "0 (untagged)"
	}
	return fmt.Sprint(vid)
}

func isolationHint(w *passage, q *port) string {
	if w.p.conf.Isolated && q.conf.Isolated {
		return fmt.Sprintf("set isolated: false at port %s or %s", w.p.conf.Name, q.conf.Name)
	}
	return fmt.Sprintf("only a port with the primary id, vlan: {pvlan: %d}, reaches all of the private VLAN", q.primary)
}

// reverseHint: only the first of the two cases can be turned off.
func reverseHint(w *passage) string {
	if w.ended {
		return "nothing to do: our own frame came back; reverse_path_check: false on the switch would let it in"
	}
	return "nothing to do if the same frame comes by the receivers' uplink too; with teaming policy ip_hash they take it from any uplink"
}

// unknownHint: first somebody who has the destination and cannot be reached, then what finds addresses behind guests. A standard
// switch has no MAC learning (vSphere offers it for distributed port groups only).
func (s *Switch) unknownHint(w *passage) string {
	if w.dst&groupBit != 0 {
		if len(s.uplinks) == 0 || !w.p.leaf {
			return fmt.Sprintf("put another port into the frame's VLAN (%s), if one should get it", vlanWords(w.wire))
		}
		return ""
	}
	if q := s.owner(w); q != nil {
		c := s.reach(w, q)
		return "port " + q.conf.Name + " has this address: " + s.portHint(w, q, Fate{Cause: c})
	}
	switch s.conf.Profile {
	case Learning:
		return ""
	case Standard:
		return "if it is behind a guest: promiscuous: accept in its group, and the guest asks for promiscuous reception (a standard switch cannot learn it)"
	}
	return "if it is behind a guest: mac_learning: true in its group, and it sends a frame first; or promiscuous: accept, and the guest asks for it"
}

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
		return "the guest has not joined the group"
	case q.allowOnly && w.hits == 0:
		return fmt.Sprintf("add the destination to allowed of port %s", q.conf.Name)
	case s.asks(q) && !pol.Promiscuous.Value:
		return fmt.Sprintf("the guest asks for promiscuous reception, and promiscuous is reject (%s): set promiscuous: accept%s%s",
			pol.Promiscuous.From, s.where(q, pol.Promiscuous.From), s.learningHint(w, q))
	case pol.Promiscuous.Value && !s.asks(q):
		return "promiscuous is accept, but the guest does not ask for promiscuous reception (ip link set promisc on, tcpdump)"
	}
	return ""
}

// learningHint is the alternative to promiscuous reception, for addresses that nobody else has, and where the platform has it.
func (s *Switch) learningHint(w *passage, q *port) string {
	l := &q.pol.Learning
	switch {
	case s.conf.Profile == Standard || w.hits > 0:
		return ""
	case l.Enabled.Value:
		return "; if the address is behind the guest, MAC learning delivers it once the guest has sent from it"
	}
	return "; or, if the address is behind the guest, mac_learning: true" + s.where(q, l.Enabled.From) + ", which delivers once the guest has sent from it"
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
