//go:build linux

package datapath

import (
	"time"

	"golang.org/x/sys/unix"
)

// When a frame was sent is only needed around the moments in which guests change their addresses. Otherwise it is enough to know
// between which two looks at the socket it came: the kernel's own times cost a tenth of what carrying a frame costs.
const (
	stampsKept = 30 * time.Second // after the last change
	// stampsAfter is how long the kernel takes to begin (net/core/dev.c, netstamp_work): before, it gives a frame the time at which it
	// is received.
	stampsAfter = 100 * time.Millisecond
)

// clock is the time that frames are compared with changes by; 0 where nobody needs it.
func (p *port) clock() int64 {
	if !p.timed {
		return 0
	}
	return time.Now().UnixNano()
}

// stampFrames has the frames of all ports come with their times, for a while, or not any more.
func (l *Loop) stampFrames(on bool) {
	was := l.stampsUntil > 0
	l.stampsUntil = 0
	if on {
		l.stampsUntil = l.now() + stampsKept
	}
	if was == on {
		return
	}
	for _, p := range l.ports {
		if p != nil {
			p.stampFrames(on)
		}
	}
}

func (p *port) stampFrames(on bool) {
	if p.tap || on == (p.stampsFrom > 0) {
		return
	}
	value, from := 0, int64(0)
	if on {
		value, from = 1, time.Now().Add(stampsAfter).UnixNano()
	}
	if unix.SetsockoptInt(p.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_NEW, value) == nil {
		p.stampsFrom = from
	}
}
