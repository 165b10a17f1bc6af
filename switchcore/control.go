package switchcore

import (
	"slices"
	"time"
)

// Connect tells that a guest's adapter was plugged into a port, with carrier and with the filter f. If nobody gave the port an
// initial address, f.MAC becomes it, until the port is disconnected. An uplink is connected from the start; for it Connect means link.
func (s *Switch) Connect(now time.Duration, id PortID, f Filter) {
	p := s.port(id)
	if p == nil {
		return
	}
	if !p.connected {
		s.event(EventConnected, p, "", f.MAC.String(), "")
	}
	p.connected, p.link = true, true
	if p.initial == (MAC{}) {
		p.initial = f.MAC
	}
	p.requested = f.clone()
	s.settle(now, "guest")
}

// Disconnect tells that the adapter is gone: its address, and all that was learned behind it, is forgotten.
func (s *Switch) Disconnect(now time.Duration, id PortID) {
	p := s.port(id)
	if p == nil || !p.connected {
		return
	}
	p.connected = false
	p.requested, p.initial, p.refusedM = Filter{}, p.conf.Initial, false
	s.forget(p)
	s.event(EventDisconnected, p, "", "", "adapter gone")
	s.settle(now, "guest")
}

// SetFilter tells what the guest's driver has now programmed (specification 2.2). Without effect on a port that is not connected.
func (s *Switch) SetFilter(now time.Duration, id PortID, f Filter) {
	p := s.port(id)
	if p == nil || !p.connected {
		return
	}
	if p.initial == (MAC{}) {
		p.initial = f.MAC
	}
	p.requested = f.clone()
	s.settle(now, "guest")
}

// SetLink tells whether an uplink, or the switch's end of a port, has carrier.
func (s *Switch) SetLink(now time.Duration, id PortID, up bool) {
	p := s.port(id)
	if p == nil || p.link == up {
		return
	}
	p.link = up
	s.settle(now, "carrier")
}

// Suspect says whether the frame would be punished although the guest may have changed its address a moment ago, so that its
// adapter should be read again before Forward is asked: its source is not the address known, and the port's policies reject
// forged transmits or MAC changes.
func (s *Switch) Suspect(in PortID, f Frame) bool {
	p := s.port(in)
	if p == nil || !p.leaf || !p.up || len(f.Data) < 14 {
		return false
	}
	if !(p.checkSource && p.checkMode == CheckEffective) && p.pol.MACChanges.Value {
		return false
	}
	return MAC(f.Data[6:12]).addr() != p.station
}

// TxFailed counts a copy that the data path could not send, or not send as decided; None stands for TxFail.
func (s *Switch) TxFailed(out PortID, r Reason) {
	if r == None || r >= numReasons {
		r = TxFail
	}
	if p := s.port(out); p != nil {
		p.counters.Drops[r]++
	}
}

func (f Filter) clone() Filter {
	f.Groups = slices.Clone(f.Groups)
	return f
}

// settle brings all that follows from configuration, guests and links up to date, and tells what changed. The cause is for events.
func (s *Switch) settle(now time.Duration, cause string) {
	for _, p := range s.order {
		s.settleLink(p, cause)
	}
	for _, p := range s.uplinks {
		s.settleBlocked(p)
	}
	for _, p := range s.leaves {
		s.settleFilter(p, cause)
	}
	s.static.clear()
	s.holders, s.promisc, s.learners = s.holders[:0], s.promisc[:0], s.learners[:0]
	for _, p := range s.leaves {
		s.settleTable(p)
	}
	s.settleExpress()
	s.unlearn()
	for _, p := range s.leaves {
		s.settleTeam(p, cause)
	}
	for _, p := range s.order {
		p.settled = true
	}
	s.age(now)
}

func (s *Switch) settleLink(p *port, cause string) {
	up := p.connected && p.link && !p.conf.Down
	if up == p.up {
		return
	}
	p.up = up
	if !up {
		s.forget(p)
		s.event(EventLinkDown, p, "", "", cause)
		return
	}
	s.event(EventLinkUp, p, "", "", cause)
}

// settleFilter grants of the guest's filter what policy allows. A changed address blocks the port while MAC changes are rejected,
// both ways, until either is taken back; a refused promiscuous request is only left out.
func (s *Switch) settleFilter(p *port, cause string) {
	wasStation := p.station
	p.station = p.requested.MAC.addr()
	if p.connected && wasStation != p.station && wasStation != 0 {
		s.event(EventMACChanged, p, keyOf(0, wasStation).mac().String(), p.requested.MAC.String(), cause)
	}
	refused := p.connected && p.initial != p.requested.MAC && !p.pol.MACChanges.Value
	if refused && (!p.refusedM || wasStation != p.station) {
		s.event(EventMACChangeRefused, p, p.initial.String(), p.requested.MAC.String(), cause)
	}
	p.refusedM = refused
	s.settleBlocked(p)
	p.accepted = Filter{}
	if p.up && !p.blocked {
		p.accepted = p.requested
		p.accepted.Promiscuous = s.asks(p) && p.pol.Promiscuous.Value
	}
	p.own = 0
	if s.conf.Profile != Learning {
		p.own = p.accepted.MAC.addr()
	}
	p.easy = p.up && !p.blocked && p.trunk == nil && p.primary == 0 && !p.conf.Isolated && !p.allowOnly
	s.tellPromiscuous(p, cause)
}

// settleBlocked blocks the port, or lets it go on, and tells when that changes.
func (s *Switch) settleBlocked(p *port) {
	blocked := p.refusedM || p.pol.Blocked.Value
	if blocked == p.blocked {
		return
	}
	p.blocked = blocked
	kind := EventPortUnblocked
	if blocked {
		kind = EventPortBlocked
		s.forget(p)
	}
	s.event(kind, p, "", "", p.blockedBy())
}

// blockedBy names who blocked a port, "" for one that is not blocked.
func (p *port) blockedBy() string {
	switch {
	case p.refusedM:
		return "mac changes rejected"
	case p.pol.Blocked.Value:
		return "blocked by the administrator"
	}
	return ""
}

// asks says whether the guest wants to receive everything.
func (s *Switch) asks(p *port) bool {
	return p.leaf && p.connected && (p.requested.Promiscuous || s.conf.PromiscuousAssumed)
}

// tellPromiscuous tells when a guest begins to ask, ceases to, or gets another answer.
func (s *Switch) tellPromiscuous(p *port, cause string) {
	was := p.answer
	p.answer = s.promiscuity(p)
	switch {
	case was == p.answer || was == "" && p.answer == "-":
	case p.answer == "granted":
		s.event(EventPromiscuousGranted, p, was, p.answer, cause)
	case p.answer == "refused":
		s.event(EventPromiscuousRefused, p, was, p.answer, cause)
	default:
		s.event(EventPromiscuousEnded, p, was, p.answer, cause)
	}
}

// promiscuity is the answer to a guest that asks for promiscuous reception, "-" while it does not.
func (s *Switch) promiscuity(p *port) string {
	switch {
	case !s.asks(p):
		return "-"
	case p.pol.Promiscuous.Value:
		return "granted"
	}
	return "refused"
}

// settleTable enters the addresses of p's adapter, and p in the lists of ports that get more than that.
func (s *Switch) settleTable(p *port) {
	if !p.up || p.blocked || s.conf.Profile == Learning {
		return
	}
	for _, m := range p.addresses() {
		n := int32(len(s.holders))
		s.holders = append(s.holders, holder{p, -1})
		e := s.static.find(keyOf(0, m.addr()))
		if e == nil {
			s.static.put(keyOf(0, m.addr()), n, 0)
			continue
		}
		last := e.val
		for s.holders[last].next >= 0 {
			last = s.holders[last].next
		}
		s.holders[last].next = n
	}
	if p.accepted.Promiscuous {
		s.promisc = append(s.promisc, p)
	}
	if p.learns && p.pol.Learning.Flooding.Value {
		s.learners = append(s.learners, p)
	}
}

// addresses are those that unicast is delivered to without learning.
func (p *port) addresses() []MAC {
	if !p.up || p.blocked {
		return nil
	}
	all := []MAC{p.accepted.MAC}
	if p.allowOnly {
		all = append([]MAC{p.initial}, p.pol.SourceCheck.Allowed...)
	}
	var list []MAC
	for _, m := range all {
		if m != (MAC{}) && !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	return list
}

// unlearn forgets learned addresses that have become an adapter's own: static wins.
func (s *Switch) unlearn() {
	if s.learned.n == 0 || s.static.n == 0 {
		return
	}
	s.remove(func(e *slot) bool {
		st := s.static.find(e.key & addressBits)
		if st == nil {
			return false
		}
		for i := st.val; i >= 0; i = s.holders[i].next {
			if s.conf.ConflictHostWide || s.holders[i].p.isIn(e.key.vlan()) {
				return true
			}
		}
		return false
	}, "")
}

// settleTeam finds the port's uplinks again, and tells the physical switches where the station is now.
func (s *Switch) settleTeam(p *port, cause string) {
	was := p.teamName()
	p.team()
	if is := p.teamName(); is != was && p.settled {
		s.event(EventUplinkFailover, p, was, is, cause)
	}
	mac := p.accepted.MAC
	var via *port
	if p.pol.Teaming.Policy == IPHash && len(p.usable) > 0 {
		via = p.usable[0]
	} else {
		via = p.choose(nil, mac.addr())
	}
	if p.pol.Teaming.Notify.Value && mac != (MAC{}) && via != nil && (mac != p.announced || via != p.via) {
		s.announce(p, via)
	}
	p.announced, p.via = mac, via
}
