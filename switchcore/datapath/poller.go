//go:build linux

package datapath

import (
	"time"

	"golang.org/x/sys/unix"
)

// Events of epoll carry a port's ID, or one of these.
const (
	wakeEvent     = -1
	observerEvent = -2
)

// The owner stays awake for a while if the last wait was short: to be woken up, on a processor that has gone to sleep,
// takes longer than all that is done with a frame, and in a round trip it happens at every hop. Whoever else wants its
// processor gets it.
const (
	awakeAtFirst = 20 * time.Microsecond
	awakeAtMost  = 150 * time.Microsecond
)

// poller waits for descriptors to become readable.
type poller struct {
	epoll int
	awake time.Duration // how long to look for events before sleeping
}

func (p *poller) open() (err error) {
	p.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	return err
}

func (p *poller) close() {
	if p.epoll >= 0 {
		unix.Close(p.epoll)
	}
}

// add has wait tell, under an id, when there is something to read.
func (p *poller) add(fd int, id int32) error {
	return unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: id})
}

func (p *poller) remove(fd int) { _ = unix.EpollCtl(p.epoll, unix.EPOLL_CTL_DEL, fd, nil) }

// wait returns the number of events, 0 after the time that timeout returns, in milliseconds (-1: forever). It asks
// without waiting first: the runtime is told of calls that may block, and that costs more than the call.
func (p *poller) wait(events []unix.EpollEvent, timeout func() int) int {
	if n := epollNow(p.epoll, events); n > 0 {
		return n
	}
	begin := time.Now()
	for time.Since(begin) < p.awake {
		schedYield()
		if n := epollNow(p.epoll, events); n > 0 {
			return n
		}
	}
	n, err := unix.EpollWait(p.epoll, events, timeout())
	if time.Since(begin) < awakeAtMost {
		p.awake = min(max(2*p.awake, awakeAtFirst), awakeAtMost)
	} else {
		p.awake = 0
	}
	if err != nil && err != unix.EINTR {
		panic("datapath: wait: " + err.Error()) // only a descriptor that somebody else closed gets here
	}
	return max(n, 0)
}
