//go:build linux

package supervisor

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"labctl/cmd/labctl/wire"
)

// eventsKept is how many events a supervisor remembers.
const eventsKept = 4096

// eventLog is a bounded ring of events that any number of readers follow at their own pace.
type eventLog struct {
	lab string

	mu   sync.Mutex
	ring []wire.Happened
	seq  uint64
	more chan struct{} // closed when there is a new event, and then replaced
}

func newEventLog(lab string) *eventLog { return &eventLog{lab: lab, more: make(chan struct{})} }

// add appends an event and gives it its number and time.
func (l *eventLog) add(e wire.Happened) {
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
func (l *eventLog) after(seq uint64) ([]wire.Happened, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := uint64(1)
	if l.seq > eventsKept {
		first = l.seq - eventsKept + 1
	}
	var out []wire.Happened
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

func events(ctx context.Context, c *call) (any, error) {
	var p wire.FollowParams
	if err := json.Unmarshal(c.params, &p); err != nil {
		return nil, err
	}
	for seq := uint64(0); ; {
		list, more := c.happened.after(seq)
		for _, e := range list {
			if seq != 0 && e.Seq > seq+1 {
				if err := c.item(wire.Happened{Seq: seq + 1, Time: e.Time, Lab: e.Lab, Kind: "overflow", Cause: "events were lost: they came faster than they were read"}); err != nil {
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
