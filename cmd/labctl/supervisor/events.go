//go:build linux

package supervisor

import (
	"context"
	"encoding/json"
	"sync"
	"time"
)

// Happened is one event of a running lab. Kinds are a closed list, see docs/events.md.
type Happened struct {
	Seq    uint64    `json:"seq"` // counts from 1; a gap means that events were lost
	Time   time.Time `json:"time"`
	Lab    string    `json:"lab"`
	Kind   string    `json:"kind"`
	Node   string    `json:"node,omitempty"`
	Object string    `json:"object,omitempty"` // a port, an interface, a key
	Old    string    `json:"old,omitempty"`
	New    string    `json:"new,omitempty"`
	Cause  string    `json:"cause,omitempty"`
}

// eventsKept is how many events a supervisor remembers.
const eventsKept = 4096

// eventLog is a bounded ring of events that any number of readers follow at their own pace.
type eventLog struct {
	lab string

	mu   sync.Mutex
	ring []Happened
	seq  uint64
	more chan struct{} // closed when there is a new event, and then replaced
}

func newEventLog(lab string) *eventLog { return &eventLog{lab: lab, more: make(chan struct{})} }

// add appends an event and gives it its number and time.
func (l *eventLog) add(e Happened) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	e.Seq, e.Time, e.Lab = l.seq, time.Now(), l.lab
	if len(l.ring) < eventsKept {
		l.ring = append(l.ring, e)
	} else {
		l.ring[(l.seq-1)%eventsKept] = e
	}
	close(l.more)
	l.more = make(chan struct{})
}

// after returns the events with numbers above seq that are still kept, and a channel that is closed when there are more.
func (l *eventLog) after(seq uint64) ([]Happened, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := uint64(1)
	if l.seq > eventsKept {
		first = l.seq - eventsKept + 1
	}
	var out []Happened
	for n := max(first, seq+1); n <= l.seq; n++ {
		out = append(out, l.ring[(n-1)%eventsKept])
	}
	return out, l.more
}

// last is the number of the last event.
func (l *eventLog) last() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seq
}

// FollowParams asks for what is remembered, and with Follow for what comes until the caller goes away.
type FollowParams struct {
	Nodes  []string `json:"nodes,omitempty"`
	Follow bool     `json:"follow"`
}

func events(ctx context.Context, c *call) (any, error) {
	var p FollowParams
	if err := json.Unmarshal(c.params, &p); err != nil {
		return nil, err
	}
	for seq := uint64(0); ; {
		list, more := c.happened.after(seq)
		for _, e := range list {
			if seq != 0 && e.Seq > seq+1 {
				if err := c.item(Happened{Seq: seq + 1, Time: e.Time, Lab: e.Lab, Kind: "overflow", Cause: "events were lost: they came faster than they were read"}); err != nil {
					return nil, err
				}
			}
			if err := c.item(e); err != nil {
				return nil, err
			}
			seq = e.Seq
		}
		if !p.Follow {
			return struct{}{}, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return struct{}{}, nil
		}
	}
}
