package switchcore

// vlans knows which ports are in which VLAN.
type vlans struct {
	vlanUnaware bool // nobody has a VLAN setting on a learning switch: tags are data
	pvlans      *pvlanMap
	used        vlanSet // VLANs that a leaf port is in
}

// configure finds out for all ports which VLANs they are in. It tells whether tags mean something now, or nothing any
// more: what was learned before is then learned in other VLANs.
func (v *vlans) configure(c *Config, ports []*port) (changed bool) {
	unaware := c.Profile == Learning && !vlanAware(ports)
	changed = unaware != v.vlanUnaware
	v.vlanUnaware, v.pvlans, v.used = unaware, newPVLANMap(c.PVLANs), vlanSet{}
	for _, p := range ports {
		v.place(p)
	}
	return changed
}

// vlanAware tells whether tags mean anything to a learning switch: they do as soon as one port is in a VLAN or a trunk,
// as vlan_filtering of a Linux bridge.
func vlanAware(ports []*port) bool {
	for _, p := range ports {
		v := &p.pol.VLAN
		if p.conf.Uplink && p.conf.Spec.VLAN != nil || !p.conf.Uplink && (v.Mode != Untagged || v.ID != 0) {
			return true
		}
	}
	return false
}

// place puts a port into the VLANs of its policy.
func (v *vlans) place(p *port) {
	pol := &p.pol.VLAN
	p.trunk, p.vlan, p.primary, p.tags = nil, 0, 0, tagsNever
	switch {
	case v.vlanUnaware:
		p.tags = tagsAreData
	case pol.Mode == Trunk:
		p.tags, p.trunk = tagsOfTrunk, &vlanSet{}
		for _, r := range pol.Ranges {
			p.trunk.add(r.First, r.Last)
		}
	case pol.Mode == PrivateVLAN:
		p.vlan = uint16(pol.ID)
		p.primary = v.pvlans.primary(p.vlan)
	default:
		p.vlan = uint16(pol.ID)
	}
	switch {
	case !p.leaf:
	case p.trunk != nil:
		v.used.join(p.trunk)
	case p.primary != 0:
		v.pvlans.members(p.primary, &v.used)
	default:
		v.used.add(int(p.vlan), int(p.vlan))
	}
}

// admit decides which VLAN a frame from w.p is in; false: the port does not take it. A priority tag, VLAN id 0, says
// nothing of a VLAN (IEEE 802.1Q 6.9).
func (v *vlans) admit(w *passage) bool {
	p := w.p
	if v.vlanUnaware {
		return true
	}
	vid := w.vid()
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
	if v.pvlans != nil {
		if primary := v.pvlans.primary(w.wire); primary != 0 {
			w.fdb = primary
		}
	}
	return p.leaf || v.used.has(w.wire)
}

// isolates tells whether the frame may not go to q although both are in one VLAN.
func (v *vlans) isolates(w *passage, q *port) bool {
	if w.p.conf.Isolated && q.conf.Isolated {
		return true
	}
	return q.primary != 0 && !v.pvlans.permits(w.wire, q.vlan)
}
