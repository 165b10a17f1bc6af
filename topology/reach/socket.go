package reach

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// echoSocket is the raw ICMP socket of one node and family, non-blocking. Not safe for concurrent use.
type echoSocket struct {
	node string
	fd   int
	v6   bool

	known      bool // the rest is
	usual, now int  // how the path MTU is found: with a new socket, and now
}

type socketKey struct {
	node string
	v6   bool
}

// echoSocket returns the node's socket and opens it if need be.
func (b *bench) echoSocket(node string, v6 bool) (*echoSocket, error) {
	key := socketKey{node, v6}
	if s := b.sockets[key]; s != nil {
		return s, nil
	}
	s, err := openEcho(b.machine, node, v6)
	if err != nil {
		return nil, fmt.Errorf("open a raw ICMP socket in %s: %w", node, err)
	}
	b.sockets[key] = s
	return s, nil
}

func openEcho(m Machine, node string, v6 bool) (*echoSocket, error) {
	domain, proto := unix.AF_INET, unix.IPPROTO_ICMP
	if v6 {
		domain, proto = unix.AF_INET6, unix.IPPROTO_ICMPV6
	}
	fd, err := m.Socket(node, domain, unix.SOCK_RAW, proto)
	if err != nil {
		return nil, err
	}
	s := &echoSocket{node: node, fd: fd, v6: v6}
	if err := s.set(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// sendBuffer holds a batch's requests of one node while they wait for their neighbours.
const sendBuffer = 1 << 20

func (s *echoSocket) set() error {
	if err := unix.SetNonblock(s.fd, true); err != nil {
		return err
	}
	// What the machine grants less of is no error: batches are limited per sender as well.
	_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, sendBuffer)
	_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, sendBuffer)
	if s.v6 {
		f := &unix.ICMPv6Filter{}
		for i := range f.Data {
			f.Data[i] = ^uint32(0)
		}
		for _, t := range []byte{reply6, unreach6, tooBig6, exceeded6, problem6, redirect6} {
			f.Data[t>>5] &^= 1 << (t & 31)
		}
		if err := unix.SetsockoptICMPv6Filter(s.fd, unix.IPPROTO_ICMPV6, unix.ICMPV6_FILTER, f); err != nil {
			return err
		}
		return unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1)
	}
	pass := uint32(1<<reply4 | 1<<unreach4 | 1<<quench4 | 1<<redirect4 | 1<<exceeded4 | 1<<problem4)
	if err := unix.SetsockoptInt(s.fd, unix.SOL_RAW, unix.ICMP_FILTER, int(int32(^pass))); err != nil {
		return err
	}
	// Without it a full neighbour table (ENOBUFS) looks like a request that was sent: ip(7), IP_RECVERR.
	return unix.SetsockoptInt(s.fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1)
}

func (s *echoSocket) close() error { return unix.Close(s.fd) }

// send sends one packet. Its error is this packet's: an earlier one's, which the socket also reports here (IP_RECVERR),
// is taken away first.
func (s *echoSocket) send(pkt, oob []byte, to unix.Sockaddr) error {
	var err error
	for range 3 {
		err = unix.Sendmsg(s.fd, pkt, oob, to, 0)
		if err == nil {
			return nil
		}
		s.clear()
	}
	return err
}

// clear takes away pending errors, and the queued copies that would fill the receive buffer.
func (s *echoSocket) clear() {
	_, _ = unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	var b, oob [128]byte
	for {
		_, _, _, _, err := unix.Recvmsg(s.fd, b[:], oob[:], unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		if err != nil && err != unix.EINTR {
			return
		}
	}
}

// receive returns the next event, false when there is none now.
func (s *echoSocket) receive(buf []byte, cookie [8]byte) (event, bool) {
	for {
		var n int
		var err error
		var from netip.Addr
		if s.v6 {
			var sa unix.Sockaddr
			n, sa, err = unix.Recvfrom(s.fd, buf, 0)
			if a, ok := sa.(*unix.SockaddrInet6); ok {
				from = netip.AddrFrom16(a.Addr)
			}
		} else {
			n, err = unix.Read(s.fd, buf)
		}
		switch err {
		case nil:
		case unix.EAGAIN:
			return event{}, false
		case unix.EINTR:
			continue
		case unix.EBADF, unix.ENOTSOCK:
			return event{}, false
		default:
			s.clear()
			continue
		}
		var ev event
		var ok bool
		if s.v6 {
			ev, ok = parse6(buf[:n], from, cookie)
		} else {
			ev, ok = parse4(buf[:n], cookie)
		}
		if ok {
			return ev, true
		}
	}
}

// discover has the socket's next packets sent so, see [form.discovery].
func (s *echoSocket) discover(mode int) error {
	level, option := unix.IPPROTO_IP, unix.IP_MTU_DISCOVER
	if s.v6 {
		level, option = unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER
	}
	if !s.known {
		var err error
		if s.usual, err = unix.GetsockoptInt(s.fd, level, option); err != nil {
			return fmt.Errorf("read how the path MTU is found: %w", err)
		}
		s.now, s.known = s.usual, true
	}
	if mode == usual {
		mode = s.usual
	}
	if s.now == mode {
		return nil
	}
	if err := unix.SetsockoptInt(s.fd, level, option, mode); err != nil {
		return fmt.Errorf("set how the path MTU is found: %w", err)
	}
	s.now = mode
	return nil
}

// poll waits until one of the descriptors has something or d is over; interruptions only shorten the wait.
func poll(fds []unix.PollFd, d time.Duration) {
	if d <= 0 {
		return
	}
	for i := range fds {
		fds[i].Revents = 0
	}
	ts := unix.NsecToTimespec(d.Nanoseconds())
	_, _ = unix.Ppoll(fds, &ts, nil)
}

// outdated reports whether an error of a send may say that the interface or the address that it was bound to is not
// there any more; ENETUNREACH is for an address (ip_route_output_key_hash_rcu, net/ipv4/route.c). Those of routes that
// fail are among them.
func outdated(err error) bool {
	return slices.ContainsFunc([]error{unix.ENODEV, unix.ENXIO, unix.EINVAL, unix.EADDRNOTAVAIL, unix.ENETUNREACH},
		func(e error) bool { return errors.Is(err, e) })
}
