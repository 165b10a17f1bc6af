//go:build linux

package datapath

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
)

// Options are what a [Loop] is started with. The zero Options observe nothing and keep 1024 drop records.
type Options struct {
	Observer Observer
	DropLog  int // drop records kept; 0: 1024
	// Log is told what an administrator should know and no caller can be told, a port whose descriptor failed, say. It is called by
	// the owner and must not block. May be nil.
	Log func(format string, args ...any)
	// Events is given what happened on the switch, soon after it did. It is called by the owner, must not block, and must not call
	// the loop. If it is nil, events stay in the switch until somebody takes them by Do.
	Events func([]switchcore.Event)
}

// Loop owns a switch and carries its frames. Its methods may be called from any goroutine, except from inside functions that the
// owner itself calls (those given to Do, Options and Observer).
type Loop struct {
	core  *switchcore.Switch
	o     Options
	start time.Time
	drops *dropLog

	mu     sync.Mutex // guards calls and closed
	calls  []*call
	closed bool
	event  int            // eventfd; closed under mu
	gone   chan struct{}  // closed when the owner has ended
	closes sync.WaitGroup // descriptors on their way

	// Of the owner alone.
	epoll   int
	ports   []*port // by PortID, nil: nothing attached
	waiting []*port // parked, or with an interface that is down
	senders []*sender
	taps    []*Tap
	names   []identity
	in      receiver
	aside   receiver // opened when it is needed
	pending []change // of ports, in the order in which they happened
	// stampsUntil is how long frames are to have times; 0: they have none.
	stampsUntil time.Duration
	lost        []switchcore.Loss
	failed      []failure
	zeros       [minFrame]byte // never written to
	taken       uint64         // frames
	awake       time.Duration  // how long to look for events before sleeping
	stop        bool
}

// ownerNice is the priority of the owner's thread (setpriority(2)); only root may raise it.
const ownerNice = -10

type call struct {
	f    func()
	ran  bool          // set before done is closed
	done chan struct{} // closed when f has run, or never will
}

// Events of epoll carry a port's ID, or one of these.
const (
	wakeEvent     = -1
	observerEvent = -2
)

// Start begins to own a switch, which nobody else may touch from now on. It carries nothing until ports are attached. The caller
// must Close it. A loop with frames to carry keeps one of the runtime's processors for itself; who starts loops gives the runtime
// one more for each (runtime.GOMAXPROCS), or other goroutines wait for it.
func Start(core *switchcore.Switch, o Options) (*Loop, error) {
	if o.DropLog == 0 {
		o.DropLog = 1024
	}
	l := &Loop{core: core, o: o, start: time.Now(), drops: newDropLog(o.DropLog), epoll: -1, event: -1, gone: make(chan struct{})}
	err := l.open()
	if err != nil {
		l.release()
		return nil, fmt.Errorf("start the data path: %w", err)
	}
	go l.own()
	return l, nil
}

func (l *Loop) open() error {
	var err error
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	if l.event, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return err
	}
	if err = l.poll(l.event, wakeEvent); err != nil {
		return err
	}
	if l.o.Observer != nil && l.o.Observer.FD() >= 0 {
		if err = l.poll(l.o.Observer.FD(), observerEvent); err != nil {
			return err
		}
	}
	return l.in.open()
}

func (l *Loop) poll(fd int, id int32) error {
	return unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: id})
}

// release gives back everything but the ports.
func (l *Loop) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, fd := range []int{l.epoll, l.event} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	l.in.close()
	l.aside.close()
}

// Close ends the loop: nothing more is sent, and when it returns all descriptors that it was given are closed. The switch is the
// caller's again.
func (l *Loop) Close() error {
	l.do(func() { l.stop = true })
	<-l.gone
	l.closes.Wait()
	return nil
}

// Do runs f in the owner, between frames, and returns when f has. Announcements that f caused are sent, and ports that f took out
// of the configuration are detached. now is the time that all calls of the switch are given. On a closed loop it does nothing.
// f must not block: the switch stands still meanwhile.
func (l *Loop) Do(f func(now time.Duration, s *switchcore.Switch)) {
	l.do(func() {
		f(l.now(), l.core)
		l.names = l.names[:0]
		l.dropRemoved()
	})
}

// do runs f in the owner; false: there is none any more, and f has not run.
func (l *Loop) do(f func()) bool {
	c := &call{f: f, done: make(chan struct{})}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return false
	}
	l.calls = append(l.calls, c)
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	_, err := unix.Write(l.event, one[:]) // EAGAIN: it is readable already
	l.mu.Unlock()
	if err != nil && err != unix.EAGAIN {
		panic("datapath: cannot wake the owner: " + err.Error())
	}
	<-c.done
	return c.ran
}

// Traffic tells how many frames the switch has taken so far, and whether it holds any of them, or may: because an observer is being
// asked about them, or has just told a change. A closed loop has 0 and holds none.
func (l *Loop) Traffic() (taken uint64, held bool) {
	l.do(func() {
		taken, held = l.taken, len(l.pending) > 0
		for _, p := range l.waiting {
			held = held || len(p.parked) > 0
		}
	})
	return taken, held
}

func (l *Loop) now() time.Duration { return time.Since(l.start) }

func (l *Loop) logf(format string, args ...any) {
	if l.o.Log != nil {
		l.o.Log(format, args...)
	}
}

// own is the owner. It has a thread of its own, so that waking it up is one wake-up and not two, and where that is allowed the
// thread goes first: a frame waits for the switch at every hop, and behind busy guests that doubles the round trip. The thread
// stays locked, and so ends with its goroutine.
func (l *Loop) own() {
	runtime.LockOSThread()
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), ownerNice)
	defer close(l.gone)
	defer l.release()
	var events [64]unix.EpollEvent
	for !l.stop {
		n := l.wait(events[:])
		calls := false
		for i := range events[:n] {
			switch id := events[i].Fd; id {
			case wakeEvent:
				calls = true
			case observerEvent:
				l.drain()
				l.judgeInOrder(nil, nil)
			default:
				l.ready(switchcore.PortID(id), events[i].Events)
			}
		}
		if len(l.waiting) > 0 {
			l.checkWaiting()
		}
		if len(l.pending) > 0 {
			l.settle(calls)
		}
		if calls {
			l.runCalls()
		}
		l.publish()
	}
	l.end()
}

// The owner stays awake for a while if the last wait was short: to be woken up, on a processor that has gone to sleep, takes
// longer than all that is done with a frame, and in a round trip it happens at every hop. Whoever else wants its processor gets it.
const (
	awakeAtFirst = 20 * time.Microsecond
	awakeAtMost  = 150 * time.Microsecond
)

// wait asks without waiting first: the runtime is told of calls that may block, and that costs more than the call.
func (l *Loop) wait(events []unix.EpollEvent) int {
	if n := epollNow(l.epoll, events); n > 0 {
		return n
	}
	begin := l.now()
	for l.now()-begin < l.awake {
		schedYield()
		if n := epollNow(l.epoll, events); n > 0 {
			return n
		}
	}
	n, err := unix.EpollWait(l.epoll, events, l.timeout())
	if l.now()-begin < awakeAtMost {
		l.awake = min(max(2*l.awake, awakeAtFirst), awakeAtMost)
	} else {
		l.awake = 0
	}
	if err != nil && err != unix.EINTR {
		panic("datapath: wait: " + err.Error()) // only a descriptor that somebody else closed gets here
	}
	return max(n, 0)
}

// timeout is how long nothing has to be done if nothing happens, in milliseconds; -1: for ever.
func (l *Loop) timeout() int {
	if len(l.waiting) == 0 && len(l.pending) == 0 {
		return -1
	}
	now, first := l.now(), time.Hour
	for _, p := range l.waiting {
		first = min(first, p.due-now)
	}
	if len(l.pending) > 0 {
		first = min(first, time.Until(time.Unix(0, l.pending[0].seen.By).Add(settled)))
	}
	return int(max(first+time.Millisecond-1, 0) / time.Millisecond)
}

func (l *Loop) runCalls() {
	var b [8]byte
	_, _ = unix.Read(l.event, b[:]) // EAGAIN: woken twice for the same calls
	l.mu.Lock()
	calls := l.calls
	l.calls = nil
	l.mu.Unlock()
	for _, c := range calls {
		c.f()
		l.publish()
		c.ran = true
		close(c.done)
	}
}

// publish passes on what the switch has to say: frames of its own, and events.
func (l *Loop) publish() {
	if list := l.core.Announcements(); len(list) > 0 {
		l.announce(list)
	}
	if l.o.Events != nil {
		if list := l.core.Events(); len(list) > 0 {
			l.o.Events(list)
		}
	}
}

// end lets everybody go: callers that came too late, taps, ports.
func (l *Loop) end() {
	l.mu.Lock()
	l.closed = true
	calls := l.calls
	l.calls = nil
	l.mu.Unlock()
	for _, c := range calls {
		close(c.done)
	}
	for _, t := range l.taps {
		t.end()
	}
	for id := range l.ports {
		l.closePort(switchcore.PortID(id))
	}
	l.drops.end()
}
