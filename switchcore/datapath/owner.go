//go:build linux

package datapath

import (
	"errors"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
)

// owner is the goroutine that has the switch, and all that it alone touches.
type owner struct {
	clock
	core     *switchcore.Switch
	o        Options
	commands *commands
	poller   poller
	attached attached
	waiting  waitlist
	in       receiver
	intake   intake
	fwd      forwarder
	closes   sync.WaitGroup // descriptors on their way
	stop     bool
}

// newOwner makes an owner whose roles know each other; nothing is open.
func newOwner(core *switchcore.Switch, o Options, c *commands, drops *dropLog) *owner {
	w := &owner{clock: clock{time.Now()}, core: core, o: o, commands: c, poller: poller{epoll: -1}}
	w.fwd = forwarder{core: core, drops: drops, names: names{core: core}, tx: transmitter{attached: &w.attached}}
	w.fwd.taps = tapList{names: &w.fwd.names, attached: &w.attached}
	w.intake = intake{clock: w.clock, core: core, observer: o.Observer, attached: &w.attached, waiting: &w.waiting,
		fwd: &w.fwd, stamps: timestamps{attached: &w.attached}}
	return w
}

// open opens what is needed before there are ports. After a failure release gives back what there is.
func (w *owner) open() error {
	if err := w.poller.open(); err != nil {
		return err
	}
	if err := w.commands.open(); err != nil {
		return err
	}
	if err := w.poller.add(w.commands.wakeFD, wakeEvent); err != nil {
		return err
	}
	if w.o.Observer != nil && w.o.Observer.FD() >= 0 {
		if err := w.poller.add(w.o.Observer.FD(), observerEvent); err != nil {
			return err
		}
	}
	return w.in.open()
}

// release gives back everything but the ports.
func (w *owner) release() {
	w.poller.close()
	w.commands.close()
	w.in.close()
	w.intake.spare.close()
}

// ownerNice is the priority of the owner's thread (setpriority(2)); only root may raise it.
const ownerNice = -10

// run carries frames until it is to stop. It has a thread of its own, so that waking it up is one wake-up and not two,
// and where that is allowed the thread goes first: a frame waits for the switch at every hop, and behind busy guests
// that doubles the round trip. The thread stays locked, and so ends with its goroutine.
func (w *owner) run(gone chan<- struct{}) {
	runtime.LockOSThread()
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), ownerNice)
	defer close(gone)
	defer w.release()
	var events [64]unix.EpollEvent
	for !w.stop {
		n := w.poller.wait(events[:], w.timeout)
		calls := false
		for i := range events[:n] {
			switch id := events[i].Fd; id {
			case wakeEvent:
				calls = true
			case observerEvent:
				w.intake.drain()
				w.intake.inOrder(nil, nil)
			default:
				w.ready(switchcore.PortID(id), events[i].Events)
			}
		}
		if len(w.waiting.ports) > 0 {
			w.checkWaiting()
		}
		if len(w.intake.pending) > 0 {
			w.intake.applySettled(calls)
		}
		if calls {
			w.commands.run(w.publish)
		}
		w.publish()
		w.checkTroubled()
	}
	w.end()
}

// timeout is how long nothing has to be done if nothing happens, in milliseconds; -1: forever.
func (w *owner) timeout() int {
	if len(w.waiting.ports) == 0 && len(w.intake.pending) == 0 {
		return -1
	}
	now := w.now()
	first := w.intake.due(w.waiting.first(now+time.Hour) - now)
	return int(max(first+time.Millisecond-1, 0) / time.Millisecond)
}

// publish passes on what the switch has to say: frames of its own, and events.
func (w *owner) publish() {
	if list := w.core.Announcements(); len(list) > 0 {
		w.fwd.announce(list)
	}
	if w.o.Events != nil {
		if list := w.core.Events(); len(list) > 0 {
			w.o.Events(list)
		}
	}
}

// reconfigured is for when somebody may have changed the configuration: ports that it does not have, or has under an ID
// that is another's now, are closed.
func (w *owner) reconfigured() {
	w.fwd.names.forget()
	for id, p := range w.attached.ports {
		if p != nil && w.core.Lookup(p.name) != p.id {
			w.closePort(switchcore.PortID(id))
		}
	}
}

// end lets everybody go: callers that came too late, taps, ports.
func (w *owner) end() {
	w.commands.end()
	w.fwd.taps.end()
	for id := range w.attached.ports {
		w.closePort(switchcore.PortID(id))
	}
	w.fwd.drops.end()
}

// ready takes what a port has.
func (w *owner) ready(id switchcore.PortID, events uint32) {
	p := w.attached.port(id)
	if p == nil {
		return
	}
	frames, e := w.in.from(p)
	if len(frames) > 0 {
		p.idle = 0
		w.intake.look()
		if w.attached.is(p) { // the observer may have taken it away
			w.intake.batch(p, frames)
		}
		w.fwd.flush()
	}
	if w.attached.is(p) && (e != 0 || len(frames) == 0) {
		w.receiveFailed(p, e, events)
	}
}

// receiveFailed is what a port reports that has no frame. A packet socket says ENETDOWN when its interface goes down,
// which deletion begins with; a TAP without its device is in error forever.
func (w *owner) receiveFailed(p *port, e unix.Errno, events uint32) {
	switch e {
	case 0, unix.EAGAIN, unix.EINTR, unix.EIO:
		p.idle++
		if p.tap && events&(unix.EPOLLERR|unix.EPOLLHUP) != 0 || p.idle > 1000 {
			w.vanished(p, "its descriptor is in error")
		}
	case unix.EINVAL, unix.ENOBUFS, unix.ENOMEM, unix.EMSGSIZE:
		// A frame whose kind of segmentation has no header to describe it, or that there was no memory for: lost.
	case unix.ENETDOWN:
		w.checkSoon(p)
	default:
		w.vanished(p, e.Error())
	}
}

// checkTroubled looks after the ports of which somebody has met errors on the way.
func (w *owner) checkTroubled() {
	for _, t := range w.intake.troubled {
		if w.attached.is(t.p) {
			w.receiveFailed(t.p, t.e, 0)
		}
	}
	w.intake.troubled = w.intake.troubled[:0]
	for _, p := range w.fwd.tx.refused {
		if w.attached.is(p) {
			w.checkSoon(p)
		}
	}
	w.fwd.tx.refused = w.fwd.tx.refused[:0]
}

// vanished unplugs a port whose interface is not there any more.
func (w *owner) vanished(p *port, why string) {
	if w.o.Log != nil {
		w.o.Log("port %s is detached: %s", p.name, why)
	}
	w.unplug(p.id)
}

// checkWaiting looks at the ports whose time has come.
func (w *owner) checkWaiting() {
	now := w.now()
	for _, p := range append([]*port(nil), w.waiting.ports...) {
		if p.due > now || !w.attached.is(p) {
			continue
		}
		w.intake.unpark(p, func(*parkedFrame) bool { return true })
		if p.down > 0 {
			w.checkDown(p, now)
		}
	}
}

// checkSoon has a port's interface looked at: it may be on its way down.
func (w *owner) checkSoon(p *port) {
	p.down = time.Millisecond
	w.waiting.add(p, w.now())
}

// checkDown looks what became of an interface that went down: a socket is not told when it is deleted afterwards, nor
// when it is up again.
func (w *owner) checkDown(p *port, now time.Duration) {
	up, exists := p.interfaceState()
	switch {
	case !exists:
		w.vanished(p, "its interface is gone")
	case up:
		p.down = 0
		w.waiting.remove(p)
		w.setCarrier(p, true)
	default:
		w.setCarrier(p, false)
		p.down = min(2*p.down, time.Second)
		p.due = now + p.down
	}
}

// setCarrier tells the switch what became of a port's link, unless the observer does.
func (w *owner) setCarrier(p *port, up bool) {
	if w.o.Observer == nil {
		w.core.SetLink(w.now(), p.id, up)
	}
}

// plug makes a ready port the switch's.
func (w *owner) plug(p *port) error {
	if p.id < 0 || !w.exists(p.id) {
		return errors.New("the switch has no such port")
	}
	if w.attached.port(p.id) != nil {
		return errors.New("something is attached to it already")
	}
	st := w.core.Status(p.id)
	p.name, p.number, p.uplink = st.Name, st.Number, st.Uplink
	if !p.tap {
		s, err := w.fwd.tx.senderFor(p)
		if err != nil {
			return err
		}
		p.sender = s
	}
	if err := w.poller.add(p.fd, int32(p.id)); err != nil {
		w.fwd.tx.leave(p)
		return err
	}
	w.attached.add(p)
	p.timestamp(w.intake.stamps.until > 0)
	if p.uplink {
		w.core.Connect(w.now(), p.id, switchcore.Filter{})
	}
	return nil
}

// exists tells whether the switch has a port of that id.
func (w *owner) exists(id switchcore.PortID) bool {
	for _, have := range w.core.Ports() {
		if have == id {
			return true
		}
	}
	return false
}

// unplug has the switch forget the guest at a port. closed is closed with the descriptor; nil: nothing was attached.
func (w *owner) unplug(id switchcore.PortID) (closed <-chan struct{}) {
	if w.attached.port(id) == nil {
		return nil
	}
	closed = w.closePort(id)
	if w.exists(id) {
		w.core.Disconnect(w.now(), id)
	}
	return closed
}

// closePort lets go of a port's descriptor. Closing a packet socket waits for all processors, and with a promiscuous
// interface for everybody who configures the network (packet_release), so another thread does it.
func (w *owner) closePort(id switchcore.PortID) <-chan struct{} {
	p := w.attached.port(id)
	if p == nil {
		return nil
	}
	w.attached.ports[id] = nil
	p.parked = nil
	w.waiting.remove(p)
	w.poller.remove(p.fd)
	w.fwd.tx.leave(p)
	done := make(chan struct{})
	w.closes.Go(func() {
		unix.Close(p.fd)
		close(done)
	})
	return done
}
