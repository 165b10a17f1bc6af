package reach

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"labctl/topology/expect"
)

// ear is a listener of the prober at a port of a node, behind the node's own rules as a program's would be.
type ear struct {
	node string
	fd   int
	udp  bool
}

// place is where an ear is opened; the zero Addr is any address of the node.
type place struct {
	node string
	ip   netip.Addr
	port uint16
}

// ears are those of one question.
type ears struct {
	open     []ear
	programs []string // nodes in which a program of the lab holds the port, so that the prober does not listen there
}

// places are where the prober has to listen: where the question names it, else in every node that holds the address.
func (d *dialing) places(t *attempt) (out []place, err error) {
	if t.real {
		return nil, nil
	}
	for _, text := range t.listeners {
		p, err := d.named(t, text)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	if len(t.listeners) > 0 {
		return out, nil
	}
	for _, node := range d.own.byAddr[t.dst] {
		out = append(out, place{node, t.dst, t.port})
	}
	return out, nil
}

// named is the place that NODE:PORT or NODE:INTERFACE:PORT names: any address of the node, or the interface's first.
func (d *dialing) named(t *attempt, text string) (place, error) {
	name, port, ok := expect.SocketTarget(text)
	to, found := d.b.target(name)
	if !ok || !found || to.Node == "" {
		return place{}, fmt.Errorf("%q is not a port of a node of this lab", text)
	}
	p := place{node: to.Node, port: port}
	if to.Interface == "" {
		return p, nil
	}
	if p.ip = to.IP; t.v6 {
		p.ip = to.IP6
	}
	if !p.ip.IsValid() {
		return place{}, fmt.Errorf("%s has no address of this family", name)
	}
	return p, nil
}

// listen opens the ears of a question.
func (d *dialing) listen(t *attempt) (*ears, error) {
	places, err := d.places(t)
	if err != nil {
		return nil, err
	}
	l := &ears{}
	for _, p := range places {
		fd, err := d.b.bound(p, t.transport, d.indexOf(p))
		switch {
		case errors.Is(err, unix.EADDRINUSE):
			l.programs = append(l.programs, p.node)
		case err != nil:
			l.close()
			return nil, err
		default:
			l.open = append(l.open, ear{p.node, fd, t.udp})
		}
	}
	return l, nil
}

// indexOf is the interface that has the address.
func (d *dialing) indexOf(p place) int {
	l, _ := d.own.holding(p.node, p.ip)
	return l.Index
}

// bound opens a socket at a place and has it listen. The error is EADDRINUSE if a program's socket gets what comes
// there. What is left of connections of a program that has ended is none (TIME_WAIT): it does not answer.
func (b *bench) bound(p place, t transport, index int) (fd int, err error) {
	if fd, err = b.bind(p, t, index, false); !errors.Is(err, unix.EADDRINUSE) {
		return fd, err
	}
	held, err := b.portHeld(p.node, t, p.port)
	if err != nil {
		return -1, err
	}
	if held == listens {
		return -1, unix.EADDRINUSE
	}
	if fd, err = b.bind(p, t, index, true); errors.Is(err, unix.EADDRINUSE) {
		return -1, fmt.Errorf("port %d of %s is taken by a socket that does not listen, so nobody can", p.port, p.node)
	}
	return fd, err
}

// bind opens the socket. Without reuse it takes no port that any other socket has (socket(7), SO_REUSEADDR). An address
// that the node has lost is none the less listened at (ip(7), IP_FREEBIND): that is no mistake of the question.
func (b *bench) bind(p place, t transport, index int, reuse bool) (fd int, err error) {
	if fd, err = b.transportSocket(p.node, t); err != nil {
		return -1, fmt.Errorf("listen in %s: %w", p.node, err)
	}
	level, free := unix.IPPROTO_IP, unix.IP_FREEBIND
	if t.v6 {
		level, free = unix.IPPROTO_IPV6, unix.IPV6_FREEBIND
	}
	err = unix.SetsockoptInt(fd, level, free, 1)
	if err == nil && reuse {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	}
	if err == nil {
		err = unix.Bind(fd, t.sockaddr(p.ip, p.port, index))
	}
	if err == nil && !t.udp {
		err = unix.Listen(fd, 8)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("listen at port %d of %s: %w", p.port, p.node, err)
	}
	return fd, nil
}

// close closes all.
func (l *ears) close() {
	for _, e := range l.open {
		_ = unix.Close(e.fd)
	}
	l.open = nil
}

// nobody reports whether nobody listens: what is refused then, or lost, proves nothing.
func (l *ears) nobody() bool { return len(l.open) == 0 && len(l.programs) == 0 }

// heard is the node at which what was sent has arrived: a connection, or a datagram with that payload; "" if none has.
func (l *ears) heard(payload []byte) string {
	for _, e := range l.open {
		if e.udp && e.received(payload) || !e.udp && e.accepted() {
			return e.node
		}
	}
	return ""
}

// accepted takes a connection, and ends it by a reset: neither end is left waiting for the other.
func (e ear) accepted() bool {
	for {
		fd, _, err := unix.Accept4(e.fd, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return false
		}
		reset(fd)
		return true
	}
}

// reset closes a connection at once, without waiting for its other end (socket(7), SO_LINGER).
func reset(fd int) {
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	_ = unix.Close(fd)
}

func (e ear) received(payload []byte) bool {
	buf := make([]byte, len(payload)+1)
	for {
		n, _, err := unix.Recvfrom(e.fd, buf, 0)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return false
		case bytes.Equal(buf[:n], payload):
			return true
		}
	}
}

// where says in which nodes, in words.
func where(nodes []string) string {
	nodes = slices.Clone(nodes)
	slices.Sort(nodes)
	return strings.Join(slices.Compact(nodes), ", ")
}

func (l *ears) pollFds() []unix.PollFd {
	var fds []unix.PollFd
	for _, e := range l.open {
		fds = append(fds, unix.PollFd{Fd: int32(e.fd), Events: unix.POLLIN})
	}
	return fds
}

// nodes are those in which the prober listens.
func (l *ears) nodes() (out []string) {
	for _, e := range l.open {
		out = append(out, e.node)
	}
	return out
}
