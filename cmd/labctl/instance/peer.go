//go:build linux

package instance

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// Dial connects to a socket in d. Its other end must be a process of this user: who answers is believed, and is handed
// the caller's descriptors and environment.
func Dial(d *Folder, name string) (*net.UnixConn, *unix.Ucred, error) {
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: d.held(name), Net: "unix"})
	if err != nil {
		// without the path by which it was reached
		return nil, nil, fmt.Errorf("%s: %w", d.In(name), errors.Unwrap(err))
	}
	peer, err := samePeer(conn)
	if err != nil {
		conn.Close()
		return nil, nil, fmt.Errorf("%s: %w", d.In(name), err)
	}
	return conn, peer, nil
}

// Listen makes a socket in d that only this user can connect to, in the place of a dead one.
func Listen(d *Folder, name string) (*net.UnixListener, error) {
	if err := d.Unlink(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var l *net.UnixListener
	err := d.change("bind", name, func() (err error) {
		l, err = net.ListenUnix("unix", &net.UnixAddr{Name: d.held(name), Net: "unix"})
		return err
	})
	if err != nil {
		return nil, err
	}
	return l, d.change("chmod", name, func() error { return unix.Fchmodat(d.fd(), name, 0o600, 0) })
}

// errOtherUser: the process at the other end of a socket is another user's.
var errOtherUser = errors.New("the process at its other end is another user's")

// samePeer says who made the other end (unix(7), SO_PEERCRED); another user is refused.
func samePeer(conn *net.UnixConn) (peer *unix.Ucred, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	cerr := raw.Control(func(fd uintptr) {
		peer, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(err, cerr); err != nil {
		return nil, err
	}
	if int(peer.Uid) != os.Geteuid() {
		return nil, errOtherUser
	}
	return peer, nil
}
