//go:build linux

package kernel

import (
	"encoding/binary"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// listener hears the link messages for a [Watch] by a socket that two threads take from. One does nothing but wait for
// them, so that their times are right; the other is the one that drains, so that what is there when it looks is never
// missed.
type listener struct {
	fd     int // rtnetlink in the hub
	wakeFD int // eventfd: there is something pending
	stopFD int // eventfd: the listening thread has to end

	listening sync.WaitGroup

	mu        sync.Mutex  // held for some system calls that do not block
	pending   []linkEvent // taken from the socket, and not yet drained
	lost      bool        // messages were
	lastEmpty int64       // when there was nothing to hear for the last time, Unix nanoseconds
	buf       [32 << 10]byte
	oob       [64]byte
	iov       unix.Iovec
	hdr       unix.Msghdr
}

// linkEvent is a link message.
type linkEvent struct {
	nsid    int32 // the number of the namespace that it came from; negative: the socket's own, or one without a number
	deleted bool
	link    linkMessage
	when    When
}

const (
	listenBuffer = 1 << 20 // bytes; a message has one to four thousand
	// maxPending is how many messages are kept for somebody who does not drain. What is more is lost, as in a socket.
	maxPending = 1 << 13
	// sendDelay is how long after a change its message is sent at most, as far as that is not a matter of luck: the
	// kernel sets an address first and then tells everybody (net/core/dev.c, netif_set_mac_address).
	sendDelay = 100 * time.Microsecond
)

// openListener opens a socket in the hub that hears these groups of all namespaces that have a number there.
func openListener(hub netns.NsHandle, groups ...int) (fd int, err error) {
	err = netnsRef{hub: hub, ns: hub}.run(func() (err error) {
		fd, err = listenHere(groups...)
		return err
	})
	return fd, err
}

// listenHere opens it in the calling thread's namespace.
func listenHere(groups ...int) (int, error) {
	mask := uint32(0)
	for _, g := range groups {
		mask |= 1 << (g - 1)
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return -1, err
	}
	// outside the machine's user namespace
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, listenBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, listenBuffer)
	}
	err = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_LISTEN_ALL_NSID, 1)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: mask})
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// open opens the socket in the hub.
func (l *listener) open(hub netns.NsHandle) (err error) {
	l.lastEmpty = time.Now().UnixNano()
	if l.fd, err = openListener(hub, unix.RTNLGRP_LINK); err != nil {
		return err
	}
	if l.wakeFD, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return err
	}
	l.stopFD, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	return err
}

// listen takes messages as soon as they come. The thread stays locked, and so ends with its goroutine.
func (l *listener) listen() {
	runtime.LockOSThread()
	raisePriority()
	for {
		fds := []unix.PollFd{{Fd: int32(l.fd), Events: unix.POLLIN}, {Fd: int32(l.stopFD), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err != nil && err != unix.EINTR || fds[1].Revents != 0 {
			return
		}
		l.mu.Lock()
		// Before anything is taken: in between nobody would know that there is something.
		if n, _ := unix.Poll(fds[:1], 0); n > 0 {
			wake(l.wakeFD)
			l.hear()
		}
		l.mu.Unlock()
	}
}

// raisePriority makes the calling thread run as soon as it can: in real time where that is allowed, else with a short
// slice, which lets a thread that wakes up go before those with longer ones (EEVDF, Linux 6.12).
func raisePriority() {
	size := uint32(unsafe.Sizeof(unix.SchedAttr{}))
	for _, a := range []unix.SchedAttr{
		{Size: size, Policy: unix.SCHED_FIFO, Flags: unix.SCHED_FLAG_RESET_ON_FORK, Priority: 1},
		{Size: size, Nice: -20},
		{Size: size, Runtime: uint64(100 * time.Microsecond)},
	} {
		if unix.SchedSetAttr(0, &a, 0) == nil {
			return
		}
	}
}

// wake makes an eventfd readable.
func wake(fd int) { _, _ = unix.Write(fd, []byte{7: 1}[:8]) } // EAGAIN: it has been for 2^64 times

// take hands over what is pending, and takes a slice for what comes.
func (l *listener) take(room []linkEvent) (events []linkEvent, lost bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hear()
	events, lost = l.pending, l.lost
	l.pending, l.lost = room[:0], false
	var b [8]byte
	_, _ = unix.Read(l.wakeFD, b[:])
	return events, lost
}

// hear takes all messages that have arrived.
func (l *listener) hear() {
	for before := time.Now().UnixNano(); ; {
		n, o, err := l.receive()
		now := time.Now().UnixNano()
		switch err {
		case 0:
			l.read(n, originOf(l.oob[:o]), When{After: l.lastEmpty - int64(sendDelay), By: now})
		case unix.EINTR:
		case unix.ENOBUFS:
			l.lost = true
		default:
			l.lastEmpty = before
			return
		}
		before = now
	}
}

// read takes in what a datagram has.
func (l *listener) read(n int, nsid int32, when When) {
	for b := l.buf[:n]; len(b) >= unix.NLMSG_HDRLEN; {
		size := int(binary.NativeEndian.Uint32(b))
		if size < unix.NLMSG_HDRLEN || size > len(b) {
			return
		}
		typ, body := binary.NativeEndian.Uint16(b[4:]), b[unix.NLMSG_HDRLEN:size]
		b = b[min(len(b), (size+3)&^3):]
		if typ != unix.RTM_NEWLINK && typ != unix.RTM_DELLINK || len(body) < unix.SizeofIfInfomsg {
			continue
		}
		if len(l.pending) == maxPending {
			l.lost = true
			return
		}
		l.pending = append(l.pending, linkEvent{nsid, typ == unix.RTM_DELLINK, readLink(body), when})
	}
}

// receive is recvmsg(2) into buf and oob. It is done by hand because unix.Recvmsg allocates. A message that is longer
// than buf is cut off, and read as far as it goes.
func (l *listener) receive() (n, o int, err unix.Errno) {
	l.iov.Base = &l.buf[0]
	l.iov.SetLen(len(l.buf))
	l.hdr = unix.Msghdr{Iov: &l.iov, Control: &l.oob[0]}
	l.hdr.SetIovlen(1)
	l.hdr.SetControllen(len(l.oob))
	r, _, err := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(l.fd), uintptr(unsafe.Pointer(&l.hdr)), unix.MSG_DONTWAIT)
	return int(r), int(l.hdr.Controllen), err
}

// originOf is the number of the namespace that a message came from.
func originOf(oob []byte) int32 {
	for len(oob) >= unix.CmsgLen(0) {
		h, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			break
		}
		if h.Level == unix.SOL_NETLINK && h.Type == unix.NETLINK_LISTEN_ALL_NSID && len(data) >= 4 {
			return int32(binary.NativeEndian.Uint32(data))
		}
		oob = rest
	}
	return -1
}
