//go:build linux

package datapath

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
)

// Loop owns a switch and carries its frames. Its methods may be called from any goroutine, except from inside functions
// that the owner itself calls (those given to Do, Options and Observer).
type Loop struct {
	commands
	drops    *dropLog
	observed bool          // there is an observer
	owner    *owner        // only by commands
	gone     chan struct{} // closed when the owner has ended
}

// Start begins to own a switch, which nobody else may touch from now on. It carries nothing until ports are attached.
// The caller must Close it. A loop with frames to carry keeps one of the runtime's processors for itself; who starts
// loops gives the runtime one more for each (runtime.GOMAXPROCS), or other goroutines wait for it.
func Start(core *switchcore.Switch, o Options) (*Loop, error) {
	if o.DropLog == 0 {
		o.DropLog = 1024
	}
	l := &Loop{commands: commands{wakeFD: -1}, drops: newDropLog(o.DropLog), observed: o.Observer != nil}
	l.gone = make(chan struct{})
	l.owner = newOwner(core, o, &l.commands, l.drops)
	if err := l.owner.open(); err != nil {
		l.owner.release()
		return nil, fmt.Errorf("start the data path: %w", err)
	}
	go l.owner.run(l.gone)
	return l, nil
}

// Close ends the loop: nothing more is sent, and when it returns all descriptors that it was given are closed. The
// switch is the caller's again.
func (l *Loop) Close() error {
	l.do(func() { l.owner.stop = true })
	<-l.gone
	l.owner.closes.Wait()
	return nil
}

// Do runs f in the owner, between frames, and returns when f has. Announcements that f caused are sent, and ports that
// f took out of the configuration are detached. now is the time that all calls of the switch are given. On a closed
// loop it does nothing. f must not block: the switch does nothing meanwhile.
func (l *Loop) Do(f func(now time.Duration, s *switchcore.Switch)) {
	l.do(func() {
		f(l.owner.now(), l.owner.core)
		l.owner.reconfigured()
	})
}

// Traffic tells how many frames the switch has taken so far, and whether it holds any of them, or may: because an
// observer is being asked about them, or has just told a change. A closed loop has 0 and holds none.
func (l *Loop) Traffic() (taken uint64, held bool) {
	l.do(func() {
		w := l.owner
		taken, held = w.in.taken+w.intake.spare.taken, w.intake.holds()
	})
	return taken, held
}

// Attach plugs an interface into a port that the switch has, and takes ownership of p.FD. An uplink is connected by
// that; a leaf port is once its observer tells the guest's filter, or by [switchcore.Switch.Connect] where nobody
// observes. Frames of other interfaces that the socket has caught before are thrown away. It fails if the switch has no
// such port, if something is attached to it already, or if the kernel refuses.
func (l *Loop) Attach(id switchcore.PortID, p Port) error {
	n := &port{id: id, fd: p.FD, index: p.Index, tap: p.Tap, shared: p.Shared, header: vnetLen, batch: batch,
		budget: rereads, timed: l.observed}
	n.empty = n.clock()
	setup := n.openSocket
	if p.Tap {
		setup = func(bool) error { return n.openTap() }
	}
	if err := setup(p.Promiscuous); err != nil {
		unix.Close(p.FD)
		return fmt.Errorf("attach port %d: %w", id, err)
	}
	err := errors.New("the data path is closed")
	l.do(func() { err = l.owner.plug(n) })
	if err != nil {
		unix.Close(p.FD)
		return fmt.Errorf("attach port %d: %w", id, err)
	}
	return nil
}

// Detach unplugs what is attached to a port, if anything is: the switch forgets the guest, and when Detach returns the
// descriptor is closed, so that the interface is not promiscuous for it any more.
func (l *Loop) Detach(id switchcore.PortID) {
	var closed <-chan struct{}
	l.do(func() { closed = l.owner.unplug(id) })
	if closed != nil {
		<-closed
	}
}

// Overruns counts, by port, the frames that the kernel threw away before the switch saw them, since it was last asked,
// because more came in than was taken away. Ports without any are not in it.
func (l *Loop) Overruns() map[switchcore.PortID]uint64 {
	var out map[switchcore.PortID]uint64
	l.do(func() {
		for id, p := range l.owner.attached.ports {
			if p == nil || p.tap {
				continue
			}
			st, err := unix.GetsockoptTpacketStats(p.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
			if err == nil && st.Drops > 0 {
				if out == nil {
					out = map[switchcore.PortID]uint64{}
				}
				out[switchcore.PortID(id)] = uint64(st.Drops)
			}
		}
	})
	return out
}

// Observe tells what an adapter was like when its port began to be followed. It counts as long as the observer has said
// nothing of the port, which is later. Without effect on a port that nothing is attached to.
func (l *Loop) Observe(id switchcore.PortID, seen Seen) {
	l.do(func() { l.owner.intake.first(l.owner.attached.port(id), seen) })
}

// Drops returns the records after a sequence number, oldest first, what to ask for next time, and how many of those
// asked for are not kept any more. It also works on a closed loop.
func (l *Loop) Drops(after uint64) (records []DropRecord, next uint64, lost uint64) {
	return l.drops.after(after)
}

// DropWait returns nil as soon as there is a record after a sequence number, the context's error if that ends before,
// and [ErrClosed] if the loop does.
func (l *Loop) DropWait(ctx context.Context, after uint64) error { return l.drops.wait(ctx, after) }

// Oversized counts frames that the kernel threw away on the cable of a port because they were longer than the port
// takes, and so before the switch could see them. Their records have no length and no data. Safe for concurrent use.
func (l *Loop) Oversized(id switchcore.PortID, n uint64) {
	l.do(func() {
		for range n {
			l.owner.core.TxFailed(id, switchcore.MtuExceeded)
			l.owner.fwd.logDrop(id, switchcore.NoPort, switchcore.MtuExceeded, nil, switchcore.Frame{})
		}
	})
}

// Tap begins to copy frames; the caller must Close it. On a closed loop it has nothing to tell.
func (l *Loop) Tap(f TapFilter) *Tap {
	if f.Queue == 0 {
		f.Queue = 4096
	}
	taps := &l.owner.fwd.taps
	t := &Tap{filter: f, more: make(chan struct{}, 1)}
	t.remove = func() { l.do(func() { taps.remove(t) }) }
	if !l.do(func() { taps.taps = append(taps.taps, t) }) {
		t.end()
	}
	return t
}
