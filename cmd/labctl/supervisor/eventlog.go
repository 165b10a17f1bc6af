//go:build linux

package supervisor

import (
	"time"

	"labctl/cmd/labctl/wire"
)

// eventLog is what happened in a lab.
type eventLog struct {
	lab string
	*ring[wire.Happened]
}

func newEventLog(lab string) *eventLog { return &eventLog{lab, newRing[wire.Happened]()} }

// add appends an event and gives it its number and time.
func (l *eventLog) add(e wire.Happened) {
	l.ring.add(func(seq uint64) wire.Happened {
		e.Seq, e.Time, e.Lab = seq, time.Now(), l.lab
		return e
	})
}
