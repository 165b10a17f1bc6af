//go:build linux

package kernel

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sys/unix"
)

// wire is a node's netlink socket for what probes ask thousands of times: prebuilt requests, one system call each way. The
// kernel works rtnetlink requests off while they are sent (netlink(7)), so nobody ever waits for an answer.
type wire struct {
	mu  sync.Mutex
	fd  int // 0: not open
	end bool
	seq uint32
}

// wireBuffers hold answers; a dump fills at most 32 KiB at a time (netlink_dump).
var wireBuffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

func (w *wire) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fd > 0 {
		unix.Close(w.fd)
		w.fd = 0
	}
}

// shut closes it for good: the namespace's descriptor is about to become another file's.
func (w *wire) shut() {
	w.close()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end = true
}

// openWireLocked opens the socket on first use. The caller holds w.mu.
func (s *Space) openWireLocked(n *node) error {
	w := &n.wire
	if w.fd > 0 {
		return nil
	}
	if w.end {
		return fmt.Errorf("%s has no namespace any more: %w", n.name, unix.ENODEV)
	}
	err := within(s.hub, n.fd, func() (err error) {
		w.fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
		return err
	})
	if err == nil {
		// A lost answer must not block a probe for good.
		err = unix.SetsockoptTimeval(w.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10})
	}
	if err != nil {
		return fmt.Errorf("%s: open netlink socket: %w", n.name, err)
	}
	_ = unix.SetsockoptInt(w.fd, unix.SOL_NETLINK, unix.NETLINK_CAP_ACK, 1)
	return nil
}

// exchange sends requests, written one behind the other by [message], and hands every answer's type and payload to f until
// the last request is answered. Errors that the kernel answers with go to refuse, which may forgive them.
func (s *Space) exchange(n *node, requests []byte, f func(typ uint16, b []byte), refuse func(unix.Errno) error) error {
	w := &n.wire
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := s.openWireLocked(n); err != nil {
		return err
	}
	last := w.number(requests)
	if _, err := unix.Write(w.fd, requests); err != nil {
		return fmt.Errorf("%s: ask the kernel: %w", n.name, err)
	}
	buf := wireBuffers.Get().(*[32 << 10]byte)
	defer wireBuffers.Put(buf)
	var failure error
	for {
		c, err := unix.Read(w.fd, buf[:])
		if err == unix.EINTR {
			continue
		}
		if err == nil && c == 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return fmt.Errorf("%s: hear from the kernel: %w", n.name, err)
		}
		for b := buf[:c]; len(b) >= unix.NLMSG_HDRLEN; {
			size := int(binary.NativeEndian.Uint32(b))
			if size < unix.NLMSG_HDRLEN || size > len(b) {
				break
			}
			typ, flags, seq := binary.NativeEndian.Uint16(b[4:]), binary.NativeEndian.Uint16(b[6:]), binary.NativeEndian.Uint32(b[8:])
			body := b[unix.NLMSG_HDRLEN:size]
			b = b[min(len(b), (size+3)&^3):]
			done := seq == last && (typ == unix.NLMSG_DONE || typ == unix.NLMSG_ERROR || flags&unix.NLM_F_MULTI == 0)
			if typ == unix.NLMSG_ERROR && len(body) >= 4 {
				if errno := unix.Errno(-int32(binary.NativeEndian.Uint32(body))); errno != 0 && failure == nil {
					failure = refuse(errno)
				}
			} else if typ != unix.NLMSG_DONE && int32(seq-last) <= 0 {
				f(typ, body)
			}
			if done {
				return failure
			}
		}
	}
}

// number gives the requests their sequence numbers and returns the last.
func (w *wire) number(requests []byte) uint32 {
	for b := requests; len(b) >= unix.NLMSG_HDRLEN; {
		w.seq++
		binary.NativeEndian.PutUint32(b[8:], w.seq)
		b = b[min(len(b), int(binary.NativeEndian.Uint32(b)+3)&^3):]
	}
	return w.seq
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
