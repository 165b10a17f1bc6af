package reach

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// transport is a transport protocol over one family.
type transport struct{ udp, v6 bool }

// protocol is its name without the family.
func (t transport) protocol() string {
	if t.udp {
		return "udp"
	}
	return "tcp"
}

// socket opens a socket in a node that does not block, and takes only what is of its family.
func (b *bench) transportSocket(node string, t transport) (fd int, err error) {
	typ := unix.SOCK_STREAM
	if t.udp {
		typ = unix.SOCK_DGRAM
	}
	if fd, err = b.machine.Socket(node, family(t.v6), typ|unix.SOCK_NONBLOCK, 0); err != nil {
		return -1, err
	}
	if t.v6 {
		if err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			_ = unix.Close(fd)
			return -1, err
		}
	}
	return fd, nil
}

// sockaddr is an address and a port; the zero Addr is any address. The index matters of link-local addresses only.
func (t transport) sockaddr(ip netip.Addr, port uint16, index int) unix.Sockaddr {
	if t.v6 {
		a := &unix.SockaddrInet6{Port: int(port)}
		if ip.IsValid() {
			a.Addr = ip.As16()
		}
		if ip.IsLinkLocalUnicast() {
			a.ZoneId = uint32(index)
		}
		return a
	}
	a := &unix.SockaddrInet4{Port: int(port)}
	if ip.IsValid() {
		a.Addr = ip.As4()
	}
	return a
}
