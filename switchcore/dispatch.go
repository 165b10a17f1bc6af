package switchcore

// unicastFromLeaf sends a guest's unicast to who has the address, else to who asked for what nobody has, else outside.
// A vSphere switch does not flood: it knows its adapters' addresses, and all others are taken to be behind an uplink.
func (r *relay) unicastFromLeaf(w *passage) {
	own := r.toHolders(w)
	if w.hits == 0 && own {
		w.drop(SamePort)
		return
	}
	unknown := w.hits == 0
	if len(r.promisc) > 0 {
		r.toPromiscuous(w)
	}
	if unknown {
		w.rule = RuleUnknownUnicast
		r.toLearners(w)
	}
	if unknown || r.conf.TransmitToUplink {
		r.toTeam(w)
	}
}

// toHolders sends to all ports that have the destination, by their adapter or learned, and tells whether the ingress
// port is one of them. Two ports with one address get a copy each: the table has no notion of a conflict.
func (r *relay) toHolders(w *passage) (own bool) {
	for i := r.stations.first(w.dst); i >= 0; i = r.stations.holders[i].next {
		if r.toHolder(w, r.stations.holders[i].p, RuleStatic) {
			own = true
		}
	}
	if w.hits == 0 {
		if q := r.whereLearned(w); q != nil {
			own = r.toHolder(w, q, RuleLearned) || own
		}
	}
	w.direct = len(r.out)
	return own
}

// whereLearned is the port behind which the destination was learned, or nil. The entry of the frame's own source may be
// missing or old in the table, as Explain enters nothing.
func (r *relay) whereLearned(w *passage) *port {
	if w.known && w.dst == w.src {
		return w.p
	}
	if e := r.fdb.find(w.now, keyOf(w.fdb, w.dst)); e != nil {
		return e.val
	}
	return nil
}

// toHolder sends to one port that has the destination; own: the frame came from there.
func (r *relay) toHolder(w *passage, q *port, rule Rule) (own bool) {
	if q.simple && q.vlan == w.wire && q != w.p {
		// What reach would find out, for nearly every frame.
		w.hits++
		if w.rule == RuleDrop {
			w.rule = rule
		}
		r.emit(w, q)
		return false
	}
	switch r.reach(w, q) {
	case CauseNone:
		w.hits++
		if w.rule == RuleDrop {
			w.rule = rule
		}
		if q.allowOnly && !q.allows(w.dst) {
			r.lose(q, ReceiveFilter)
			return false
		}
		r.emit(w, q)
	case CauseSamePort:
		return w.inVLANOf(q)
	case CauseIsolated:
		w.hits++
		r.lose(q, PvlanIsolation)
	}
	return false
}

// reach tells whether q could get the frame at all: CauseNone, or what keeps it away.
func (r *relay) reach(w *passage, q *port) Cause {
	switch {
	case q == w.p && !q.conf.Hairpin:
		return CauseSamePort
	case !q.up:
		return CauseDown
	case !w.inVLANOf(q):
		return CauseOtherVLAN
	case r.isolates(w, q):
		return CauseIsolated
	case q.blocked:
		return CauseBlocked
	}
	return CauseNone
}

// groupFromLeaf sends a guest's broadcast or multicast to all in its VLAN who want it, and outside.
func (r *relay) groupFromLeaf(w *passage) {
	w.rule = groupRule(w.dst)
	for _, q := range r.leaves {
		r.offerGroup(w, q)
	}
	r.toTeam(w)
}

// offerGroup gives q a copy of a group frame if it may have and wants it. A blocked port loses it: that is what its
// owner sees when somebody asks for the blocked guest. A port that nothing is plugged into loses nothing.
func (r *relay) offerGroup(w *passage, q *port) {
	cause := r.reach(w, q)
	if cause != CauseNone && cause != CauseIsolated && cause != CauseBlocked || !r.wants(w, q) {
		return
	}
	r.offer(w, q, cause, r.overhears(w, q))
}

// offer is the last step before a copy is made: the rule for frames from an uplink, then what keeps the copy from
// leaving.
func (r *relay) offer(w *passage, q *port, cause Cause, overhears bool) {
	switch {
	case !w.p.leaf && !(overhears && !r.conf.ReversePathCheckPromiscuous) && !r.reverseOK(w, q):
		w.reversed = w.reversed || cause == CauseNone
	case cause == CauseNone:
		r.emit(w, q)
	case cause == CauseIsolated:
		r.lose(q, PvlanIsolation)
	case cause == CauseBlocked:
		r.lose(q, PortBlocked)
	}
}

// wants tells whether the guest behind q receives frames to this group: by the multicast filter of its adapter, which
// is what vSphere calls basic multicast filtering.
func (r *relay) wants(w *passage, q *port) bool {
	if w.dst == broadcastAddr || r.conf.Profile == Learning || q.requested.AllMulti || r.overhears(w, q) {
		return true
	}
	for i := range q.requested.Groups {
		if q.requested.Groups[i].addr() == w.dst {
			return true
		}
	}
	return false
}

// overhears tells whether q gets the frame because it is granted promiscuous reception.
func (r *relay) overhears(w *passage, q *port) bool {
	if !q.accepted.Promiscuous {
		return false
	}
	if !r.conf.PromiscuousPortGroup || w.p.leaf && w.p.conf.Group == q.conf.Group {
		return true
	}
	for _, o := range r.out[:w.direct] {
		if r.byID[o.Port].conf.Group == q.conf.Group {
			return true
		}
	}
	return !w.p.leaf && w.hits == 0
}

// toPromiscuous gives the ports that are granted promiscuous reception their copies.
func (r *relay) toPromiscuous(w *passage) {
	for _, q := range r.promisc {
		if !r.has(q) && r.overhears(w, q) {
			r.offerUnicast(w, q, true)
		}
	}
}

// toLearners sends unknown unicast to the ports that learn and want it, never to others.
func (r *relay) toLearners(w *passage) {
	for _, q := range r.learners {
		if !r.has(q) {
			r.offerUnicast(w, q, false)
		}
	}
}

// offerUnicast gives q a copy of unicast that is not known to be for it.
func (r *relay) offerUnicast(w *passage, q *port, overhears bool) {
	if r.reach(w, q) == CauseNone && !(q.allowOnly && !q.allows(w.dst)) {
		r.offer(w, q, CauseNone, overhears)
	}
}

// fromUplink sends what came from outside to who has the address or wants the group. Nothing that came by an uplink
// leaves by one: so a virtual switch needs no spanning tree.
func (r *relay) fromUplink(w *passage) {
	if w.group() {
		w.rule = groupRule(w.dst)
		if r.conf.ReversePathCheck && r.localSource(w) {
			w.drop(ReversePath)
			return
		}
		for _, q := range r.leaves {
			r.offerGroup(w, q)
		}
		return
	}
	r.toHolders(w)
	unknown := w.hits == 0
	if unknown {
		r.toLearners(w)
		w.rule = RuleUnknownUnicast
		if len(r.out) == 0 {
			w.rule = RulePromiscuous
		}
	}
	r.toPromiscuous(w)
}

// localSource tells whether the source is an address of this switch's own ports: then a group frame came back.
func (r *relay) localSource(w *passage) bool {
	for i := r.stations.first(w.src); i >= 0; i = r.stations.holders[i].next {
		if w.inVLANOf(r.stations.holders[i].p) {
			return true
		}
	}
	return r.fdb.find(w.now, keyOf(w.fdb, w.src)) != nil
}

// flood is the dispatch of a learning switch: to where the destination was seen, else to all.
func (r *relay) flood(w *passage) {
	if !w.group() {
		if q := r.whereLearned(w); q != nil {
			w.rule = RuleLearned
			if r.toHolder(w, q, RuleLearned) {
				w.drop(SamePort)
			}
			w.direct = len(r.out)
			return
		}
		w.rule = RuleUnknownUnicast
	} else {
		w.rule = groupRule(w.dst)
	}
	for _, q := range r.leaves {
		if !w.group() && q.allowOnly && !q.allows(w.dst) {
			continue
		}
		r.offerGroup(w, q)
	}
}

// toTeam sends to the one uplink that the sender's teaming chooses.
func (r *relay) toTeam(w *passage) {
	t := &w.p.team
	if len(t.active) == 0 && len(t.standby) == 0 {
		return
	}
	u := t.choose(&w.f, w.src)
	if u == nil {
		w.noUplink = true
		return
	}
	r.emit(w, u)
}

// reverseOK tells whether the uplink the frame came by is the one that q's frames leave by: teaming applied to inbound
// frames. With several uplinks in one segment every broadcast comes in once by each. With an IP hash the physical
// switch has one channel and sends one copy. By source address it is the station's uplink that counts, not the port's.
func (r *relay) reverseOK(w *passage, q *port) bool {
	if len(r.uplinks) == 1 || q.team.policy == IPHash {
		return true
	}
	addr := q.station
	if !w.group() {
		addr = w.dst
	}
	return q.team.choose(&w.f, addr) == w.p
}
