package switchcore

import "encoding/binary"

// toTeam sends to the one uplink that the sender's teaming chooses.
func (s *Switch) toTeam(w *passage) {
	p := w.p
	if len(p.active) == 0 && len(p.standby) == 0 {
		return
	}
	u := p.choose(w, w.src)
	if u == nil {
		w.noUplink = true
		return
	}
	s.emit(w, u)
}

// choose is the uplink for frames of the station addr behind p, or nil (specification 4.3). The formulas are labctl's: the
// sources name only what goes into them.
func (p *port) choose(w *passage, addr uint64) *port {
	n := uint64(len(p.usable))
	if n == 0 {
		return nil
	}
	switch p.pol.Teaming.Policy {
	case SourceMAC:
		return p.usable[addr&0xff%n]
	case IPHash:
		return p.usable[w.ipHash()%n]
	case Explicit:
		return p.usable[0]
	}
	return p.usable[uint64(p.id)%n]
}

// ipHash is the exclusive or of source and destination address; frames that are not IP are taken at the same offsets.
func (w *passage) ipHash() uint64 {
	d := w.f.Data
	at := 12
	if !w.f.Tagged && d[12] == 0x81 && d[13] == 0 {
		at = 16
	}
	if binary.BigEndian.Uint16(d[at:]) == 0x86dd && len(d) >= at+2+40 {
		var h uint32
		for i := at + 10; i < at+42; i += 4 {
			h ^= binary.BigEndian.Uint32(d[i:])
		}
		return uint64(h)
	}
	if len(d) < at+22 {
		return 0
	}
	return uint64(binary.BigEndian.Uint32(d[at+14:]) ^ binary.BigEndian.Uint32(d[at+18:]))
}

// reverseOK says whether the uplink the frame came by is the one that q's frames leave by: teaming applied to inbound frames.
// With several uplinks in one segment every broadcast comes in once by each. With an IP hash the physical switch has one channel
// and sends one copy. By source address it is the station's uplink that counts, not the port's.
func (s *Switch) reverseOK(w *passage, q *port) bool {
	if len(s.uplinks) == 1 || q.pol.Teaming.Policy == IPHash {
		return true
	}
	addr := q.station
	if w.dst&groupBit == 0 {
		addr = w.dst
	}
	return q.choose(w, addr) == w.p
}

// team brings up to date which uplinks a port may use. Every active one that has failed is replaced by the next standby; without
// failback those in use stay in use as long as they live.
func (p *port) team() {
	var use []*port
	add := func(from []*port) {
		for _, u := range from {
			if u.up && !u.blocked && len(use) < max(1, len(p.active)) && !contains(use, u) {
				use = append(use, u)
			}
		}
	}
	if !p.pol.Teaming.Failback.Value {
		var members []*port
		for _, u := range p.usable {
			if contains(p.active, u) || contains(p.standby, u) {
				members = append(members, u)
			}
		}
		add(members)
	}
	add(p.active)
	add(p.standby)
	p.usable = use
}

func contains(list []*port, p *port) bool {
	for _, q := range list {
		if q == p {
			return true
		}
	}
	return false
}

// teamName is what the port's frames leave by, as people read it: one name, or several of which a hash chooses.
func (p *port) teamName() string {
	names := ""
	switch p.pol.Teaming.Policy {
	case SourceMAC, IPHash:
		for i, u := range p.usable {
			if i > 0 {
				names += ","
			}
			names += u.conf.Name
		}
	default:
		if u := p.choose(nil, 0); u != nil {
			names = u.conf.Name
		}
	}
	return names
}

// announce queues the reverse ARP of "notify switches": the physical switch behind u learns where the station now is (RFC 903,
// padded to the 60 bytes of a minimal frame).
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
