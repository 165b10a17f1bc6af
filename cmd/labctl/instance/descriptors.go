//go:build linux

package instance

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// ReceiveFiles takes n descriptors off a connection (unix(7), SCM_RIGHTS).
func ReceiveFiles(conn *net.UnixConn, n int) ([]*os.File, error) {
	b, oob := make([]byte, 1), make([]byte, unix.CmsgSpace(4*n))
	_, oobn, flags, _, err := conn.ReadMsgUnix(b, oob)
	if err != nil {
		return nil, fmt.Errorf("receive descriptors: %w", err)
	}
	msgs, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(msgs) == 0 {
		return nil, fmt.Errorf("receive descriptors: none came (%v)", err)
	}
	fds, err := unix.ParseUnixRights(&msgs[0])
	if more := flags&unix.MSG_CTRUNC != 0; err != nil || len(fds) != n || more {
		for _, fd := range fds {
			unix.Close(fd)
		}
		if more {
			return nil, fmt.Errorf("receive descriptors: more than %d came", n)
		}
		return nil, fmt.Errorf("receive descriptors: %d of %d came (%v)", len(fds), n, err)
	}
	files := make([]*os.File, n)
	for i, fd := range fds {
		unix.CloseOnExec(fd)
		files[i] = os.NewFile(uintptr(fd), "passed")
	}
	return files, nil
}

// PassFiles sends descriptors over a connection, with the one byte that they need to travel with.
func PassFiles(conn *net.UnixConn, files []*os.File) error {
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	if _, _, err := conn.WriteMsgUnix([]byte{0}, unix.UnixRights(fds...), nil); err != nil {
		return fmt.Errorf("pass descriptors: %w", err)
	}
	return nil
}
