//go:build linux

package datapath

import (
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
}

// Before the switch punishes a frame for its source, the adapter is looked at again: what netlink tells may be late. How often is
// limited, or whoever forges would keep the observer busy; and how long is, as it may never answer.
const (
	rereads      = 10 // a second, for one port
	parkedAtMost = 50 * time.Millisecond
)

// parkedFrame is a copy of a frame that waits for the observer.
type parkedFrame struct {
	raw   []byte
	frame switchcore.Frame
}

// drain takes over what the observer saw. Ports that it speaks of do not wait any longer.
func (l *Loop) drain() {
	var answered []*port
	now := l.now()
	l.o.Observer.Drain(func(id switchcore.PortID, seen Seen) {
		p := l.port(id)
		l.apply(now, id, p, seen)
		if p != nil && len(p.parked) > 0 {
			answered = append(answered, p)
		}
	})
	for _, p := range answered {
		l.unpark(p)
	}
}

// apply tells the switch.
func (l *Loop) apply(now time.Duration, id switchcore.PortID, p *port, seen Seen) {
	switch {
	case p == nil: // detached meanwhile
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
		p.observed, p.filter = true, seen.Filter
		l.core.Connect(now, id, seen.Filter)
		l.core.SetLink(now, id, seen.Up)
	default:
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

// park keeps the frames of a port, the first of which is suspect, until its adapter was looked at again; false: it was looked at
// too often. Meanwhile nothing more is taken from the port, so that the kernel keeps what follows, in order.
func (l *Loop) park(p *port, frames []received, now time.Duration) bool {
	p.budget = min(p.budget+rereads*(now-p.refilled).Seconds(), rereads)
	p.refilled = now
	if p.budget < 1 {
		return false
	}
	p.budget--
	for i := range frames {
		c := received{append([]byte(nil), frames[i].raw...), frames[i].tci, frames[i].tagged}
		p.parked = append(p.parked, parkedFrame{c.raw, c.frame()})
	}
	l.listen(p, 0)
	l.waitFor(p, now+parkedAtMost)
	l.o.Observer.Reread(p.id)
	return true
}

// unpark judges what waited, by what is known now.
func (l *Loop) unpark(p *port) {
	parked := p.parked
	if len(parked) == 0 {
		return
	}
	p.parked = nil
	if p.down == 0 {
		l.stopWaiting(p)
	}
	l.listen(p, unix.EPOLLIN)
	now := l.now()
	for i := range parked {
		l.judge(now, p, parked[i].raw, parked[i].frame)
	}
	l.flush()
}

func (l *Loop) listen(p *port, events uint32) {
	_ = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_MOD, p.fd, &unix.EpollEvent{Events: events, Fd: int32(p.id)})
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
		l.unpark(p)
		if p.down > 0 {
			l.checkDown(p, now)
		}
	}
}
