//go:build linux

package supervisor

import (
	"context"
	"fmt"
	"time"
)

// quiet returns when the switches know what the guests' adapters are like by now.
func (w *switches) quiet(ctx context.Context) error {
	for _, v := range w.list() {
		if err := v.watch.Quiet(ctx); err != nil {
			return fmt.Errorf("%s: read its guests' adapters: %w", v.node, err)
		}
	}
	return w.idle(ctx)
}

// Switches that somebody keeps busy are waited for no longer than idleAtMost, and so many looks: on a busy machine the
// time may pass while nobody runs.
const (
	idleAtMost  = 100 * time.Millisecond
	idleAtLeast = 20
)

// idle returns when no frame is under way in the switches.
func (w *switches) idle(ctx context.Context) error {
	list := w.list()
	if len(list) == 0 {
		return nil
	}
	return untilIdle(ctx, func() (taken uint64, held bool) {
		for _, v := range list {
			n, h := v.loop.Traffic()
			taken, held = taken+n, held || h
		}
		return taken, held
	})
}

// untilIdle looks at the traffic of the switches until they are idle. A frame may be on its way from one to another, or
// to a guest and back, so none of them must have taken any between three looks at all; between two looks a loop takes
// what every port has.
func untilIdle(ctx context.Context, traffic func() (taken uint64, held bool)) error {
	begin := time.Now()
	var last uint64
	for calm, looks := 0, 0; calm < 3 && (looks < idleAtLeast || time.Since(begin) < idleAtMost); looks++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		taken, held := traffic()
		if calm++; taken != last || held {
			calm = 1
		}
		if last = taken; held {
			select {
			case <-time.After(time.Millisecond):
			case <-ctx.Done():
			}
		}
	}
	return nil
}
