//go:build linux

package supervisor

import (
	"context"
	"errors"
	"testing"
	"time"
)

// Switches are idle when they have taken nothing between three looks and hold nothing at the last of them.
func TestUntilIdle(t *testing.T) {
	type look struct {
		taken uint64
		held  bool
	}
	for _, c := range []struct {
		name  string
		looks []look // the last one stays
		want  int    // how many it takes
	}{
		{"nothing was ever taken", []look{{0, false}}, 3},
		{"nothing more is taken", []look{{7, false}}, 3},
		{"frames come one by one", []look{{1, false}, {2, false}, {2, false}, {3, false}}, 6},
		{"a frame is held", []look{{1, true}, {1, true}, {1, false}}, 4},
		{"a held frame comes back", []look{{1, true}, {1, false}, {2, false}}, 5},
	} {
		n := 0
		err := untilIdle(context.Background(), func() (uint64, bool) {
			if n == 0 { // the machine has other things to do
				<-time.After(idleAtMost)
			}
			l := c.looks[min(n, len(c.looks)-1)]
			n++
			return l.taken, l.held
		})
		if err != nil || n != c.want {
			t.Errorf("%s: idle after %d looks, %v; want %d", c.name, n, err, c.want)
		}
	}
}

// Somebody who keeps the switches busy holds nobody up for long; a call that is given up says so.
func TestUntilIdleEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*idleAtMost)
	defer cancel()
	n, begin := uint64(0), time.Now()
	busy := func() (uint64, bool) { n++; return n, true }
	if err := untilIdle(ctx, busy); err != nil || time.Since(begin) < idleAtMost {
		t.Errorf("busy switches were waited for %v, %v; want %v", time.Since(begin), err, idleAtMost)
	}
	cancel()
	if err := untilIdle(ctx, busy); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}
