//go:build linux

package kernel

import (
	"errors"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// look reads a port whose adapter was last at a place, and says where it is now. It does so without waiting for RTNL,
// which another lab's teardown holds for hundreds of milliseconds, unless the adapter has left its node or there is no
// sysfs. ENODEV: the adapter or the port is gone.
func (f *followed) look(at interfaceKey) (Seen, interfaceKey, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var s Seen
	r, err := f.holder.ioctls.byIndex(f.port.index)
	if err == nil {
		err = f.holder.ioctls.do(unix.SIOCGIFFLAGS, &r)
	}
	if err == nil {
		flags := uint32(r.uint16())
		s.Carrier, s.Up = running(flags), flags&unix.IFF_UP != 0
	}
	if err == nil && f.guest != nil {
		if err = f.lookAtAdapter(at, &s); errors.Is(err, unix.ENODEV) {
			at, err = f.lookElsewhere(at, &s)
		}
	}
	return s, at, err
}

// lookAtAdapter reads the adapter in its node; ENODEV: it is not there.
func (f *followed) lookAtAdapter(at interfaceKey, s *Seen) error {
	if at.nsid != f.guest.nsid {
		return unix.ENODEV
	}
	r, err := f.guest.ioctls.byIndex(at.index)
	if err != nil {
		return err
	}
	name := r.name()
	if err := f.guest.ioctls.do(unix.SIOCGIFHWADDR, &r); err != nil {
		return err
	}
	s.MAC = r.mac()
	flags, err := f.rawFlags(name, at.index)
	if err != nil {
		m, err := f.guest.conn.getLink(at.index, "", -1)
		if err != nil {
			return err
		}
		flags = m.rawFlags()
	}
	s.raw(flags)
	return nil
}

// raw takes over flags as the kernel itself has them.
func (s *Seen) raw(flags uint32) {
	s.Up = flags&unix.IFF_UP != 0
	s.Promiscuity, s.AllMulti = 0, 0
	if flags&unix.IFF_PROMISC != 0 {
		s.Promiscuity = 1
	}
	if flags&unix.IFF_ALLMULTI != 0 {
		s.AllMulti = 1
	}
}

// rawFlags reads the adapter's flags from sysfs: only there they show who wants everything without RTNL
// (net/core/dev.c, dev_get_flags hides it from everybody else).
func (f *followed) rawFlags(name string, index int32) (uint32, error) {
	if f.flagsFD >= 0 {
		if v, err := readFlags(f.flagsFD); err == nil {
			return v, nil
		}
		f.closeFlags() // that interface is deleted, and another has its index
	}
	if f.noSysfs {
		return 0, unix.EPERM
	}
	fd, err := openFlags(f.guest, name, index)
	if err != nil {
		// a container that hides parts of /sys; an older kernel
		f.noSysfs = errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS)
		return 0, err
	}
	f.flagsFD = fd
	return readFlags(fd)
}

func readFlags(fd int) (uint32, error) {
	var b [24]byte
	n, err := unix.Pread(fd, b[:], 0)
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseUint(strings.TrimSpace(string(b[:n])), 0, 32)
	return uint32(v), err
}

// openFlags opens the file for a look again and again. ENODEV: the name is another interface's by now.
func openFlags(n *namespace, name string, index int32) (fd int, err error) {
	err = n.ioctls.hold(func() error {
		return n.run(func() error {
			sys, err := detachedMount("sysfs")
			if err != nil {
				return err
			}
			defer unix.Close(sys)
			if v, err := readAt(sys, "class/net/"+name+"/ifindex"); err != nil || v != strconv.Itoa(int(index)) {
				return unix.ENODEV
			}
			fd, err = unix.Openat(sys, "class/net/"+name+"/flags", unix.O_RDONLY|unix.O_CLOEXEC, 0)
			return err
		})
	})
	return fd, err
}

// lookElsewhere finds an adapter that is not where it was, in a namespace of the guest's own making perhaps: the port's
// end still knows where. It waits for RTNL, and nothing is heard of the adapter from outside its node.
func (f *followed) lookElsewhere(was interfaceKey, s *Seen) (interfaceKey, error) {
	own, err := f.holder.conn.getLink(f.port.index, "", -1)
	if err != nil {
		return was, err
	}
	if own.link == 0 {
		return was, unix.ENODEV
	}
	if id, err := nsidIn(&f.holder.conn, f.guest); err == nil && id == own.linkNS { // at home, under another index
		at := interfaceKey{f.guest.nsid, own.link}
		if at == was {
			return was, unix.ENODEV
		}
		f.closeFlags()
		return at, f.lookAtAdapter(at, s)
	}
	m, err := f.holder.conn.getLink(own.link, "", own.linkNS)
	if err != nil {
		return was, err
	}
	s.MAC = m.mac
	s.raw(m.rawFlags())
	return interfaceKey{-1, own.link}, nil
}

func (f *followed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closeFlags()
}

func (f *followed) closeFlags() {
	if f.flagsFD >= 0 {
		unix.Close(f.flagsFD)
		f.flagsFD = -1
	}
}
