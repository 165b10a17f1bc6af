//go:build linux

package datapath

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
)

// sendQueue is how many copies wait until they are sent with one system call.
const sendQueue = 128

const (
	pieces   = 3 // of a frame at most: a front that is written again, what stays as it came, zeros at the end
	minFrame = 60
)

// sender sends to all ports of one network namespace, by the socket of one of them: a packet socket sends to any
// interface of its namespace that the message names (packet(7)). So a broadcast to 99 ports is one system call, and not
// 99. A shared interface's port, whose mark is its socket's, has one of its own.
type sender struct {
	cookie uint64
	mark   uint32
	fd     int
	ports  []*port // whose sockets may be used; fd is the first one's
	n      int
	msgs   [sendQueue]unix.Mmsghdr
	iovs   [sendQueue][pieces]unix.Iovec
	heads  [sendQueue][headLen]byte
	copies [sendQueue]outgoing
}

// outgoing says whose copy a message is.
type outgoing struct {
	in, out *port // in is nil for a frame of the switch itself
	raw     []byte
	tci     uint16 // of the tag beside it
	tagged  bool
	segment int
}

// failure is a copy that could not be sent.
type failure struct {
	outgoing
	reason switchcore.Reason
}

// transmitter sends copies of frames by the ports they are for. Copies for packet sockets wait in queues until flush.
type transmitter struct {
	attached *attached
	senders  []*sender
	failed   []failure      // that nobody was told of yet
	refused  []*port        // by whose sockets something was refused: the interface may be on its way down
	zeros    [minFrame]byte // never written to
}

// senderFor is the sender of a port's network namespace, to which the port belongs from now on.
func (t *transmitter) senderFor(p *port) (*sender, error) {
	cookie, err := unix.GetsockoptUint64(p.fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
	if err != nil {
		return nil, fmt.Errorf("tell its network namespace: %w", err)
	}
	var mark uint32
	if p.shared != nil {
		mark = p.shared.Mark
	}
	for _, s := range t.senders {
		if s.cookie == cookie && s.mark == mark {
			s.ports = append(s.ports, p)
			return s, nil
		}
	}
	s := &sender{cookie: cookie, mark: mark, fd: p.fd, ports: []*port{p}}
	t.senders = append(t.senders, s)
	return s, nil
}

// leave takes a port's socket out of use; what waits for it is sent before.
func (t *transmitter) leave(p *port) {
	s := p.sender
	if s == nil {
		return
	}
	t.flushSender(s)
	for i, have := range s.ports {
		if have == p {
			s.ports = append(s.ports[:i], s.ports[i+1:]...)
			break
		}
	}
	if len(s.ports) > 0 {
		s.fd = s.ports[0].fd
		return
	}
	for i, have := range t.senders {
		if have == s {
			t.senders = append(t.senders[:i], t.senders[i+1:]...)
			return
		}
	}
}

// queue has a copy of a frame sent, soon. raw must stay as it is until flush.
func (t *transmitter) queue(in *port, raw []byte, f *switchcore.Frame, out switchcore.Output) {
	p := t.attached.port(out.Port)
	c := outgoing{in, p, raw, f.TCI, f.Tagged, f.Segment}
	if p == nil || len(raw) < vnetLen+headerLen {
		t.failed = append(t.failed, failure{c, switchcore.TxFail})
		if p == nil {
			t.failed[len(t.failed)-1].out = &port{id: out.Port}
		}
		return
	}
	if p.tap {
		t.write(c, out)
		return
	}
	if p.holder.Ifindex != 0 {
		to := switchcore.MAC(raw[vnetLen:])
		group := to[0]&1 != 0
		if group || to == p.mac {
			t.send(c, f.Tagged, out, &p.holder)
		}
		if !group && to == p.mac {
			return
		}
	}
	t.send(c, f.Tagged, out, &p.addr)
}

// send puts one message into the queue of its sender.
func (t *transmitter) send(c outgoing, tagged bool, out switchcore.Output, to *unix.RawSockaddrLinklayer) {
	s := c.out.sender
	if s.n == sendQueue {
		t.flushSender(s)
	}
	i := s.n
	s.n++
	s.copies[i] = c
	iov := &s.iovs[i]
	count := compose(iov, &s.heads[i], c.raw, tagged, out)
	if c.out.uplink {
		count = t.pad(iov, count, vnetLen)
	}
	h := &s.msgs[i].Hdr
	h.Name = (*byte)(unsafe.Pointer(to))
	h.Namelen = unix.SizeofSockaddrLinklayer
	h.Iov = &iov[0]
	h.SetIovlen(count)
}

// compose describes how a frame leaves with the tag that it is to have, and returns the number of pieces.
func compose(iov *[pieces]unix.Iovec, head *[headLen]byte, raw []byte, beside bool, out switchcore.Output) int {
	n, rest := rewrite(head, raw, beside, out)
	if n == 0 {
		iov[0].Base = &raw[0]
		iov[0].SetLen(len(raw))
		return 1
	}
	iov[0].Base = &head[0]
	iov[0].SetLen(n)
	iov[1].Base = &raw[rest]
	iov[1].SetLen(len(raw) - rest)
	return 2
}

// pad makes a frame of at least 60 bytes of the pieces, behind a header of the given length, and returns their number:
// shorter ones do not go on an Ethernet (IEEE 802.3, without the checksum; ESXi's MinEtherLen). Zeros change no
// checksum that is still open.
func (t *transmitter) pad(iov *[pieces]unix.Iovec, count, header int) int {
	missing := minFrame + header
	for i := range count {
		missing -= int(iov[i].Len)
	}
	if missing <= 0 {
		return count
	}
	iov[count].Base = &t.zeros[0]
	iov[count].SetLen(missing)
	return count + 1
}

// write sends a copy to a TAP, which takes one frame at a time.
func (t *transmitter) write(c outgoing, out switchcore.Output) {
	var head [headLen]byte
	n, rest := rewrite(&head, c.raw, c.tagged, out)
	if n == 0 {
		rest = vnetLen
		n = copy(head[:], c.raw[:vnetLen])
	}
	if c.out.header > vnetLen { // the number of buffers, which nobody reads, comes behind the shorter header
		n += copy(head[vnetLen+2:], head[vnetLen:n]) - (n - vnetLen) + 2
		head[vnetLen], head[vnetLen+1] = 0, 0
	}
	iov := [pieces]unix.Iovec{{Base: &head[0]}, {Base: &c.raw[rest]}}
	iov[0].SetLen(n)
	iov[1].SetLen(len(c.raw) - rest)
	count := 2
	if c.out.uplink {
		count = t.pad(&iov, count, c.out.header)
	}
	if e := writev(c.out.fd, iov[:count]); e != 0 {
		t.failed = append(t.failed, failure{c, reasonOf(e)})
	}
}

// flush sends what waits.
func (t *transmitter) flush() {
	for _, s := range t.senders {
		t.flushSender(s)
	}
}

// flushSender sends what waits at one sender. A socket also returns errors that are not the message's (of its own
// interface, which went down; of a frame that it could not receive), once: so a message is a failure when it was
// refused twice.
func (t *transmitter) flushSender(s *sender) {
	refused := -1
	for i := 0; i < s.n; {
		n, e := sendmmsg(s.fd, s.msgs[i:s.n])
		switch {
		case e == 0:
			i += n
		case e == unix.EINTR:
		case refused != i && e != unix.EAGAIN && e != unix.ENOBUFS && e != unix.EMSGSIZE:
			refused = i
			t.refused = append(t.refused, s.ports[0]) // receiving will not report what sending has
		default:
			t.failed = append(t.failed, failure{s.copies[i], reasonOf(e)})
			i++
		}
	}
	clear(s.copies[:s.n])
	s.n = 0
}

// reasonOf is what the switch calls an error of sending.
func reasonOf(e unix.Errno) switchcore.Reason {
	if e == unix.EMSGSIZE { // longer than the interface's MTU
		return switchcore.MtuExceeded
	}
	return switchcore.TxFail
}
