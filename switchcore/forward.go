package switchcore

import (
	"encoding/binary"
	"time"
)

// passage is one frame on its way through the switch. There is one of it, used again for each frame; begin resets it.
type passage struct {
	now time.Duration
	p   *port // where the frame came in
	f   Frame
	dry bool   // Explain asks: nothing is counted, learned or told
	why string // of the hook that dropped
	found
}

// found is what the switch finds out about a frame. It has no pointers: so it is cleared in a few instructions.
type found struct {
	dst, src uint64
	payload  int // length on the wire without header and outermost tag; of a piece if it will be cut
	hits     int // ports that have the destination
	direct   int // outputs that these make

	tci      uint16
	fdb      uint16 // VLAN of the tables
	wire     uint16 // VLAN on trunks and uplinks: differs from fdb in private VLANs
	tagged   bool
	keep     bool // the port keeps tags: what was sent comes out of others that do
	known    bool // the source is learned at p
	noUplink bool // an uplink was wanted and none was usable
	reversed bool // a port was left out because of reverseOK alone
	ended    bool // the drop ended the passage before any port was looked at
	replaced bool // f.Data is a hook's
	dropped  Reason
	rule     Rule
}

func (w *passage) begin(now time.Duration, p *port, f *Frame, dry bool) {
	w.now, w.p, w.dry = now, p, dry
	// Field by field, for the reason given at verdict.
	w.f.Data, w.f.TCI, w.f.Tagged, w.f.Segment = f.Data, f.TCI, f.Tagged, f.Segment
	w.found = found{}
}

const (
	broadcastAddr = 1<<48 - 1
	groupBit      = 1 << 40
	linkLocalAddr = 0x0180c2000000
	pvstAddr      = 0x01000ccccccd
)

// Forward decides where a frame that came in by a port goes. It counts the frame and learns from it. The verdict is valid until
// the next call. A frame from a port that does not exist is PortBlocked.
func (s *Switch) Forward(now time.Duration, in PortID, f Frame) (v Verdict) {
	if now >= s.nextAging && s.learned.n > 0 {
		s.age(now)
	}
	p := s.port(in)
	if p == nil {
		v.Drop = PortBlocked
		return v
	}
	n := uint64(len(f.Data))
	p.counters.RxFrames++
	p.counters.RxBytes += n
	if p.express && s.hook == nil && !f.Tagged {
		if q, rule := s.express(now, p, f.Data, f.Segment); q != nil {
			s.out = append(s.out[:0], Output{Port: q.id})
			q.counters.TxFrames++
			q.counters.TxBytes += n
			v.Out, v.Rule, v.VLAN = s.out, rule, p.vlan
			return v
		}
	}
	s.judge(now, p, &f, false)
	s.count(p)
	s.tell(&v)
	return v
}

// count enters into the counters what judge has found about a frame from p.
func (s *Switch) count(p *port) {
	w := &s.w
	if len(s.out) == 0 && len(s.lost) == 0 {
		p.counters.Drops[w.dropped]++
	}
	for i := range s.lost {
		s.ports[s.lost[i].Port].counters.Drops[s.lost[i].Reason]++
	}
	n := uint64(len(w.f.Data))
	for i := range s.out {
		c := &s.ports[s.out[i].Port].counters
		c.TxFrames++
		c.TxBytes += n
	}
}

// tell puts together what judge has found. It writes where the caller wants it, which saves a copy.
func (s *Switch) tell(v *Verdict) {
	w := &s.w
	v.Out, v.Lost = s.out, s.lost
	v.Drop, v.Rule, v.VLAN = w.dropped, w.rule, w.fdb
	if w.replaced {
		v.Data = w.f.Data
	}
}

// judge leaves in s.w, s.out and s.lost what becomes of the frame.
func (s *Switch) judge(now time.Duration, p *port, f *Frame, dry bool) {
	w := &s.w
	w.begin(now, p, f, dry)
	s.serial++
	s.out = s.out[:0]
	s.lost = s.lost[:0]
	if !s.enter(w) || s.hook != nil && !s.runHook(w) {
		return
	}
	switch {
	case !p.leaf:
		s.fromUplink(w)
	case s.conf.Profile == Learning:
		s.flood(w)
	case w.dst&groupBit != 0:
		s.groupFromLeaf(w)
	default:
		s.unicastFromLeaf(w)
	}
	if !w.ended {
		s.finish(w)
	}
}

// enter runs the input checks in the order of the specification, sections 2.3 and 2.4; false: the frame ends here.
func (s *Switch) enter(w *passage) bool {
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
	if s.conf.BlockGuestBPDU && !p.conf.Uplink && (w.dst == linkLocalAddr || w.dst == pvstAddr && s.conf.BlockPVST) {
		return w.drop(GuestBPDU)
	}
	local := s.conf.LinkLocal && p.leaf && w.dst&^0xf == linkLocalAddr
	if local && !s.conf.LearnBeforeLinkLocal {
		return w.drop(LinkLocal)
	}
	if !w.tagged && p.trunk == nil && p.primary == 0 && s.pvlans == nil {
		w.wire, w.fdb = p.vlan, p.vlan
	} else if !s.admit(w) || !p.leaf && !s.used.has(w.wire) {
		return w.drop(VlanMismatch)
	}
	if !p.leaf {
		return true
	}
	if p.learns && !s.learn(w) {
		return w.drop(LearnLimit)
	}
	if local {
		return w.drop(LinkLocal)
	}
	return true
}

// parse reads the header; false if there is none. A tag that is cut off is no header either: what follows the addresses cannot be told.
func (w *passage) parse() bool {
	d := w.f.Data
	if len(d) < 14 {
		return false
	}
	w.dst = binary.BigEndian.Uint64(d) >> 16
	w.src = binary.BigEndian.Uint64(d[6:]) >> 16
	w.payload = len(d) - 14
	w.tagged, w.tci = w.f.Tagged, 0
	if w.tagged {
		w.tci = w.f.TCI
	} else if d[12] == 0x81 && d[13] == 0 {
		if len(d) < 18 {
			return false
		}
		w.tagged, w.tci = true, binary.BigEndian.Uint16(d[14:])
		w.payload -= 4
	}
	if w.f.Segment > 0 {
		w.payload = w.f.Segment
	}
	return true
}

// maySend is comparison 2 of the specification's section 1.1: the frame's source with what forged transmits compare with.
func (p *port) maySend(src uint64) bool {
	switch p.checkMode {
	case CheckInitial:
		return src == p.initial.addr()
	case CheckAllowed:
		return p.allows(src)
	}
	return src == p.station
}

func (p *port) allows(addr uint64) bool {
	if addr == p.initial.addr() {
		return true
	}
	for i := range p.pol.SourceCheck.Allowed {
		if p.pol.SourceCheck.Allowed[i].addr() == addr {
			return true
		}
	}
	return false
}

func (w *passage) drop(r Reason) bool {
	w.dropped, w.rule, w.ended = r, RuleDrop, true
	return false
}

// emit is section 2.5: a copy for q, once.
func (s *Switch) emit(w *passage, q *port) {
	if q.stamp == s.serial {
		return
	}
	q.stamp = s.serial
	if q.mtu > 0 && w.payload > q.mtu {
		s.lost = append(s.lost, Loss{q.id, MtuExceeded})
		return
	}
	s.out = append(s.out, s.tag(w, q))
}

func (s *Switch) lose(q *port, r Reason) {
	if q.stamp != s.serial {
		q.stamp = s.serial
		s.lost = append(s.lost, Loss{q.id, r})
	}
}

// finish names the reason of a frame that nobody got.
func (s *Switch) finish(w *passage) {
	if len(s.out) > 0 {
		return
	}
	w.rule = RuleDrop
	switch {
	case len(s.lost) > 0:
		w.dropped = s.lost[0].Reason
	case w.noUplink:
		w.dropped = UplinkDown
	case w.reversed:
		w.dropped = ReversePath
	default:
		w.dropped = UnknownUnicast
	}
}
