//go:build linux

package kernel

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
)

// ioctls is a socket in a namespace for ioctls (netdevice(7)), which do not wait for RTNL. It is opened on first use
// and stays.
type ioctls struct {
	netnsRef

	mu    sync.Mutex
	fd    int // 0: not open
	ended bool
}

// hold runs f while the namespace's descriptor cannot be closed. ENODEV: it has been let go.
func (o *ioctls) hold(f func() error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return unix.ENODEV
	}
	return f()
}

// end closes the socket for good: it would keep the namespace from ending.
func (o *ioctls) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fd > 0 {
		unix.Close(o.fd)
	}
	o.fd, o.ended = 0, true
}

// do makes one request. ENODEV: there is no such interface, or the namespace has been let go.
func (o *ioctls) do(what uintptr, r *ifreq) error { return o.ask(what, unsafe.Pointer(r)) }

// ask is do with a request that is a struct ifreq in another type.
func (o *ioctls) ask(what uintptr, r unsafe.Pointer) error {
	return o.hold(func() error {
		if o.fd == 0 {
			err := o.run(func() (err error) {
				o.fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
				return err
			})
			if err != nil {
				o.fd = 0
				return fmt.Errorf("%s: open socket: %w", o.node, err)
			}
		}
		return ioctl(o.fd, what, r)
	})
}

func ioctl(fd int, what uintptr, arg unsafe.Pointer) error {
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), what, uintptr(arg)); e != 0 {
		return e
	}
	return nil
}

// ifreq is struct ifreq: a name, and a union of what is asked for.
type ifreq [unix.IFNAMSIZ + 24]byte

func requestByName(name string) (r ifreq) {
	copy(r[:unix.IFNAMSIZ-1], name)
	return r
}

// byIndex is a request about the interface with that index, by the name it has now: nothing else can be asked for.
func (o *ioctls) byIndex(index int32) (r ifreq, err error) {
	binary.NativeEndian.PutUint32(r[unix.IFNAMSIZ:], uint32(index))
	err = o.do(unix.SIOCGIFNAME, &r)
	return r, err
}

// indexOf is the index of the interface with that name.
func (o *ioctls) indexOf(name string) (int32, error) {
	r := requestByName(name)
	if err := o.do(unix.SIOCGIFINDEX, &r); err != nil {
		return 0, fmt.Errorf("%s has no interface %s: %w", o.node, name, err)
	}
	return r.int32(), nil
}

func (r *ifreq) name() string {
	name, _, _ := bytes.Cut(r[:unix.IFNAMSIZ], []byte{0})
	return string(name)
}

func (r *ifreq) int32() int32 { return int32(binary.NativeEndian.Uint32(r[unix.IFNAMSIZ:])) }

func (r *ifreq) uint16() uint16 { return binary.NativeEndian.Uint16(r[unix.IFNAMSIZ:]) }

// mac is behind the address family of a struct sockaddr.
func (r *ifreq) mac() switchcore.MAC {
	return switchcore.MAC(r[unix.IFNAMSIZ+2 : unix.IFNAMSIZ+8])
}
