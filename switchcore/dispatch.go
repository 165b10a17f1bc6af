package switchcore

// unicastFromLeaf is section 2.3's Dispatch for unicast.
func (s *Switch) unicastFromLeaf(w *passage) {
	own := s.toHolders(w)
	if w.hits == 0 && own {
		w.drop(SamePort)
		return
	}
	unknown := w.hits == 0
	if len(s.promisc) > 0 {
		s.toPromiscuous(w)
	}
	if unknown {
		w.rule = RuleUnknownUnicast
		s.toLearners(w)
	}
	if unknown || s.conf.TransmitToUplink {
		s.toTeam(w)
	}
}

// toHolders sends to all ports that have the destination, by their adapter or learned, and says whether the ingress port is one
// of them. Two ports with one address get a copy each: the table has no notion of a conflict.
func (s *Switch) toHolders(w *passage) (own bool) {
	if e := s.static.find(keyOf(0, w.dst)); e != nil {
		for i := e.val; i >= 0; i = s.holders[i].next {
			if s.toHolder(w, s.holders[i].p, RuleStatic) {
				own = true
			}
		}
	}
	if w.hits == 0 {
		if q := s.whereLearned(w); q != nil {
			own = s.toHolder(w, q, RuleLearned) || own
		}
	}
	w.direct = len(s.out)
	return own
}

// whereLearned is the port behind which the destination was learned, or nil. The entry of the frame's own source may be missing
// or old in the table, as Explain enters nothing.
func (s *Switch) whereLearned(w *passage) *port {
	if w.known && w.dst == w.src {
		return w.p
	}
	if e := s.fresh(w.now, keyOf(w.fdb, w.dst)); e != nil {
		return s.ports[e.val]
	}
	return nil
}

func (s *Switch) toHolder(w *passage, q *port, rule Rule) (own bool) {
	if q.easy && q.vlan == w.wire && q != w.p {
		// What reach would find out, for nearly every frame.
		w.hits++
		if w.rule == RuleDrop {
			w.rule = rule
		}
		s.emit(w, q)
		return false
	}
	switch s.reach(w, q) {
	case CauseNone:
		w.hits++
		if w.rule == RuleDrop {
			w.rule = rule
		}
		if q.allowOnly && !q.allows(w.dst) {
			s.lose(q, ReceiveFilter)
			return false
		}
		s.emit(w, q)
	case CauseSamePort:
		return q.carries(w)
	case CauseIsolated:
		w.hits++
		s.lose(q, PvlanIsolation)
	}
	return false
}

// reach says whether q could get the frame at all: CauseNone, or what keeps it away.
func (s *Switch) reach(w *passage, q *port) Cause {
	switch {
	case q == w.p && !q.conf.Hairpin:
		return CauseSamePort
	case !q.up:
		return CauseDown
	case !q.carries(w):
		return CauseOtherVLAN
	case s.isolates(w, q):
		return CauseIsolated
	case q.blocked:
		return CauseBlocked
	}
	return CauseNone
}

// groupFromLeaf is Dispatch for broadcast and multicast.
func (s *Switch) groupFromLeaf(w *passage) {
	w.rule = groupRule(w.dst)
	for _, q := range s.leaves {
		s.offerGroup(w, q)
	}
	s.toTeam(w)
}

func groupRule(dst uint64) Rule {
	if dst == broadcastAddr {
		return RuleBroadcast
	}
	return RuleMulticast
}

// offerGroup gives q a copy of a group frame if it may have and wants it. A blocked port loses it: that is what its owner sees
// when somebody asks for the blocked guest. A port that nothing is plugged into loses nothing.
func (s *Switch) offerGroup(w *passage, q *port) {
	cause := s.reach(w, q)
	if cause != CauseNone && cause != CauseIsolated && cause != CauseBlocked || !s.wants(w, q) {
		return
	}
	s.offer(w, q, cause, s.overhears(w, q))
}

// offer is the last step before a copy is made: the rule for frames from an uplink, then what keeps the copy from leaving.
func (s *Switch) offer(w *passage, q *port, cause Cause, overhears bool) {
	switch {
	case !w.p.leaf && !(overhears && !s.conf.ReversePathCheckPromiscuous) && !s.reverseOK(w, q):
		w.reversed = w.reversed || cause == CauseNone
	case cause == CauseNone:
		s.emit(w, q)
	case cause == CauseIsolated:
		s.lose(q, PvlanIsolation)
	case cause == CauseBlocked:
		s.lose(q, PortBlocked)
	}
}

// wants says whether the guest behind q receives frames to this group (specification 2.7, basic mode).
func (s *Switch) wants(w *passage, q *port) bool {
	if w.dst == broadcastAddr || s.conf.Profile == Learning || q.requested.AllMulti || s.overhears(w, q) {
		return true
	}
	for i := range q.requested.Groups {
		if q.requested.Groups[i].addr() == w.dst {
			return true
		}
	}
	return false
}

// overhears says whether q gets the frame because it is granted promiscuous reception.
func (s *Switch) overhears(w *passage, q *port) bool {
	if !q.accepted.Promiscuous {
		return false
	}
	if !s.conf.PromiscuousPortGroup || w.p.leaf && w.p.conf.Group == q.conf.Group {
		return true
	}
	for _, o := range s.out[:w.direct] {
		if s.ports[o.Port].conf.Group == q.conf.Group {
			return true
		}
	}
	return !w.p.leaf && w.hits == 0
}

func (s *Switch) toPromiscuous(w *passage) {
	for _, q := range s.promisc {
		if q.stamp != s.serial && s.overhears(w, q) {
			s.offerUnicast(w, q, true)
		}
	}
}

// toLearners sends unknown unicast to the ports that learn and want it, never to others.
func (s *Switch) toLearners(w *passage) {
	for _, q := range s.learners {
		if q.stamp != s.serial {
			s.offerUnicast(w, q, false)
		}
	}
}

// offerUnicast gives q a copy of unicast that is not known to be for it.
func (s *Switch) offerUnicast(w *passage, q *port, overhears bool) {
	if s.reach(w, q) == CauseNone && !(q.allowOnly && !q.allows(w.dst)) {
		s.offer(w, q, CauseNone, overhears)
	}
}

// fromUplink is section 2.4. Nothing that came by an uplink leaves by one.
func (s *Switch) fromUplink(w *passage) {
	if w.dst&groupBit != 0 {
		w.rule = groupRule(w.dst)
		if s.conf.ReversePathCheck && s.localSource(w) {
			w.drop(ReversePath)
			return
		}
		for _, q := range s.leaves {
			s.offerGroup(w, q)
		}
		return
	}
	s.toHolders(w)
	unknown := w.hits == 0
	if unknown {
		s.toLearners(w)
		w.rule = RuleUnknownUnicast
		if len(s.out) == 0 {
			w.rule = RulePromiscuous
		}
	}
	s.toPromiscuous(w)
}

// localSource says whether the source is an address of this switch's own ports: then a group frame came back.
func (s *Switch) localSource(w *passage) bool {
	if e := s.static.find(keyOf(0, w.src)); e != nil {
		for i := e.val; i >= 0; i = s.holders[i].next {
			if s.holders[i].p.carries(w) {
				return true
			}
		}
	}
	return s.fresh(w.now, keyOf(w.fdb, w.src)) != nil
}

// flood is the dispatch of a learning switch: to where the destination was seen, else to all.
func (s *Switch) flood(w *passage) {
	if w.dst&groupBit == 0 {
		if q := s.whereLearned(w); q != nil {
			w.rule = RuleLearned
			if s.toHolder(w, q, RuleLearned) {
				w.drop(SamePort)
			}
			w.direct = len(s.out)
			return
		}
		w.rule = RuleUnknownUnicast
	} else {
		w.rule = groupRule(w.dst)
	}
	for _, q := range s.leaves {
		if w.dst&groupBit == 0 && q.allowOnly && !q.allows(w.dst) {
			continue
		}
		s.offerGroup(w, q)
	}
}
