package e2e

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// ioctlHardwareAddress gives an interface another address by SIOCSIFHWADDR (netdevice(7)), which x/sys has no function
// for.
func ioctlHardwareAddress(fd int, name string, mac [6]byte) error {
	var req struct {
		name   [unix.IFNAMSIZ]byte
		family uint16
		data   [14]byte
		_      [8]byte // struct ifreq is longer than its sockaddr
	}
	copy(req.name[:], name)
	req.family = unix.ARPHRD_ETHER
	copy(req.data[:], mac[:])
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCSIFHWADDR, uintptr(unsafe.Pointer(&req))); errno != 0 {
		return errno
	}
	return nil
}
