//go:build linux

package kernel

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
	"labctl/topology"
)

// Seen is what a [Watch] knows of a port: what the guest has programmed into its adapter, and whether the switch's own
// end works.
type Seen struct {
	MAC switchcore.MAC // the effective address: the adapter's as it is now; zero without an adapter
	// 1 while anybody wants the adapter to receive everything, else 0: not the kernel's count
	Promiscuity int
	AllMulti    int  // 1 while anybody wants all multicast frames, else 0
	Up          bool // the adapter is administratively up; without one, the port is
	Carrier     bool // the port's own end is running
	// the adapter or the port was deleted, or its node was; the rest is as it was before. Follow again what takes its
	// place
	Gone bool
}

// When says when something happened that a [Watch] has seen: later than After and not later than By, in nanoseconds of
// Unix time. An After of zero means that it was read and not heard: nobody knows since when it is so. From is then when
// reading it began.
type When struct{ After, By, From int64 }

// Watch follows interfaces for one virtual switch. It learns of changes in two ways. Link messages come synchronously
// with the change: once "ip link set address" has returned, the next Drain reports it. What the kernel does not send a
// message for, or sends one with old values (a macvlan that comes up or goes makes its lower promiscuous or not), is
// read again whenever there is reason to, and once a second in any case, in a goroutine of the Watch's own.
//
// A thread of the Watch's own takes messages as they come, so that they have the time at which they came, and not the
// one at which somebody had time to look.
//
// Drain is for one goroutine at a time. All other methods are safe for concurrent use, beside Drain too.
type Watch struct {
	space    *Space
	pollFD   int         // epoll, over the listener and the two eventfds
	wakeFD   int         // eventfd: something was read
	pending  atomic.Bool // wakeFD is readable
	listener listener

	reports []report // Drain's own, as is the next
	events  []linkEvent

	mu       sync.Mutex
	closed   bool
	ports    map[int]*followed
	links    map[interfaceKey][]*followed // by adapter and by own end
	guests   map[int32][]*followed        // by the number of the adapter's namespace
	wanted   map[*followed]bool           // to be read again; true: to be reported whether it has changed or not
	waiting  []chan struct{}              // of Quiet, for the next round of reading
	found    []reading                    // read, not yet drained
	when     When                         // of what is being taken in
	answered []chan struct{}              // closed by the Drain that takes found

	wake chan struct{} // there is something wanted
	stop chan struct{}
	done chan struct{}
}

// report is what Drain has to say of a port.
type report struct {
	f    *followed
	seen Seen
	when When
}

// interfaceKey is an interface as link messages name it.
type interfaceKey struct {
	nsid  int32 // the namespace's number in the hub
	index int32
}

// followed is one port.
type followed struct {
	key           int
	guest, holder *namespace // of the adapter (nil: none) and of the port
	port          interfaceKey

	// Under Watch.mu.
	adapter    interfaceKey // negative namespace: not in its node
	seen       Seen
	messages   uint64 // that changed seen: what was read before the last of them is stale
	unfollowed bool   // since it is off its Watch's lists

	mu      sync.Mutex // held while the interfaces are read
	flagsFD int        // sysfs's file of that name of the adapter, negative: not open
	noSysfs bool       // there is none to be had
}

// reading is a port as it was read.
type reading struct {
	f        *followed
	seen     Seen
	messages uint64 // of f when reading began
	report   bool
	adapter  interfaceKey // where the adapter is now
	from     int64        // when reading began, Unix nanoseconds; 0: it was not read
	by       int64        // when it ended
}

const (
	pollEvery = time.Second
	// afterDelete: a deleted macvlan has let go of its lower by then.
	afterDelete = 100 * time.Millisecond
)

var errWatchClosed = errors.New("the watch was closed")

// Watch begins to watch, without any port to follow yet. Close must be called.
func (s *Space) Watch() (*Watch, error) {
	if err := s.nsids.all(s.all()); err != nil {
		return nil, err
	}
	w := &Watch{space: s, pollFD: -1, wakeFD: -1, listener: listener{fd: -1, wakeFD: -1, stopFD: -1},
		ports: map[int]*followed{}, links: map[interfaceKey][]*followed{}, guests: map[int32][]*followed{},
		wanted: map[*followed]bool{},
		wake:   make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	if err := w.open(); err != nil {
		w.closeFDs()
		return nil, fmt.Errorf("watch interfaces: %w", err)
	}
	go w.read()
	w.listener.listening.Go(w.listener.listen)
	return w, nil
}

func (w *Watch) open() (err error) {
	if err = w.listener.open(w.space.hub); err != nil {
		return err
	}
	if w.wakeFD, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return err
	}
	if w.pollFD, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	for _, fd := range []int{w.listener.fd, w.listener.wakeFD, w.wakeFD} {
		if err := unix.EpollCtl(w.pollFD, unix.EPOLL_CTL_ADD, fd,
			&unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
			return err
		}
	}
	return nil
}

// Close ends everything at once. Drain must have returned for the last time.
func (w *Watch) Close() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil
	}
	w.closed = true
	w.mu.Unlock()
	close(w.stop)
	<-w.done
	wake(w.listener.stopFD)
	w.listener.listening.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.ports {
		f.close()
	}
	clear(w.ports)
	w.closeFDs()
	return nil
}

func (w *Watch) closeFDs() {
	for _, fd := range []int{w.pollFD, w.wakeFD, w.listener.fd, w.listener.wakeFD, w.listener.stopFD} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// Follow begins to follow a port under a key of the caller's, in place of what was followed under it before, and
// returns its present state. adapter is the guest's interface; its zero value means that only the port's own end is
// followed. Whatever happens after Follow was called comes through Drain, which reports the port once more in any case.
func (w *Watch) Follow(key int, adapter, port topology.End) (Seen, error) {
	f := &followed{key: key, flagsFD: -1}
	var err error
	if f.holder, f.port, err = w.find(port); err != nil {
		return Seen{}, err
	}
	if adapter != (topology.End{}) {
		if f.guest, f.adapter, err = w.find(adapter); err != nil {
			return Seen{}, err
		}
	}
	seen, at, err := f.look(f.adapter)
	if err != nil {
		f.close()
		return Seen{}, fmt.Errorf("read %s and its adapter: %w", port, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		f.close()
		return Seen{}, errWatchClosed
	}
	w.unfollowLocked(key)
	f.seen = seen
	w.ports[key] = f
	w.moveLocked(f, at)
	w.links[f.port] = append(w.links[f.port], f)
	w.wantLocked(f, true) // what happened while it was being read was not heard
	return f.seen, nil
}

// find resolves the name of an interface.
func (w *Watch) find(e topology.End) (*namespace, interfaceKey, error) {
	n, err := w.space.of(e.Node)
	if err != nil {
		return nil, interfaceKey{}, err
	}
	nsid, err := w.space.nsids.of(n)
	if err != nil {
		return nil, interfaceKey{}, err
	}
	index, err := n.ioctls.indexOf(e.Interface)
	if err != nil {
		return nil, interfaceKey{}, err
	}
	return n, interfaceKey{nsid, index}, nil
}

// Unfollow forgets a port. One that is not followed is not an error; Drain does not report it any more.
func (w *Watch) Unfollow(key int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unfollowLocked(key)
}

func (w *Watch) unfollowLocked(key int) {
	f := w.ports[key]
	if f == nil {
		return
	}
	w.lostLocked(f)
	f.unfollowed = true
	delete(w.ports, key)
	delete(w.wanted, f)
	f.close()
}

// FD is readable when Drain has something to do. It is the Watch's.
func (w *Watch) FD() int { return w.pollFD }

// Reread asks for a fresh look at a port, which Drain reports in any case, even if nothing has changed or the port is
// gone. A key that is not followed is not reported.
func (w *Watch) Reread(key int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f := w.ports[key]; f != nil {
		w.wantLocked(f, true)
	}
}

// wantLocked has f read again.
func (w *Watch) wantLocked(f *followed, report bool) {
	if f.unfollowed || f.seen.Gone && !report {
		return
	}
	w.wanted[f] = w.wanted[f] || report
	w.wakeReader()
}

func (w *Watch) wakeReader() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Quiet reads everything that is followed once more and returns when Drain has reported all of that and all that was
// asked for and heard before: every change that was finished when Quiet was called has been reported when it returns.
// It waits for Drain, which somebody must call when FD is readable.
func (w *Watch) Quiet(ctx context.Context) error {
	drained := make(chan struct{})
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return errWatchClosed
	}
	w.waiting = append(w.waiting, drained)
	w.wakeReader()
	w.mu.Unlock()
	select {
	case <-drained:
		return nil
	case <-w.stop:
		return errWatchClosed
	case <-ctx.Done():
		return fmt.Errorf("wait for the interfaces to be read: %w", context.Cause(ctx))
	}
}
