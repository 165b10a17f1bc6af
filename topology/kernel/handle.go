//go:build linux

package kernel

import (
	"errors"
	"sync"

	"github.com/vishvananda/netlink"
)

// handleLender has the netlink.Handle of a namespace, which is opened on first use. Readers may be at it when whoever
// changes the lab has no more use for it.
type handleLender struct {
	mu      sync.Mutex
	current *sharedHandle // nil: none is open
}

// sharedHandle is guarded by its lender's mu.
type sharedHandle struct {
	*netlink.Handle
	users   int
	retired bool // the last user closes it
}

// keep returns the handle for somebody who retires it himself.
func (l *handleLender) keep(open func() (*netlink.Handle, error)) (*netlink.Handle, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.openLocked(open); err != nil {
		return nil, err
	}
	return l.current.Handle, nil
}

func (l *handleLender) openLocked(open func() (*netlink.Handle, error)) error {
	if l.current != nil {
		return nil
	}
	h, err := open()
	if err == nil {
		l.current = &sharedHandle{Handle: h}
	}
	return err
}

// readings is how often a list is asked for that changed while the kernel wrote it.
const readings = 100

// lend lets f have the handle, and calls it again when a list that it read was not of one moment.
func (l *handleLender) lend(open func() (*netlink.Handle, error), f func(h *netlink.Handle) error) error {
	h, err := l.take(open)
	if err != nil {
		return err
	}
	defer l.giveBack(h)
	for range readings {
		if err = f(h.Handle); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return err
}

func (l *handleLender) take(open func() (*netlink.Handle, error)) (*sharedHandle, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.openLocked(open); err != nil {
		return nil, err
	}
	l.current.users++
	return l.current, nil
}

func (l *handleLender) giveBack(h *sharedHandle) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h.users--; h.retired && h.users == 0 {
		h.Close()
	}
}

// retire closes the handle, as soon as nobody is at it. Who needs one later gets another.
func (l *handleLender) retire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h := l.current; h != nil {
		l.current = nil
		if h.retired = true; h.users == 0 {
			h.Close()
		}
	}
}
