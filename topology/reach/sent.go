package reach

import (
	"slices"
	"time"
)

// Sent is what a ping has sent itself, by which its frames can be told from those of other pings and of anybody else.
type Sent struct {
	Cookie [8]byte // the first bytes of the data of each of its echo requests, and so of the replies
	Tries  []Try   // in the order of their time
}

// Try is one echo request, connection or datagram.
type Try struct {
	// of an echo request: identifier and sequence number, in network byte order; no other request has them
	Key   uint32
	Port  uint16    // else: the source port, which no other try has had for two minutes
	From  time.Time // when it was sent
	Until time.Time // until when neighbours may have been asked for on its account
}

// During reports whether something happened while neighbours may have been asked for on account of this ping.
func (s Sent) During(at time.Time) bool {
	return slices.ContainsFunc(s.Tries, func(t Try) bool { return !at.Before(t.From) && !at.After(t.Until) })
}

// over ends the last try of the pair.
func (pr *pair) over() {
	if n := len(pr.tries); n > 0 && pr.tries[n-1].Until.IsZero() {
		pr.tries[n-1].Until = time.Now()
	}
}
