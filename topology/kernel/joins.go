//go:build linux

package kernel

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// membership is a group that an interface has joined.
type membership struct {
	name  string
	group netip.Addr
}

// joins are the sockets by which interfaces of a namespace have joined groups: one for each, since a socket takes 20
// of IPv4 (net.ipv4.igmp_max_memberships). They are bound to nothing, so that nothing comes to them, and nobody is
// turned away or answered because of them. It is for the one goroutine that changes the lab.
type joins struct{ held map[membership]joined }

type joined struct {
	fd    int
	index int // of the interface; one that was made again under its name has another
}

// join joins a group. What a kernel without the family, or with IPv6 switched off there, says is the error.
func (n *namespace) join(name string, group netip.Addr) error {
	index, err := n.ifindex(name)
	if err != nil {
		return err
	}
	m := membership{name, group}
	if was, ok := n.joins.held[m]; ok && was.index == index {
		return nil
	}
	fd := -1
	err = n.enter(func() (err error) {
		fd, err = joinedSocket(index, group)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %s cannot join %s: %w", n.node, name, group, err)
	}
	n.joins.leave(name, group)
	if n.joins.held == nil {
		n.joins.held = map[membership]joined{}
	}
	n.joins.held[m] = joined{fd, index}
	return nil
}

// joinedSocket opens a socket in the calling thread's namespace that has joined a group. The caller owns it.
func joinedSocket(index int, group netip.Addr) (int, error) {
	family := unix.AF_INET
	if group.Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if group.Is6() {
		err = unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP,
			&unix.IPv6Mreq{Multiaddr: group.As16(), Interface: uint32(index)})
	} else {
		err = unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP,
			&unix.IPMreqn{Multiaddr: group.As4(), Ifindex: int32(index)})
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// leave leaves a group, by closing its socket: the kernel then reports that the host has left.
func (j *joins) leave(name string, group netip.Addr) {
	m := membership{name, group}
	if was, ok := j.held[m]; ok {
		delete(j.held, m)
		unix.Close(was.fd)
	}
}

// gone lets go of the groups of an interface that was removed.
func (j *joins) gone(name string) {
	for m := range j.held {
		if m.name == name {
			j.leave(m.name, m.group)
		}
	}
}

// end leaves all groups.
func (j *joins) end() {
	for m := range j.held {
		j.leave(m.name, m.group)
	}
}
