package switchcore

import (
	"slices"
	"time"
)

// Connect tells that a guest's adapter was plugged into a port, with carrier and with the filter f. If nobody gave the
// port an initial address, f.MAC becomes it, until the port is disconnected. An uplink is connected from the start; for
// it Connect means link.
func (s *Switch) Connect(now time.Duration, id PortID, f Filter) {
	p := s.port(id)
	if p == nil {
		return
	}
	if !p.connected {
		s.events.add(EventConnected, p, "", f.MAC.String(), "")
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
	s.fdb.forget(p)
	s.events.add(EventDisconnected, p, "", "", "adapter gone")
	s.settle(now, "guest")
}

// SetFilter tells what the guest's driver has now programmed into its adapter. Without effect on a port that is not
// connected.
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

// Suspect tells whether the frame would be punished although the guest may have changed its address a moment ago, so
// that its adapter should be read again before Forward is asked: its source is not the address known, and the port's
// policies reject forged transmits or MAC changes.
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

// clone copies what the filter refers to.
func (f Filter) clone() Filter {
	f.Groups = slices.Clone(f.Groups)
	return f
}

// settle brings all that follows from configuration, guests and links up to date, and tells what changed. The cause is
// for events.
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
	s.stations.clear()
	s.promisc, s.learners = s.promisc[:0], s.learners[:0]
	for _, p := range s.leaves {
		s.settleTable(p)
	}
	s.layFastPaths()
	s.unlearn()
	for _, p := range s.leaves {
		s.settleTeam(p, cause)
	}
	for _, p := range s.order {
		p.settled = true
	}
	s.fdb.age(now)
}

// settleLink finds out whether the port has carrier, and tells when that changes.
func (s *Switch) settleLink(p *port, cause string) {
	up := p.connected && p.link && !p.conf.Down
	if up == p.up {
		return
	}
	p.up = up
	if !up {
		s.fdb.forget(p)
		s.events.add(EventLinkDown, p, "", "", cause)
		return
	}
	s.events.add(EventLinkUp, p, "", "", cause)
}

// settleFilter grants of the guest's filter what policy allows. A changed address blocks the port while MAC changes are
// rejected, both ways, until either is taken back; a refused promiscuous request is only left out.
func (s *Switch) settleFilter(p *port, cause string) {
	wasStation := p.station
	p.station = p.requested.MAC.addr()
	if p.connected && wasStation != p.station && wasStation != 0 {
		s.events.add(EventMACChanged, p, keyOf(0, wasStation).mac().String(), p.requested.MAC.String(), cause)
	}
	refused := p.connected && p.initial != p.requested.MAC && !p.pol.MACChanges.Value
	if refused && (!p.refusedM || wasStation != p.station) {
		s.events.add(EventMACChangeRefused, p, p.initial.String(), p.requested.MAC.String(), cause)
	}
	p.refusedM = refused
	s.settleBlocked(p)
	p.accepted = Filter{}
	if p.up && !p.blocked {
		p.accepted = p.requested
		p.accepted.Promiscuous = p.asks() && p.pol.Promiscuous.Value
	}
	p.own = 0
	if s.conf.Profile != Learning {
		p.own = p.accepted.MAC.addr()
	}
	p.simple = p.up && !p.blocked && p.trunk == nil && p.primary == 0 && !p.conf.Isolated && !p.allowOnly
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
		s.fdb.forget(p)
	}
	s.events.add(kind, p, "", "", p.blockedBy())
}

// tellPromiscuous tells when a guest begins to ask, ceases to, or gets another answer.
func (s *Switch) tellPromiscuous(p *port, cause string) {
	was := p.answer
	p.answer = p.promiscuity()
	switch {
	case was == p.answer || was == "" && p.answer == "-":
	case p.answer == "granted":
		s.events.add(EventPromiscuousGranted, p, was, p.answer, cause)
	case p.answer == "refused":
		s.events.add(EventPromiscuousRefused, p, was, p.answer, cause)
	default:
		s.events.add(EventPromiscuousEnded, p, was, p.answer, cause)
	}
}

// settleTable enters the addresses of p's adapter, and p in the lists of ports that get more than that.
func (s *Switch) settleTable(p *port) {
	if !p.up || p.blocked || s.conf.Profile == Learning {
		return
	}
	for _, m := range p.addresses() {
		s.stations.add(p, m.addr())
	}
	if p.accepted.Promiscuous {
		s.promisc = append(s.promisc, p)
	}
	if p.learns && p.pol.Learning.Flooding.Value {
		s.learners = append(s.learners, p)
	}
}

// unlearn forgets learned addresses that have become an adapter's own: static wins.
func (s *Switch) unlearn() {
	if s.fdb.learned.n == 0 || s.stations.index.n == 0 {
		return
	}
	s.fdb.remove(func(e *slot[*port]) bool {
		for i := s.stations.first(uint64(e.key & addressBits)); i >= 0; i = s.stations.holders[i].next {
			if s.conf.ConflictHostWide || s.stations.holders[i].p.isIn(e.key.vlan()) {
				return true
			}
		}
		return false
	}, "")
}

// settleTeam finds the port's uplinks again, and tells the physical switches where the station is now.
func (s *Switch) settleTeam(p *port, cause string) {
	was := p.team.inUse()
	p.team.settle()
	if is := p.team.inUse(); is != was && p.settled {
		s.events.add(EventUplinkFailover, p, was, is, cause)
	}
	mac := p.accepted.MAC
	via := p.team.station(mac.addr())
	if p.pol.Teaming.Notify.Value && mac != (MAC{}) && via != nil && (mac != p.announced || via != p.via) {
		s.announce(p, via)
	}
	p.announced, p.via = mac, via
}

// announce queues the reverse ARP of "notify switches": the physical switch behind u learns where the station now is
// (RFC 903, padded to the 60 bytes of a minimal frame).
func (s *Switch) announce(p, u *port) {
	f := make([]byte, 60)
	m := p.accepted.MAC
	copy(f, "\xff\xff\xff\xff\xff\xff")
	copy(f[6:], m[:])
	copy(f[12:], []byte{0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3})
	copy(f[22:], m[:])
	copy(f[32:], m[:])
	o := Output{Port: u.id}
	id := p.vlan
	if p.trunk != nil {
		id = p.trunk.lowest()
	}
	if id != 0 {
		o.Tagged, o.TCI = true, id
	}
	s.announcements = append(s.announcements, Announcement{Frame: f, Outputs: []Output{o}})
}
