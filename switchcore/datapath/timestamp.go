//go:build linux

package datapath

import (
	"time"

	"golang.org/x/sys/unix"
)

// When a frame was sent is only needed around the moments in which guests change their addresses. Otherwise it is
// enough to know between which two looks at the socket it came: the kernel's own times cost a tenth of what carrying a
// frame costs.
const (
	timestampsKept = 30 * time.Second // after the last change
	// timestampsAfter is how long the kernel takes to begin (net/core/dev.c, netstamp_work): before, it gives a frame
	// the time at which it is received.
	timestampsAfter = 100 * time.Millisecond
)

// clock is the time that frames are compared with changes by; 0 where nobody needs it.
func (p *port) clock() int64 {
	if !p.timed {
		return 0
	}
	return time.Now().UnixNano()
}

// timestamps has the kernel tell when frames were received.
type timestamps struct {
	attached *attached
	until    time.Duration // how long frames are to have times; 0: they have none
}

// want has the frames of all ports come with their times, for a while.
func (s *timestamps) want(now time.Duration) {
	was := s.until > 0
	s.until = now + timestampsKept
	if !was {
		s.set(true)
	}
}

// expire ends the while.
func (s *timestamps) expire(now time.Duration) {
	if s.until > 0 && now > s.until {
		s.until = 0
		s.set(false)
	}
}

// set is for all ports that are attached now; plug sees to those to come.
func (s *timestamps) set(on bool) {
	for _, p := range s.attached.ports {
		if p != nil {
			p.timestamp(on)
		}
	}
}

// timestamp has the frames of a port come with their times, or not any more.
func (p *port) timestamp(on bool) {
	if p.tap || on == (p.timestampsFrom > 0) {
		return
	}
	value, from := 0, int64(0)
	if on {
		value, from = 1, time.Now().Add(timestampsAfter).UnixNano()
	}
	if unix.SetsockoptInt(p.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_NEW, value) == nil {
		p.timestampsFrom = from
	}
}
