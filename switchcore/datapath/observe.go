//go:build linux

package datapath

import (
	"bytes"
	"math"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
)

// Observer tells a loop what the guests behind its ports have programmed into their adapters. The loop calls it from its owner
// only, except for FD, which it also calls once in Start.
type Observer interface {
	// FD is readable while something may have changed; the same as long as the loop runs. -1: nothing is observed.
	FD() int
	// Drain hands over what changed, in order, and never blocks. It is called after frames were received and before they are
	// judged, so that a change that was finished before a frame was sent is known when the frame is judged.
	Drain(each func(port switchcore.PortID, seen Seen))
	// Reread asks for a fresh look at a port, by another thread. Its result arrives through Drain, also if nothing has changed.
	Reread(port switchcore.PortID)
}

// Seen is what an observer saw at a port.
type Seen struct {
	Filter switchcore.Filter // of the guest's adapter; unused at an uplink
	Up     bool              // the switch's own end has a carrier
	Gone   bool              // there is no adapter any more, and the rest says nothing
	// After and By say when it became so, in nanoseconds of Unix time: later than After and not later than By. Frames are judged by
	// what was so when they were sent. After is zero if nobody knows since when it is so, as after a look at the adapter; By is zero
	// if it has been so for longer than any frame was on its way.
	After, By int64
	// From is when the look at the adapter began that has found this; zero if it was told otherwise.
	From int64
}

// change is what was seen and the switch was not told yet, as frames may come that were sent before.
type change struct {
	id   switchcore.PortID
	seen Seen
}

// settled is how long after a change there may still be frames that were sent before it and have not reached the socket: the
// kernel hands them over in an interrupt's place, and when there are many, by a thread that waits for its turn like others. Until then
// a change is known for frames that were sent after it, and not told otherwise.
const settled = 20 * time.Millisecond

// Observe tells what an adapter was like when its port began to be followed. It counts as long as the observer has said nothing of
// the port, which is later. Without effect on a port that nothing is attached to.
func (l *Loop) Observe(id switchcore.PortID, seen Seen) {
	l.do(func() {
		p := l.port(id)
		switch {
		case p == nil || p.told:
		case seen.Up:
			l.apply(l.now(), p, seen)
		default:
			l.core.SetFilter(l.now(), id, seen.Filter)
			l.core.SetLink(l.now(), id, false)
		}
	})
}

// look asks the observer, after frames were taken and before they are judged: what a guest did to its adapter before it sent them
// is then known (netlink tells it while it is done).
func (l *Loop) look() {
	if l.o.Observer == nil {
		return
	}
	if fd := l.o.Observer.FD(); fd >= 0 && readable(fd) {
		l.drain()
	}
}

// drain takes what the observer saw. What was so long ago the switch is told at once.
func (l *Loop) drain() {
	var confirmed []*port
	l.o.Observer.Drain(func(id switchcore.PortID, seen Seen) {
		if p := l.port(id); p != nil && p.knows(seen) && !l.changed(p) {
			l.apply(l.now(), p, seen)
			if !slices.ContainsFunc(p.parked, func(f parkedFrame) bool { return !seen.proves(&f) }) {
				confirmed = append(confirmed, p)
				return
			}
		}
		l.pending = append(l.pending, change{id, seen})
		if p := l.port(id); p != nil && p.observed && seen.By > 0 && seen.Filter.MAC != p.filter.MAC {
			l.stampFrames(true)
		}
	})
	l.applyUntil(0)
	for _, p := range confirmed {
		// The address was still the known one after these had been sent: nothing that is still on its way can excuse them.
		l.unpark(p, func(*parkedFrame) bool { return true })
	}
}

// proves tells whether the address that was seen was the guest's still, or already, after the frame had been sent: nothing better
// can be learned of it.
func (s *Seen) proves(f *parkedFrame) bool { return s.After == 0 && (s.From == 0 || f.by <= s.From) }

// knows tells whether a leaf's adapter is as it was last told.
func (p *port) knows(seen Seen) bool {
	return p.observed && !seen.Gone && p.up == seen.Up && same(p.filter, seen.Filter)
}

// applyUntil tells the switch what was so at a time.
func (l *Loop) applyUntil(at int64) {
	n := 0
	for n < len(l.pending) && l.pending[n].seen.By <= at {
		n++
	}
	l.applyFirst(n)
}

// applyFor tells the switch what has to be known for a frame to be right: of a change it is known that it was finished at a time,
// but not since when. What happened before that change has happened too, the kernel changes one thing at a time.
func (l *Loop) applyFor(p *port, r *received) {
	if len(r.raw) < vnetLen+macsLen {
		return
	}
	dst, src := switchcore.MAC(r.raw[vnetLen:]), switchcore.MAC(r.raw[vnetLen+6:])
	for i := range l.pending {
		c := &l.pending[i]
		q := l.port(c.id)
		if q == nil || c.seen.After >= r.by || c.seen.Gone || c.seen.Filter.MAC == q.filter.MAC {
			continue
		}
		if mac := c.seen.Filter.MAC; q == p && mac == src || q != p && mac == dst {
			l.applyFirst(i + 1)
			return
		}
	}
}

func (l *Loop) applyFirst(n int) {
	if n == 0 {
		return
	}
	now := l.now()
	for i := range n {
		c := l.pending[i]
		p := l.port(c.id)
		if p == nil { // detached meanwhile
			continue
		}
		if len(p.parked) > 0 {
			l.unpark(p, func(f *parkedFrame) bool { return f.by <= c.seen.After })
		}
		l.apply(now, p, c.seen)
		if len(p.parked) > 0 {
			l.unpark(p, func(f *parkedFrame) bool { return c.seen.proves(f) || !l.core.Suspect(p.id, f.frame) })
		}
	}
	left := copy(l.pending, l.pending[n:])
	clear(l.pending[left:])
	l.pending = l.pending[:left]
}

// settle tells the switch what no frame can be older than any more, or everything.
func (l *Loop) settle(all bool) {
	until := time.Now().Add(-settled).UnixNano()
	if len(l.pending) == 0 || !all && l.pending[0].seen.By > until {
		return
	}
	l.judgeInOrder(nil, nil)
	if all {
		until = math.MaxInt64
	}
	l.applyUntil(until)
}

// arrivals are frames of one port, in the order in which they were sent.
type arrivals struct {
	p      *port
	frames []received
}

// judgeInOrder judges frames of one port in the order in which they and those that are waiting at ports with changes were sent.
func (l *Loop) judgeInOrder(p *port, frames []received) {
	if len(l.pending) == 0 && len(frames) == 0 {
		return
	}
	queues := l.withChanged([]arrivals{{p, frames}})
	for now := l.now(); ; {
		first := -1
		for i, q := range queues {
			if len(q.frames) > 0 && (first < 0 || q.frames[0].at < queues[first].frames[0].at) {
				first = i
			}
		}
		if first < 0 {
			l.flush()
			return
		}
		q := &queues[first]
		l.judgeOne(now, q.p, &q.frames[0])
		q.frames = q.frames[1:]
		if len(q.frames) == 0 && l.changed(q.p) {
			q.frames = l.more(q.p)
			queues = l.withChanged(queues)
		}
	}
}

// withChanged adds what is waiting at ports with changes. While that is taken, there may be further changes.
func (l *Loop) withChanged(queues []arrivals) []arrivals {
	for i := 0; i < len(l.pending); i++ {
		q := l.port(l.pending[i].id)
		if q != nil && !slices.ContainsFunc(queues, func(have arrivals) bool { return have.p == q }) {
			queues = append(queues, arrivals{q, l.more(q)})
		}
	}
	return queues
}

// changed tells whether there are changes of a port that the switch was not told yet.
func (l *Loop) changed(p *port) bool {
	return slices.ContainsFunc(l.pending, func(c change) bool { return c.id == p.id })
}

// more takes copies of the frames that are waiting at a port, the buffers being somebody else's at the moment.
func (l *Loop) more(p *port) []received {
	if l.aside.slab == nil {
		if err := l.aside.open(); err != nil {
			return nil
		}
	}
	frames, e := l.from(&l.aside, p)
	out := make([]received, len(frames))
	for i, f := range frames {
		f.raw = bytes.Clone(f.raw)
		out[i] = f
	}
	if len(frames) > 0 {
		l.look()
	}
	if e != 0 && e != unix.EAGAIN {
		l.trouble(p, e, 0)
	}
	return out
}

// Before the switch punishes a frame for its source, the adapter is looked at again: what netlink tells may be late. How often is
// limited, or whoever forges would keep the observer busy; how long is, as it may never answer; and how much waits.
const (
	rereads      = 10 // a second, for one port
	parkedAtMost = 50 * time.Millisecond
	parkedBytes  = 1 << 20
)

// parkedFrame is a copy of a frame that waits for the observer.
type parkedFrame struct {
	received
	frame switchcore.Frame
}

// apply tells the switch.
func (l *Loop) apply(now time.Duration, p *port, seen Seen) {
	id := p.id
	p.told = true
	switch {
	case seen.Gone:
		p.observed, p.lost = false, true
		l.core.Disconnect(now, id)
	case p.uplink:
		if p.lost {
			p.lost = false
			l.core.Connect(now, id, switchcore.Filter{})
		}
		p.readAddress()
		l.core.SetLink(now, id, seen.Up)
	case !p.observed:
		p.observed, p.filter, p.up = true, seen.Filter, seen.Up
		l.core.Connect(now, id, seen.Filter)
		l.core.SetLink(now, id, seen.Up)
	default:
		p.up = seen.Up
		if !same(p.filter, seen.Filter) {
			p.filter = seen.Filter
			l.core.SetFilter(now, id, seen.Filter)
		}
		l.core.SetLink(now, id, seen.Up)
	}
}

func same(a, b switchcore.Filter) bool {
	return a.MAC == b.MAC && a.Promiscuous == b.Promiscuous && a.AllMulti == b.AllMulti && slices.Equal(a.Groups, b.Groups)
}

// park keeps a suspect frame until the port's adapter was looked at again; false: it was looked at too often, or too much is kept
// already. What comes behind it from the known address does not wait.
func (l *Loop) park(p *port, r *received) bool {
	if len(p.parked) == 0 {
		now := l.now()
		p.budget = min(p.budget+rereads*(now-p.refilled).Seconds(), rereads)
		p.refilled = now
		if p.budget < 1 {
			return false
		}
		p.budget--
		l.waitFor(p, now+parkedAtMost)
		l.o.Observer.Reread(p.id)
	} else if p.parkedSize+len(r.raw) > parkedBytes {
		return false
	}
	c := *r
	c.raw = bytes.Clone(r.raw)
	p.parkedSize += len(c.raw)
	p.parked = append(p.parked, parkedFrame{c, c.frame()})
	return true
}

// unpark judges those of the frames that wait for which nothing more can be learned, by what is known now.
func (l *Loop) unpark(p *port, ripe func(*parkedFrame) bool) {
	now := l.now()
	left, size := p.parked[:0], 0
	for _, f := range p.parked {
		if !ripe(&f) {
			left = append(left, f)
			size += len(f.raw)
			continue
		}
		l.judge(now, p, f.raw, f.frame)
	}
	clear(p.parked[len(left):])
	p.parked, p.parkedSize = left, size
	if len(left) == 0 && p.down == 0 {
		l.stopWaiting(p)
	}
	l.flush()
}

// waitFor has a port looked at again when its time has come.
func (l *Loop) waitFor(p *port, due time.Duration) {
	p.due = due
	for _, have := range l.waiting {
		if have == p {
			return
		}
	}
	l.waiting = append(l.waiting, p)
}

func (l *Loop) stopWaiting(p *port) {
	for i, have := range l.waiting {
		if have == p {
			l.waiting = append(l.waiting[:i:i], l.waiting[i+1:]...)
			return
		}
	}
}

// checkWaiting looks at the ports whose time has come.
func (l *Loop) checkWaiting() {
	now := l.now()
	for _, p := range append([]*port(nil), l.waiting...) {
		if p.due > now || l.port(p.id) != p {
			continue
		}
		l.unpark(p, func(*parkedFrame) bool { return true })
		if p.down > 0 {
			l.checkDown(p, now)
		}
	}
}
