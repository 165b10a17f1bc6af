//go:build linux

package kernel

import (
	"encoding/binary"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ear is where a [Watch] hears of link messages: a socket that two threads take from. One does nothing but wait for them, so
// that their times are right; the other is the one that drains, so that what is there when it looks is never missed.
type ear struct {
	fd   int // rtnetlink in the hub
	bell int // eventfd: news were taken, and not yet drained
	stop int // eventfd: the listening thread shall end

	listening sync.WaitGroup

	mu    sync.Mutex // held for some system calls that do not block
	news  []heard
	lost  bool  // messages were
	quiet int64 // when there was nothing to hear for the last time, Unix nanoseconds
	buf   [32 << 10]byte
	oob   [64]byte
	iov   unix.Iovec
	hdr   unix.Msghdr
}

// heard is a link message.
type heard struct {
	ns      int32 // the number of the namespace that it came from; negative: the socket's own, or one without a number
	deleted bool
	link    linkMessage
	when    When
}

const (
	earBuffer = 1 << 20 // bytes; a message has one to four thousand
	// newsKept is how many messages are kept for somebody who does not drain. What is more is lost, as in a socket.
	newsKept = 1 << 13
	// tellDelay is how long after a change its message is sent at most, as far as that is not a matter of luck: the kernel sets an
	// address first and then tells everybody (net/core/dev.c, netif_set_mac_address).
	tellDelay = 100 * time.Microsecond
)

// openEar opens a socket that hears these groups of all namespaces that have a number in the calling thread's.
func openEar(groups ...int) (int, error) {
	mask := uint32(0)
	for _, g := range groups {
		mask |= 1 << (g - 1)
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return -1, err
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, earBuffer) != nil { // outside the machine's user namespace
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, earBuffer)
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

// open opens the socket in the calling thread's namespace.
func (e *ear) open() (err error) {
	e.quiet = time.Now().UnixNano()
	if e.fd, err = openEar(unix.RTNLGRP_LINK); err != nil {
		return err
	}
	if e.bell, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return err
	}
	e.stop, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	return err
}

// listen takes messages as soon as they come. The thread stays locked, and so ends with its goroutine.
func (e *ear) listen() {
	runtime.LockOSThread()
	hurry()
	for {
		fds := []unix.PollFd{{Fd: int32(e.fd), Events: unix.POLLIN}, {Fd: int32(e.stop), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err != nil && err != unix.EINTR || fds[1].Revents != 0 {
			return
		}
		e.mu.Lock()
		// The bell rings before anything is taken: in between nobody would know that there is something.
		if n, _ := unix.Poll(fds[:1], 0); n > 0 {
			ring(e.bell)
			e.hear()
		}
		e.mu.Unlock()
	}
}

// hurry makes the calling thread run as soon as it can: in real time where that is allowed, else with a short slice, which lets a
// thread that wakes up go before those with longer ones (EEVDF, Linux 6.12).
func hurry() {
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

// ring makes an eventfd readable.
func ring(fd int) { _, _ = unix.Write(fd, []byte{7: 1}[:8]) } // EAGAIN: it has been for 2^64 times

// take hands over what was heard, and takes a slice for what comes.
func (e *ear) take(room []heard) (news []heard, lost bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.hear()
	news, lost = e.news, e.lost
	e.news, e.lost = room[:0], false
	var b [8]byte
	_, _ = unix.Read(e.bell, b[:])
	return news, lost
}

// hear takes all messages that have arrived.
func (e *ear) hear() {
	for before := time.Now().UnixNano(); ; {
		n, o, err := e.receive()
		now := time.Now().UnixNano()
		switch err {
		case 0:
			e.read(n, originOf(e.oob[:o]), When{After: e.quiet - int64(tellDelay), By: now})
		case unix.EINTR:
		case unix.ENOBUFS:
			e.lost = true
		default:
			e.quiet = before
			return
		}
		before = now
	}
}

// read takes in what a datagram has.
func (e *ear) read(n int, ns int32, when When) {
	for b := e.buf[:n]; len(b) >= unix.NLMSG_HDRLEN; {
		size := int(binary.NativeEndian.Uint32(b))
		if size < unix.NLMSG_HDRLEN || size > len(b) {
			return
		}
		typ, body := binary.NativeEndian.Uint16(b[4:]), b[unix.NLMSG_HDRLEN:size]
		b = b[min(len(b), (size+3)&^3):]
		if typ != unix.RTM_NEWLINK && typ != unix.RTM_DELLINK || len(body) < unix.SizeofIfInfomsg {
			continue
		}
		if len(e.news) == newsKept {
			e.lost = true
			return
		}
		e.news = append(e.news, heard{ns, typ == unix.RTM_DELLINK, readLink(body), when})
	}
}

// receive is recvmsg(2) into buf and oob. It is done by hand because unix.Recvmsg allocates. A message that is longer than buf is
// cut off, and read as far as it goes.
func (e *ear) receive() (n, o int, err unix.Errno) {
	e.iov.Base = &e.buf[0]
	e.iov.SetLen(len(e.buf))
	e.hdr = unix.Msghdr{Iov: &e.iov, Control: &e.oob[0]}
	e.hdr.SetIovlen(1)
	e.hdr.SetControllen(len(e.oob))
	r, _, err := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(e.fd), uintptr(unsafe.Pointer(&e.hdr)), unix.MSG_DONTWAIT)
	return int(r), int(e.hdr.Controllen), err
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
