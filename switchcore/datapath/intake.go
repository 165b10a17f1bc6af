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

// change is what was seen and the switch was not told yet, as frames may come that were sent before.
type change struct {
	id   switchcore.PortID
	seen Seen
}

// changeGrace is how long after a change there may still be frames that were sent before it and have not reached the
// socket: the kernel hands them over in an interrupt's place, and when there are many, by a thread that waits for its
// turn like others. Until then a change is known for frames that were sent after it, and not told otherwise.
const changeGrace = 20 * time.Millisecond

// intake has frames judged by what was so when they were sent. What guests did to their adapters comes by another way
// than their frames, sooner or later than these: it keeps changes until no frame can be older, and frames until it is
// known what was so. It belongs to the owner.
type intake struct {
	clock
	core     *switchcore.Switch
	observer Observer // may be nil
	attached *attached
	waiting  *waitlist
	fwd      *forwarder
	stamps   timestamps
	pending  []change // of ports, in the order in which they happened
	spare    receiver // opened when it is needed
	troubled []trouble
}

// trouble is what a port has reported in place of a frame.
type trouble struct {
	p *port
	e unix.Errno
}

// batch judges frames of one port, in their order.
func (k *intake) batch(p *port, frames []received) {
	if len(k.pending) > 0 {
		k.inOrder(p, frames)
		return
	}
	now := k.now()
	k.stamps.expire(now)
	for i := range frames {
		k.one(now, p, &frames[i])
	}
}

// one judges a frame by what was so when it was sent.
func (k *intake) one(now time.Duration, p *port, r *received) {
	if len(k.pending) > 0 {
		k.applyUntil(r.at)
		k.applyFor(p, r)
	}
	f := r.frame()
	if k.observer != nil && !p.uplink && k.core.Suspect(p.id, f) && k.park(p, r) {
		return
	}
	k.fwd.judge(now, p, r.raw, f)
}

// first tells what was seen of an adapter when its port began to be followed. It counts as long as the observer has
// said nothing.
func (k *intake) first(p *port, seen Seen) {
	switch {
	case p == nil || p.heardOf:
	case seen.Up:
		k.apply(k.now(), p, seen)
	default:
		k.core.SetFilter(k.now(), p.id, seen.Filter)
		k.core.SetLink(k.now(), p.id, false)
	}
}

// holds tells whether a frame waits, or a change does for which one may.
func (k *intake) holds() bool {
	return len(k.pending) > 0 || slices.ContainsFunc(k.waiting.ports, func(p *port) bool { return len(p.parked) > 0 })
}

// due is when the first change has settled, at most a limit away; both are durations from now.
func (k *intake) due(limit time.Duration) time.Duration {
	if len(k.pending) == 0 {
		return limit
	}
	return min(limit, time.Until(time.Unix(0, k.pending[0].seen.By).Add(changeGrace)))
}

// look asks the observer, after frames were taken and before they are judged: what a guest did to its adapter before it
// sent them is then known (netlink tells it while it is done).
func (k *intake) look() {
	if k.observer == nil {
		return
	}
	if fd := k.observer.FD(); fd >= 0 && readable(fd) {
		k.drain()
	}
}

// drain takes what the observer saw. What was so long ago the switch is told at once.
func (k *intake) drain() {
	var confirmed []*port
	k.observer.Drain(func(id switchcore.PortID, seen Seen) {
		if p := k.attached.port(id); p != nil && p.knows(seen) && !k.changed(p) {
			k.apply(k.now(), p, seen)
			if !slices.ContainsFunc(p.parked, func(f parkedFrame) bool { return !seen.proves(&f) }) {
				confirmed = append(confirmed, p)
				return
			}
		}
		k.pending = append(k.pending, change{id, seen})
		if p := k.attached.port(id); p != nil && p.observed && seen.By > 0 && seen.Filter.MAC != p.filter.MAC {
			k.stamps.want(k.now())
		}
	})
	k.applyUntil(0)
	for _, p := range confirmed {
		// The address was still the known one after these had been sent: nothing that is still on its way can excuse
		// them.
		k.unpark(p, func(*parkedFrame) bool { return true })
	}
}

// applyUntil tells the switch what was so at a time.
func (k *intake) applyUntil(at int64) {
	n := 0
	for n < len(k.pending) && k.pending[n].seen.By <= at {
		n++
	}
	k.applyFirst(n)
}

// applyFor tells the switch what has to be known for a frame to be right: of a change it is known that it was finished
// at a time, but not since when. What happened before that change has happened too, the kernel changes one thing at a
// time.
func (k *intake) applyFor(p *port, r *received) {
	if len(r.raw) < vnetLen+macsLen {
		return
	}
	dst, src := switchcore.MAC(r.raw[vnetLen:]), switchcore.MAC(r.raw[vnetLen+6:])
	for i := range k.pending {
		c := &k.pending[i]
		q := k.attached.port(c.id)
		if q == nil || c.seen.After >= r.by || c.seen.Gone || c.seen.Filter.MAC == q.filter.MAC {
			continue
		}
		if mac := c.seen.Filter.MAC; q == p && mac == src || q != p && mac == dst {
			k.applyFirst(i + 1)
			return
		}
	}
}

// applyFirst tells the switch the first n changes, and has frames judged for which that settles what was so.
func (k *intake) applyFirst(n int) {
	if n == 0 {
		return
	}
	now := k.now()
	for i := range n {
		c := k.pending[i]
		p := k.attached.port(c.id)
		if p == nil { // detached meanwhile
			continue
		}
		if len(p.parked) > 0 {
			k.unpark(p, func(f *parkedFrame) bool { return f.by <= c.seen.After })
		}
		k.apply(now, p, c.seen)
		if len(p.parked) > 0 {
			k.unpark(p, func(f *parkedFrame) bool { return c.seen.proves(f) || !k.core.Suspect(p.id, f.frame) })
		}
	}
	left := copy(k.pending, k.pending[n:])
	clear(k.pending[left:])
	k.pending = k.pending[:left]
}

// applySettled tells the switch what no frame can be older than any more, or everything.
func (k *intake) applySettled(all bool) {
	until := time.Now().Add(-changeGrace).UnixNano()
	if len(k.pending) == 0 || !all && k.pending[0].seen.By > until {
		return
	}
	k.inOrder(nil, nil)
	if all {
		until = math.MaxInt64
	}
	k.applyUntil(until)
}

// arrivals are frames of one port, in the order in which they were sent.
type arrivals struct {
	p      *port
	frames []received
}

// inOrder judges frames of one port in the order in which they and those that are waiting at ports with changes were
// sent.
func (k *intake) inOrder(p *port, frames []received) {
	if len(k.pending) == 0 && len(frames) == 0 {
		return
	}
	queues := k.withChanged([]arrivals{{p, frames}})
	for now := k.now(); ; {
		first := -1
		for i, q := range queues {
			if len(q.frames) > 0 && (first < 0 || q.frames[0].at < queues[first].frames[0].at) {
				first = i
			}
		}
		if first < 0 {
			k.fwd.flush()
			return
		}
		q := &queues[first]
		k.one(now, q.p, &q.frames[0])
		q.frames = q.frames[1:]
		if len(q.frames) == 0 && k.changed(q.p) {
			q.frames = k.waitingAt(q.p)
			queues = k.withChanged(queues)
		}
	}
}

// withChanged adds what is waiting at ports with changes. While that is taken, there may be further changes.
func (k *intake) withChanged(queues []arrivals) []arrivals {
	for i := 0; i < len(k.pending); i++ {
		q := k.attached.port(k.pending[i].id)
		if q != nil && !slices.ContainsFunc(queues, func(have arrivals) bool { return have.p == q }) {
			queues = append(queues, arrivals{q, k.waitingAt(q)})
		}
	}
	return queues
}

// changed tells whether there are changes of a port that the switch was not told yet.
func (k *intake) changed(p *port) bool {
	return slices.ContainsFunc(k.pending, func(c change) bool { return c.id == p.id })
}

// waitingAt takes copies of the frames that are waiting at a port, the buffers being somebody else's at the moment.
func (k *intake) waitingAt(p *port) []received {
	if k.spare.slab == nil {
		if err := k.spare.open(); err != nil {
			return nil
		}
	}
	frames, e := k.spare.from(p)
	out := make([]received, len(frames))
	for i, f := range frames {
		f.raw = bytes.Clone(f.raw)
		out[i] = f
	}
	if len(frames) > 0 {
		k.look()
	}
	if e != 0 && e != unix.EAGAIN {
		k.troubled = append(k.troubled, trouble{p, e})
	}
	return out
}

// apply tells the switch.
func (k *intake) apply(now time.Duration, p *port, seen Seen) {
	id := p.id
	p.heardOf = true
	switch {
	case seen.Gone:
		p.observed, p.lost = false, true
		k.core.Disconnect(now, id)
	case p.uplink:
		if p.lost {
			p.lost = false
			k.core.Connect(now, id, switchcore.Filter{})
		}
		p.readAddress()
		k.core.SetLink(now, id, seen.Up)
	case !p.observed:
		p.observed, p.filter, p.up = true, seen.Filter, seen.Up
		k.core.Connect(now, id, seen.Filter)
		k.core.SetLink(now, id, seen.Up)
	default:
		p.up = seen.Up
		if !same(p.filter, seen.Filter) {
			p.filter = seen.Filter
			k.core.SetFilter(now, id, seen.Filter)
		}
		k.core.SetLink(now, id, seen.Up)
	}
}

// knows tells whether a leaf's adapter is as it was last told.
func (p *port) knows(seen Seen) bool {
	return p.observed && !seen.Gone && p.up == seen.Up && same(p.filter, seen.Filter)
}
