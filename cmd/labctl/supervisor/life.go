//go:build linux

package supervisor

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"labctl/cmd/labctl/wire"
)

// life is how a lab fares, and who changes it or sends probes through it: one at a time, who holds writeLock.
type life struct {
	instance  string
	writeLock chan struct{} // capacity 1: a lock that a context can give up waiting for

	mu     sync.Mutex
	state  string                  // starting running degraded stopping
	why    string                  // it is degraded
	torn   bool                    // a "down" has not come to its end: what is left can only be removed
	doing  string                  // what holds writeLock, in words
	asker  context.Context         // ends when who asked for that is gone; nil: nobody has
	cancel context.CancelCauseFunc // of what holds writeLock
}

// newLife is that of a lab that starts.
func newLife(name string) *life {
	return &life{instance: name, writeLock: make(chan struct{}, 1), state: "starting"}
}

// begin notes what the holder of writeLock does, for whom, and how to end it; false: the lab is being taken down, and
// it must not begin.
func (l *life) begin(doing string, asker context.Context, cancel context.CancelCauseFunc) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == "stopping" {
		return false
	}
	l.cancel, l.doing, l.asker = cancel, doing, asker
	return true
}

// does says what the holder of writeLock does by now.
func (l *life) does(doing string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.doing = doing
}

// end is for the holder of writeLock when that is done; it returns what it was.
func (l *life) end() (doing string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	doing, l.doing, l.asker = l.doing, "", nil
	return doing
}

// interrupt ends what holds writeLock, for a "down". Of one that starts, which clears away itself, it returns true; of
// others nobody who waits to change them begins any more.
func (l *life) interrupt(why error) (starting bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cancel != nil {
		l.cancel(why)
	}
	if starting = l.state == "starting"; !starting {
		l.state = "stopping"
	}
	return starting
}

// stop ends what holds writeLock, whatever it is, and nobody begins any more; it returns true if somebody has said so
// before.
func (l *life) stop(why error) (before bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, l.state = l.state == "stopping", "stopping"
	if l.cancel != nil {
		l.cancel(why)
	}
	return before
}

func (l *life) set(state string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = state
}

func (l *life) is(state string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state == state
}

// started is said when the lab is ready. One that is being taken down meanwhile goes on doing so.
func (l *life) started() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == "starting" {
		l.state = "running"
	}
}

// degrade marks a lab of which nobody can say what the kernel has of it. One that is being taken down goes on doing so.
func (l *life) degrade(why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != "stopping" {
		l.state, l.why = "degraded", why
	}
}

// halfDown marks a lab that could not be taken down in full.
func (l *life) halfDown(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.torn, l.state, l.why = true, "degraded", "not all of it could be removed: "+err.Error()
}

// isTorn reports whether a "down" has not come to its end.
func (l *life) isTorn() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.torn
}

// recovered is said when the kernel has what the lab says. One that is being taken down meanwhile goes on doing so.
func (l *life) recovered() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == "degraded" {
		l.state, l.why = "running", ""
	}
}

func (l *life) degraded() bool { return l.is("degraded") }

// requireIntact refuses to build on a change that failed midway: what differs from the file could not be told any more.
func (l *life) requireIntact() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.state != "degraded":
		return nil
	case l.torn:
		return wire.Failed.Errorf("%s is degraded: %s; \"labctl down %s\" tries again", l.instance, l.why, l.instance)
	}
	return wire.Failed.Errorf("%s is degraded: %s; \"labctl up\" with its file heals it; mend the file first, if it "+
		"is the cause", l.instance, l.why)
}

// report is the state of the lab, why it is degraded, and what is being done to it, in words, "" if nothing that
// changes it. under is the step that is under way.
func (l *life) report(under *wire.Underway) (state, why, doing string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state, l.why, l.changingLocked(under)
}

func (l *life) changingLocked(under *wire.Underway) string {
	if l.doing == "" || slices.Contains([]string{"ask", "send", "verify"}, l.doing) {
		return ""
	}
	doing := l.doing
	if under != nil && under.Error == "" {
		doing += ", " + under.At
	}
	if l.asker != nil && l.asker.Err() != nil {
		doing += "; the labctl that asked for it is gone, and the lab finishes it by itself"
	}
	return doing
}

// underWay is what somebody waits for who wants to change the lab.
func (l *life) underWay(under *wire.Underway) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return cmp.Or(l.changingLocked(under), l.doing, l.state)
}

// deserted reports whether who asked for what holds writeLock is gone.
func (l *life) deserted() bool {
	select {
	case <-l.gone():
		return true
	default:
		return false
	}
}

// gone is closed when who asked for what holds writeLock is gone; nil if nobody has asked.
func (l *life) gone() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.asker == nil {
		return nil
	}
	return l.asker.Done()
}
