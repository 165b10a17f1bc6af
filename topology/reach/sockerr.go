package reach

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Of linux/errqueue.h.
const (
	originLocal = 1
	originICMP  = 2
	originICMP6 = 3
	// sizes of struct sock_extended_err and of the addresses that may follow it
	errLen, sockaddr4Len, sockaddr6Len = 16, 16, 28
)

// queuedError is what a socket's error queue says (ip(7), IP_RECVERR): an ICMP error, whose sender is in it, or an
// error of the sender's own kernel.
type queuedError struct {
	errno unix.Errno
	icmp  bool
	event // of an ICMP error: from whom, type and code
}

// nextError takes the next error from a socket's queue, false when there is none now. Also TCP has one, while it
// connects: an ICMP error that comes while connect(2) still holds the socket is nowhere else (tcp_v4_err).
func nextError(fd int) (queuedError, bool) {
	var data [256]byte
	var oob [256]byte
	for {
		_, n, _, _, err := unix.Recvmsg(fd, data[:], oob[:], unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return queuedError{}, false
		}
		list, err := unix.ParseSocketControlMessage(oob[:n])
		if err != nil {
			continue
		}
		for _, m := range list {
			if q, ok := parseQueued(m); ok {
				return q, true
			}
		}
	}
}

// parseQueued reads a control message with a struct sock_extended_err and the address of who sent the ICMP error.
func parseQueued(m unix.SocketControlMessage) (queuedError, bool) {
	v4 := m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_RECVERR
	v6 := m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_RECVERR
	if !v4 && !v6 || len(m.Data) < errLen {
		return queuedError{}, false
	}
	q := queuedError{errno: unix.Errno(binary.NativeEndian.Uint32(m.Data))}
	origin := m.Data[4]
	q.kind, q.typ, q.code = gotError, m.Data[5], m.Data[6]
	from := m.Data[errLen:]
	switch {
	case origin == originICMP && v4 && len(from) >= sockaddr4Len:
		q.icmp, q.from = true, netip.AddrFrom4([4]byte(from[4:8]))
	case origin == originICMP6 && v6 && len(from) >= sockaddr6Len:
		q.icmp, q.from = true, netip.AddrFrom16([16]byte(from[8:24]))
	case origin != originLocal:
		return queuedError{}, false
	}
	return q, true
}
