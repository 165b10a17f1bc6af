package switchcore

import "time"

// relay forwards frames, as the MAC relay entity of a bridge does (IEEE 802.1Q 8.2): it admits a frame, learns from it,
// decides who gets it and makes the copies. Everything it asks is laid out for it by the [Switch], so that most frames
// meet a few comparisons.
type relay struct {
	conf Config
	portList
	vlans
	stations stations
	fdb      fdb
	promisc  []*port // ports that are granted all frames
	learners []*port // ports that get unknown unicast: learning with flooding
	admits   bool    // an enabled learning replaces the source check
	hook     Hook

	w passage
	egress
}

// count enters into the counters what judge has found about a frame from p.
func (r *relay) count(p *port) {
	if r.nobody() {
		p.counters.Drops[r.w.dropped]++
	}
	for i := range r.lost {
		r.byID[r.lost[i].Port].counters.Drops[r.lost[i].Reason]++
	}
	n := uint64(len(r.w.f.Data))
	for i := range r.out {
		c := &r.byID[r.out[i].Port].counters
		c.TxFrames++
		c.TxBytes += n
	}
}

// tell puts together what judge has found. It writes where the caller wants it, which saves a copy.
func (r *relay) tell(v *Verdict) {
	w := &r.w
	v.Out, v.Lost = r.out, r.lost
	v.Drop, v.Rule, v.VLAN = w.dropped, w.rule, w.fdb
	if w.replaced {
		v.Data = w.f.Data
	}
}

// judge leaves in w, out and lost what becomes of the frame.
func (r *relay) judge(now time.Duration, p *port, f *Frame, dry bool) {
	w := &r.w
	w.begin(now, p, f, dry)
	r.egress.begin()
	if !r.enter(w) || r.hook != nil && !r.runHook(w) {
		return
	}
	switch {
	case !p.leaf:
		r.fromUplink(w)
	case r.conf.Profile == Learning:
		r.flood(w)
	case w.group():
		r.groupFromLeaf(w)
	default:
		r.unicastFromLeaf(w)
	}
	if !w.ended {
		r.finish(w)
	}
}

// enter asks what a frame must pass before anybody looks for its destination; false: the frame ends here. Of several
// reasons it has the first one, so the order is part of what users see: the port, the header, the source, spanning
// tree, reserved addresses, the VLAN (IEEE 802.1Q 8.6.2), learning (8.7).
func (r *relay) enter(w *passage) bool {
	p := w.p
	if p.blocked || !p.up {
		return w.drop(PortBlocked)
	}
	if !w.parse() || w.src&groupBit != 0 || w.src == 0 {
		return w.drop(Malformed)
	}
	if p.checkSource && !p.maySend(w.src) {
		return w.drop(MacForgery)
	}
	if r.conf.BlockGuestBPDU && !p.conf.Uplink && (w.dst == linkLocalAddr || w.dst == pvstAddr && r.conf.BlockPVST) {
		return w.drop(GuestBPDU)
	}
	local := r.conf.LinkLocal && p.leaf && w.dst&^0xf == linkLocalAddr
	if local && !r.conf.LearnBeforeLinkLocal {
		return w.drop(LinkLocal)
	}
	if !w.tagged && p.trunk == nil && p.primary == 0 && r.pvlans == nil {
		w.wire, w.fdb = p.vlan, p.vlan
	} else if !r.admit(w) {
		return w.drop(VlanMismatch)
	}
	if !p.leaf {
		return true
	}
	if p.learns && !r.learn(w) {
		return w.drop(LearnLimit)
	}
	if local {
		return w.drop(LinkLocal)
	}
	return true
}

// learn enters where the source is, unless an adapter is known to have the address: static wins. False: the frame is
// dropped.
func (r *relay) learn(w *passage) (pass bool) {
	if w.src == w.p.own || r.isStatic(w, w.src) {
		return true
	}
	w.known, pass = r.fdb.learn(w.now, w.p, keyOf(w.fdb, w.src), w.dry)
	return pass
}

// isStatic tells whether the address is one that a leaf port has without learning, this one or another.
func (r *relay) isStatic(w *passage, addr uint64) bool {
	for i := r.stations.first(addr); i >= 0; i = r.stations.holders[i].next {
		if r.conf.ConflictHostWide || w.inVLANOf(r.stations.holders[i].p) {
			return true
		}
	}
	return false
}

// finish names the reason of a frame that nobody got.
func (r *relay) finish(w *passage) {
	if len(r.out) > 0 {
		return
	}
	w.rule = RuleDrop
	switch {
	case len(r.lost) > 0:
		w.dropped = r.lost[0].Reason
	case w.noUplink:
		w.dropped = UplinkDown
	case w.reversed:
		w.dropped = ReversePath
	default:
		w.dropped = UnknownUnicast
	}
}
