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

// The destinations and bits that decide something by themselves.
const (
	broadcastAddr = 1<<48 - 1
	groupBit      = 1 << 40
	linkLocalAddr = 0x0180c2000000 // spanning tree; the first of 16 that no bridge forwards (IEEE 802.1Q table 8-1)
	pvstAddr      = 0x01000ccccccd // per-VLAN spanning tree of Cisco
)

func (w *passage) begin(now time.Duration, p *port, f *Frame, dry bool) {
	w.now, w.p, w.dry = now, p, dry
	// Field by field: a processor that has just written words cannot read them in larger pieces without waiting for its
	// own writes.
	w.f.Data, w.f.TCI, w.f.Tagged, w.f.Segment = f.Data, f.TCI, f.Tagged, f.Segment
	w.found = found{}
}

// parse reads the header; false if there is none. A tag that is cut off is not a header either: what follows the
// addresses cannot be told.
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

// drop ends the passage; it is false, for who asks whether the frame goes on.
func (w *passage) drop(r Reason) bool {
	w.dropped, w.rule, w.ended = r, RuleDrop, true
	return false
}

// vid is the VLAN id of the frame's tag, 0 without one.
func (w *passage) vid() uint16 {
	if !w.tagged {
		return 0
	}
	return w.tci & 0xfff
}

// group tells whether the frame is for more than one station: broadcast or multicast.
func (w *passage) group() bool { return w.dst&groupBit != 0 }

// groupRule is what decides about a frame for a group.
func groupRule(dst uint64) Rule {
	if dst == broadcastAddr {
		return RuleBroadcast
	}
	return RuleMulticast
}

// inVLANOf tells whether the frame is in a VLAN of q. Private VLANs are told apart by isolates.
func (w *passage) inVLANOf(q *port) bool {
	switch {
	case q.trunk != nil:
		return q.trunk.has(w.wire)
	case q.primary != 0:
		return q.primary == w.fdb
	}
	return q.vlan == w.wire
}

// tagAt is the outermost tag of the frame as it leaves by q. Ports in one VLAN never show it; a trunk shows the VLAN on
// the wire, with the priority that came with the frame, and where there is no VLAN what was sent.
func (w *passage) tagAt(q *port) Output {
	o := Output{Port: q.id}
	switch {
	case q.tags == tagsNever:
	case q.tags == tagsAreData:
		o.Tagged, o.TCI = w.tagged, w.tci
	case w.wire != 0:
		o.Tagged, o.TCI = true, w.tci&0xf000|w.wire
	case w.keep:
		o.Tagged, o.TCI = w.tagged, w.tci
	}
	return o
}
