package reach

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// open opens the client's socket of a try, from a source port that no other try has. It sends nothing yet.
func (d *dialing) open(t *attempt) (fd int, err error) {
	if fd, err = d.b.transportSocket(t.from.Node, t.transport); err != nil {
		return -1, err
	}
	if err = d.prepare(t, fd); err == nil {
		err = d.source(t, fd)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// prepare has the socket queue errors, and leave no connection behind; one whose sender is an interface is bound to it,
// as curl(1) does by --interface.
func (d *dialing) prepare(t *attempt, fd int) error {
	level, queue := unix.IPPROTO_IP, unix.IP_RECVERR
	if t.v6 {
		level, queue = unix.IPPROTO_IPV6, unix.IPV6_RECVERR
	}
	err := unix.SetsockoptInt(fd, level, queue, 1)
	if err == nil && !t.udp {
		err = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
	if err == nil && t.bound.OIF != "" {
		err = unix.BindToDevice(fd, t.bound.OIF)
	}
	return err
}

// maxSourceTries is how many ports of a node's programs may follow each other.
const maxSourceTries = 1000

// source gives the socket its source port; those that programs of the node have are left out.
func (d *dialing) source(t *attempt, fd int) error {
	for range maxSourceTries {
		for d.ctx.Err() == nil {
			wait := d.b.sources.wait(time.Now())
			if wait <= 0 {
				break
			}
			d.b.pause(d.ctx, fmt.Sprintf("waiting until connection tracking has forgotten earlier connections (%d "+
				"source ports are in use)", lastSource-firstSource+1), time.Now().Add(wait))
		}
		port := d.b.sources.take(time.Now())
		err := unix.Bind(fd, t.sockaddr(t.bound.From, port, t.index))
		if errors.Is(err, unix.EADDRINUSE) {
			continue
		}
		if err != nil {
			return fmt.Errorf("bind to source port %d: %w", port, err)
		}
		t.source = port
		return nil
	}
	return fmt.Errorf("%d source ports of %s in a row are taken", maxSourceTries, t.from.Node)
}

// start connects, or sends the datagram. A refusal by the sender's kernel decides the question.
func (d *dialing) start(t *attempt, fd int) {
	t.sent = time.Now()
	t.tries = append(t.tries, Try{Port: t.source, From: t.sent})
	err := unix.Connect(fd, t.sockaddr(t.dst, t.port, t.index))
	if err == nil && t.udp {
		_, err = unix.Write(fd, t.payload)
	}
	if err == nil || errors.Is(err, unix.EINPROGRESS) {
		return
	}
	if d.queued(t, fd); t.word == "" {
		t.ownError(err)
	}
}

// queued takes in the errors that the socket has queued.
func (d *dialing) queued(t *attempt, fd int) {
	for t.word == "" {
		q, ok := nextError(fd)
		switch {
		case !ok:
			return
		case q.icmp:
			t.icmp(q.event, d.own)
		default:
			t.ownError(q.errno)
		}
	}
}

// take takes in what the client's socket has to say.
func (d *dialing) take(t *attempt, fd int) {
	if d.queued(t, fd); t.word != "" {
		return
	}
	errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	switch {
	case err != nil:
		t.decide(Unknown, "SO_ERROR: "+err.Error())
	case errno != 0:
		if d.queued(t, fd); t.word == "" { // it was queued meanwhile
			t.ownError(unix.Errno(errno))
		}
	case t.udp:
		var b [1]byte
		if _, _, err := unix.Recvfrom(fd, b[:], 0); t.real && err == nil {
			t.opened("answered")
		}
	default:
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err == nil && (info.State == tcpEstablished || info.State == tcpCloseWait) {
			t.opened("connected")
		}
	}
}

// Of include/net/tcp_states.h. CLOSE_WAIT is a connection that its other end has ended by now.
const tcpEstablished, tcpCloseWait = 1, 8
