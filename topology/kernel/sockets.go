//go:build linux

package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"labctl/topology"
)

// Socket opens a socket inside the node's namespace. The caller owns the descriptor.
func (s *Space) Socket(node string, domain, typ, proto int) (fd int, err error) {
	err = s.Enter(node, func() error {
		fd, err = unix.Socket(domain, typ|unix.SOCK_CLOEXEC, proto)
		return err
	})
	if err != nil {
		return -1, fmt.Errorf("%s: open socket: %w", node, err)
	}
	return fd, nil
}

// PacketSocket opens a raw packet socket (packet(7)) in the node's namespace, which receives nothing until it is bound
// to a protocol, and says which index the interface has there. It does not block. The caller owns the descriptor.
func (s *Space) PacketSocket(e topology.End) (fd int, index int, err error) {
	fd, err = s.Socket(e.Node, unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, 0, err
	}
	r := requestByName(e.Interface)
	if err := ioctl(fd, unix.SIOCGIFINDEX, unsafe.Pointer(&r)); err != nil {
		unix.Close(fd)
		return -1, 0, fmt.Errorf("%s has no interface %s: %w", e.Node, e.Interface, err)
	}
	return fd, int(r.int32()), nil
}

// A tap's frames begin with struct virtio_net_hdr of 10 bytes, so that offloaded ones pass whole (linux/if_tun.h).
const (
	tapFlags      = unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_VNET_HDR
	tapHeaderSize = 10
)

// OpenMacvtap opens the character device of a macvtap interface, for frames behind a 10-byte struct virtio_net_hdr. The
// device is found by the numbers that the node's own sysfs gives: /dev/tapN may be another lab's. It does not block.
// The caller owns the descriptor. Making a device file needs root in the machine's user namespace; others get an error
// that wraps EPERM or EACCES.
func (s *Space) OpenMacvtap(e topology.End) (fd int, err error) {
	fd = -1
	err = s.Enter(e.Node, func() error {
		dev, err := tapNumber(e.Interface)
		if err != nil {
			return err
		}
		if fd, err = openDevice(dev); err != nil {
			return err
		}
		return setTap(fd, requestByName(""))
	})
	return s.opened(e, fd, err)
}

// tapNumber finds a macvtap's device in the calling thread's namespace.
func tapNumber(name string) (uint64, error) {
	sys, err := detachedMount("sysfs")
	if err != nil {
		return 0, fmt.Errorf("mount sysfs: %w", err)
	}
	defer unix.Close(sys)
	index, err := readAt(sys, path.Join("class/net", name, "ifindex"))
	if err != nil {
		return 0, fmt.Errorf("no such interface: %w", err)
	}
	// The directory has the name of the device file, tap and the index (drivers/net/macvtap.c, macvtap_device_event).
	numbers, err := readAt(sys, path.Join("class/net", name, "tap"+index, "dev"))
	if err != nil {
		return 0, fmt.Errorf("not a macvtap interface: %w", err)
	}
	major, minor, _ := strings.Cut(numbers, ":")
	a, err := strconv.ParseUint(major, 10, 32)
	b, err2 := strconv.ParseUint(minor, 10, 32)
	if err := errors.Join(err, err2); err != nil {
		return 0, fmt.Errorf("its device number is %q: %w", numbers, err)
	}
	return unix.Mkdev(uint32(a), uint32(b)), nil
}

// openDevice opens a character device by a file of its own, on a file system that is mounted nowhere.
func openDevice(dev uint64) (int, error) {
	dir, err := detachedMount("tmpfs")
	if err != nil {
		return -1, fmt.Errorf("mount tmpfs: %w", err)
	}
	defer unix.Close(dir)
	if err := unix.Mknodat(dir, "dev", unix.S_IFCHR|0o600, int(dev)); err != nil {
		return -1, fmt.Errorf("make a device file: %w", err)
	}
	return unix.Openat(dir, "dev", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
}

// AddTap makes a TAP interface in the node and returns its descriptor, for frames behind a 10-byte struct
// virtio_net_hdr. The interface is down, and goes when the descriptor is closed. It does not block. The caller owns the
// descriptor. Where /dev/net/tun may not be opened the error wraps EPERM, EACCES or ENOENT.
func (s *Space) AddTap(e topology.End) (fd int, err error) {
	fd = -1
	err = s.Enter(e.Node, func() error {
		if fd, err = unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0); err != nil {
			return &os.PathError{Op: "open", Path: "/dev/net/tun", Err: err}
		}
		return setTap(fd, requestByName(e.Interface))
	})
	return s.opened(e, fd, err)
}

// setTap says what the device is, and creates a TAP.
func setTap(fd int, r ifreq) error {
	binary.NativeEndian.PutUint16(r[unix.IFNAMSIZ:], tapFlags)
	if err := ioctl(fd, unix.TUNSETIFF, unsafe.Pointer(&r)); err != nil {
		return fmt.Errorf("TUNSETIFF: %w", err)
	}
	size := int32(tapHeaderSize)
	if err := ioctl(fd, unix.TUNSETVNETHDRSZ, unsafe.Pointer(&size)); err != nil {
		return fmt.Errorf("TUNSETVNETHDRSZ: %w", err)
	}
	return nil
}

func (s *Space) opened(e topology.End, fd int, err error) (int, error) {
	if err == nil {
		return fd, nil
	}
	if fd >= 0 {
		unix.Close(fd)
	}
	return -1, fmt.Errorf("%s: open as a tap: %w", e, err)
}
