//go:build linux

package datapath

import (
	"encoding/binary"
	"sync"

	"golang.org/x/sys/unix"
)

// commands are what other goroutines have the owner do. An eventfd wakes it, so that it waits for them and for frames
// at once.
type commands struct {
	mu     sync.Mutex // guards calls and closed
	calls  []*call
	closed bool
	wakeFD int // eventfd; closed under mu
}

// call is one function for the owner.
type call struct {
	f    func()
	ran  bool          // set before done is closed
	done chan struct{} // closed when f has run, or never will
}

// open makes the eventfd.
func (c *commands) open() (err error) {
	c.wakeFD, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	return err
}

// close takes the eventfd away. Who comes now must find the commands ended.
func (c *commands) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wakeFD >= 0 {
		unix.Close(c.wakeFD)
	}
}

// do runs f in the owner; false: there is none any more, and f has not run.
func (c *commands) do(f func()) bool {
	one := &call{f: f, done: make(chan struct{})}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return false
	}
	c.calls = append(c.calls, one)
	var count [8]byte
	binary.NativeEndian.PutUint64(count[:], 1)
	_, err := unix.Write(c.wakeFD, count[:]) // EAGAIN: it is readable already
	c.mu.Unlock()
	if err != nil && err != unix.EAGAIN {
		panic("datapath: cannot wake the owner: " + err.Error())
	}
	<-one.done
	return one.ran
}

// run is the owner's: it does what has been asked for, and after calls each function.
func (c *commands) run(after func()) {
	var b [8]byte
	_, _ = unix.Read(c.wakeFD, b[:]) // EAGAIN: woken twice for the same calls
	c.mu.Lock()
	calls := c.calls
	c.calls = nil
	c.mu.Unlock()
	for _, one := range calls {
		one.f()
		after()
		one.ran = true
		close(one.done)
	}
}

// end lets those go who came too late.
func (c *commands) end() {
	c.mu.Lock()
	c.closed = true
	calls := c.calls
	c.calls = nil
	c.mu.Unlock()
	for _, one := range calls {
		close(one.done)
	}
}
