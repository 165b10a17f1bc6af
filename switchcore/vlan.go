package switchcore

// vlanSet is a set of VLAN ids.
type vlanSet [64]uint64

func (v *vlanSet) has(id uint16) bool { return v[id>>6&63]>>(id&63)&1 != 0 }

func (v *vlanSet) add(first, last int) {
	for id := max(first, 0); id <= last && id <= 4095; id++ {
		v[id>>6] |= 1 << (id & 63)
	}
}

func (v *vlanSet) join(o *vlanSet) {
	for i := range v {
		v[i] |= o[i]
	}
}

// lowest returns the least id of the set, 0 if it is empty.
func (v *vlanSet) lowest() uint16 {
	for id := range uint16(4096) {
		if v.has(id) {
			return id
		}
	}
	return 0
}

// aware says whether tags mean anything to a learning switch: they do as soon as one port is in a VLAN or a trunk.
func (s *Switch) aware() bool {
	for _, p := range s.order {
		if v := &p.pol.VLAN; !p.conf.Uplink && (v.Mode != Untagged || v.ID != 0) || p.conf.Spec.VLAN != nil && p.conf.Uplink {
			return true
		}
	}
	return false
}

// admit decides which VLAN a frame from w.p is in; false: the port does not take it. A priority tag, VLAN id 0, is no VLAN
// (IEEE 802.1Q 6.9).
func (s *Switch) admit(w *passage) bool {
	p := w.p
	if s.plain {
		return true
	}
	var vid uint16
	if w.tagged {
		vid = w.tci & 0xfff
	}
	switch {
	case p.trunk != nil:
		if !p.trunk.has(vid) {
			return false
		}
		w.wire, w.keep = vid, true
	case vid != 0:
		return false
	default:
		w.wire = p.vlan
	}
	w.fdb = w.wire
	if s.pvlans != nil {
		if primary := s.pvlans.primary(w.wire); primary != 0 {
			w.fdb = primary
		}
	}
	return true
}

// carries says whether the port is in the frame's VLAN. Private VLANs are told apart by isolates.
func (p *port) carries(w *passage) bool {
	switch {
	case p.trunk != nil:
		return p.trunk.has(w.wire)
	case p.primary != 0:
		return p.primary == w.fdb
	}
	return p.vlan == w.wire
}

// tag is the outermost tag of the frame as it leaves by q. Ports in one VLAN never show it; a trunk shows the VLAN on the wire,
// with the priority that came with the frame, and where there is no VLAN what was sent.
func (s *Switch) tag(w *passage, q *port) Output {
	o := Output{Port: q.id}
	switch {
	case s.plain:
		o.Tagged, o.TCI = w.tagged, w.tci
	case q.trunk == nil:
	case w.wire != 0:
		o.Tagged, o.TCI = true, w.tci&0xf000|w.wire
	case w.keep:
		o.Tagged, o.TCI = w.tagged, w.tci
	}
	return o
}

// isIn says whether the port is in a VLAN of the tables.
func (p *port) isIn(fdb uint16) bool {
	if p.trunk != nil {
		return p.trunk.has(fdb)
	}
	return p.home() == fdb
}

// home is the VLAN that the port's own addresses are shown in: 0 for a trunk.
func (p *port) home() uint16 {
	switch {
	case p.trunk != nil:
		return 0
	case p.primary != 0:
		return p.primary
	}
	return p.vlan
}
