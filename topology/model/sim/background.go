package sim

import (
	"net/netip"
	"time"

	"labctl/switchcore"
)

// Stream is echo requests with one identifier, until it is stopped.
type Stream struct {
	w       *World
	from    *node
	iface   string
	to      netip.Addr
	every   time.Duration
	key     uint32
	rounds  []*Round
	seq     uint32
	stopped bool
}

// Round is one request of a stream.
type Round struct {
	Sent     time.Duration
	Answered bool
	Other    bool // from another address than was asked
	key      uint32
}

// NewStream begins to send echo requests from a node, one now and then one every so often.
func (w *World) NewStream(from, iface string, to netip.Addr, every time.Duration) *Stream {
	w.lastStream++
	s := &Stream{w: w, from: w.node(from), iface: iface, to: to, every: every, key: streamBit | w.lastStream<<16}
	w.streaming(s)
	before := w.others
	w.others = func() {
		before()
		if !s.stopped {
			s.send()
		}
	}
	s.send()
	w.Repeat(every, 0, func() bool {
		if !s.stopped {
			s.send()
		}
		return !s.stopped
	})
	return s
}

// streaming has a stream take what comes back for it, behind those who ask for a moment.
func (w *World) streaming(s *Stream) {
	w.askers = append([]func(*node, Echoed){func(n *node, e Echoed) {
		if n.name == s.from.name && e.Key&^0xffff == s.key {
			s.answer(e)
		}
	}}, w.askers...)
}

// send sends one request.
func (s *Stream) send() {
	s.seq++
	r := &Round{Sent: s.w.now, key: s.key | s.seq&0xffff}
	s.rounds = append(s.rounds, r)
	if len(s.rounds) > 256 {
		s.rounds = s.rounds[128:]
	}
	if n := s.w.node(s.from.name); n != nil {
		n.request(r.key, n.byName[s.iface], number(s.to), Form{Size: Payload})
	}
	s.w.flow()
}

// answer notes what has come back.
func (s *Stream) answer(e Echoed) {
	for _, r := range s.rounds {
		if r.key == e.Key && !e.Error && !e.Redirect {
			r.Answered = true
			r.Other = r.Other || e.From != s.to
		}
	}
}

// Rounds are the requests that were sent after a moment, and whose time is over.
func (s *Stream) Rounds(since time.Duration) (out []Round) {
	const least = 200 * time.Millisecond
	for _, r := range s.rounds {
		if r.Sent > since && s.w.now-r.Sent >= max(s.every*9/10, least) {
			out = append(out, *r)
		}
	}
	return out
}

// Key is the key of the stream's requests, without what counts them.
func (s *Stream) Key() uint32 { return s.key }

// Stop ends the stream.
func (s *Stream) Stop() { s.stopped = true }

// Repeat has something done every so often, the first time later by that much, until it says false or is stopped.
func (w *World) Repeat(every, later time.Duration, do func() bool) (stop func()) {
	over := false
	var again func()
	again = func() {
		if !over && do() {
			w.after(every, again)
		}
	}
	w.after(every+later, again)
	return func() { over = true }
}

// Put sends a frame by an interface, as a packet socket does.
func (w *World) Put(name, iface string, data []byte) {
	if d := w.device(name, iface); d != nil {
		d.transmit(frame{data: data})
		w.flow()
	}
}

// Foreign notes that something has happened to a node, or is said of it, that may change what it does with packets.
func (w *World) Foreign(name string, r Reason, why string) {
	if n := w.node(name); n != nil {
		n.foreign = Doubt{r, why}
	}
}

// BareEcho is an echo request without data, identifier and sequence number 0, as an IPv4 packet.
func BareEcho(from, to netip.Addr) []byte {
	b := []byte{icmpEcho, 0, 0, 0, 0, 0, 0, 0}
	sumICMP(b)
	p := newPacket(number(from), number(to), 64, protoICMP, b)
	p[5] = 1 // its identification
	p.sum()
	return p
}

// UnaskedReply is an ARP reply to somebody that an address is at a MAC, padded.
func UnaskedReply(from, at, to switchcore.MAC, ip, toIP netip.Addr) []byte {
	f := arpFrame(to, from, arp{op: arpReply, sha: at, sip: number(ip), tha: to, tip: number(toIP)})
	return append(f.data, make([]byte, minFrame-len(f.data))...)
}
