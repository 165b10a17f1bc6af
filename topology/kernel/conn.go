//go:build linux

package kernel

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sys/unix"
)

// conn is a netlink socket in a namespace for what probes ask thousands of times: prebuilt requests, one system call
// each way. The kernel works rtnetlink requests off while they are sent (netlink(7)), so nobody ever waits for an
// answer. It is opened on first use.
type conn struct {
	netnsRef

	mu    sync.Mutex
	fd    int // 0: not open
	ended bool
	seq   uint32
}

// answerBuffers hold answers; a dump fills at most 32 KiB at a time (netlink_dump).
var answerBuffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// close closes the socket; the next request opens it again.
func (c *conn) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd > 0 {
		unix.Close(c.fd)
		c.fd = 0
	}
}

// end closes it for good: the namespace's descriptor is about to become another file's.
func (c *conn) end() {
	c.close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
}

// openLocked opens the socket if it is not open. The caller holds c.mu.
func (c *conn) openLocked() error {
	if c.fd > 0 {
		return nil
	}
	if c.ended {
		return fmt.Errorf("%s has no namespace any more: %w", c.node, unix.ENODEV)
	}
	err := c.run(func() (err error) {
		c.fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
		return err
	})
	if err == nil {
		// A lost answer must not block a probe for good.
		err = unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10})
	}
	if err != nil {
		return fmt.Errorf("%s: open netlink socket: %w", c.node, err)
	}
	_ = unix.SetsockoptInt(c.fd, unix.SOL_NETLINK, unix.NETLINK_CAP_ACK, 1)
	return nil
}

// exchange sends requests, written one behind the other by [message], and hands every answer's type and payload to f
// until the last request is answered; with a nil f nobody wants the answers. Errors that the kernel answers with go to
// refuse, which may forgive them; with a nil one the first is the exchange's.
func (c *conn) exchange(requests []byte, f func(typ uint16, b []byte), refuse func(unix.Errno) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.openLocked(); err != nil {
		return err
	}
	last := numberRequests(requests, &c.seq)
	if _, err := unix.Write(c.fd, requests); err != nil {
		return fmt.Errorf("%s: ask the kernel: %w", c.node, err)
	}
	buf := answerBuffers.Get().(*[32 << 10]byte)
	defer answerBuffers.Put(buf)
	var failure error
	for {
		got, err := unix.Read(c.fd, buf[:])
		if err == unix.EINTR {
			continue
		}
		if err == nil && got == 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return fmt.Errorf("%s: hear from the kernel: %w", c.node, err)
		}
		for b := buf[:got]; len(b) >= unix.NLMSG_HDRLEN; {
			size := int(binary.NativeEndian.Uint32(b))
			if size < unix.NLMSG_HDRLEN || size > len(b) {
				break
			}
			typ, flags, seq := binary.NativeEndian.Uint16(b[4:]), binary.NativeEndian.Uint16(b[6:]),
				binary.NativeEndian.Uint32(b[8:])
			body := b[unix.NLMSG_HDRLEN:size]
			b = b[min(len(b), (size+3)&^3):]
			done := seq == last && (typ == unix.NLMSG_DONE || typ == unix.NLMSG_ERROR || flags&unix.NLM_F_MULTI == 0)
			if typ == unix.NLMSG_ERROR && len(body) >= 4 {
				if errno := unix.Errno(-int32(binary.NativeEndian.Uint32(body))); errno != 0 && failure == nil {
					if failure = errno; refuse != nil {
						failure = refuse(errno)
					}
				}
			} else if f != nil && typ != unix.NLMSG_DONE && int32(seq-last) <= 0 {
				f(typ, body)
			}
			if done {
				return failure
			}
		}
	}
}

// numberRequests gives requests their sequence numbers, which follow seq, and returns the last.
func numberRequests(requests []byte, seq *uint32) uint32 {
	for b := requests; len(b) >= unix.NLMSG_HDRLEN; {
		*seq++
		binary.NativeEndian.PutUint32(b[8:], *seq)
		b = b[min(len(b), int(binary.NativeEndian.Uint32(b)+3)&^3):]
	}
	return *seq
}

// message appends a request: its header, the fixed part, and then attributes by [attribute]; close it with [finish].
func message(b []byte, typ, flags uint16, fixed []byte) (out []byte, start int) {
	start = len(b)
	b = append(b, make([]byte, unix.NLMSG_HDRLEN)...)
	binary.NativeEndian.PutUint16(b[start+4:], typ)
	binary.NativeEndian.PutUint16(b[start+6:], flags|unix.NLM_F_REQUEST)
	return append(b, fixed...), start
}

func attribute(b []byte, typ uint16, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(unix.SizeofRtAttr+len(value)))
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = append(b, value...)
	return append(b, make([]byte, -len(value)&3)...)
}

func finish(b []byte, start int) []byte {
	binary.NativeEndian.PutUint32(b[start:], uint32(len(b)-start))
	return b
}

// attributes hands every attribute behind the fixed part to f.
func attributes(b []byte, f func(typ uint16, value []byte)) {
	for len(b) >= unix.SizeofRtAttr {
		size := int(binary.NativeEndian.Uint16(b))
		if size < unix.SizeofRtAttr || size > len(b) {
			return
		}
		f(binary.NativeEndian.Uint16(b[2:])&^unix.NLA_F_NESTED, b[unix.SizeofRtAttr:size])
		b = b[min(len(b), (size+3)&^3):]
	}
}

// Of linux/if_link.h and linux/rtnetlink.h: counters are most of an answer, and nobody wants them here.
const (
	brportState        = 1 // IFLA_BRPORT_STATE
	rtextFilterNoStats = 8 // RTEXT_FILTER_SKIP_STATS
)
