//go:build linux

package kernel

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// read reads what is wanted, and everything once a second, until the Watch is closed. It is the goroutine that may wait for the
// kernel, never the one that drains.
func (w *Watch) read() {
	defer close(w.done)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-w.kick:
		case <-tick.C:
			w.mu.Lock()
			w.wantAllLocked()
			w.mu.Unlock()
		case <-w.stop:
			return
		}
		w.round()
	}
}

// round reads what is wanted now and rings if there is something in it for Drain.
func (w *Watch) round() {
	w.mu.Lock()
	waiting := w.waiting
	w.waiting = nil
	if len(waiting) > 0 {
		w.wantAllLocked()
	}
	jobs := make([]reading, 0, len(w.wanted))
	for f, report := range w.wanted {
		jobs = append(jobs, reading{f: f, heard: f.heard, report: report, seen: f.seen, adapter: f.adapter})
	}
	clear(w.wanted)
	w.mu.Unlock()
	for i := range jobs {
		k := &jobs[i]
		if !k.seen.Gone {
			k.from = time.Now().UnixNano()
			s, at, err := w.look(k.f, k.adapter)
			if err == nil {
				k.seen, k.adapter = s, at
			}
			// Only what is not there is gone; what cannot be read at the moment, for want of descriptors perhaps, is tried again.
			k.seen.Gone = errors.Is(err, unix.ENODEV)
			k.by = time.Now().UnixNano()
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, k := range jobs {
		if k.report || k.seen != k.f.seen || k.adapter != k.f.adapter || k.heard != k.f.heard {
			w.found = append(w.found, k)
		}
	}
	w.answered = append(w.answered, waiting...)
	if len(w.found) > 0 || len(w.answered) > 0 {
		w.rung.Store(true)
		ring(w.bell)
	}
}

// look reads a port whose adapter was last at a place, and says where it is now. It does so without waiting for RTNL, which
// another lab's teardown holds for hundreds of milliseconds, unless the adapter has left its node or there is no sysfs.
// ENODEV: the adapter or the port is gone.
func (w *Watch) look(f *followed, at place) (Seen, place, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var s Seen
	r, err := w.s.byIndex(f.holder, f.port.index)
	if err == nil {
		err = w.s.ioctl(f.holder, unix.SIOCGIFFLAGS, &r)
	}
	if err == nil {
		flags := uint32(r.uint16())
		s.Carrier, s.Up = running(flags), flags&unix.IFF_UP != 0
	}
	if err == nil && f.guest != nil {
		if err = w.lookAtAdapter(f, at, &s); errors.Is(err, unix.ENODEV) {
			at, err = w.lookElsewhere(f, at, &s)
		}
	}
	return s, at, err
}

// lookAtAdapter reads the adapter in its node; ENODEV: it is not there.
func (w *Watch) lookAtAdapter(f *followed, at place, s *Seen) error {
	if at.ns != f.guest.id {
		return unix.ENODEV
	}
	r, err := w.s.byIndex(f.guest, at.index)
	if err != nil {
		return err
	}
	name := r.name()
	if err := w.s.ioctl(f.guest, unix.SIOCGIFHWADDR, &r); err != nil {
		return err
	}
	s.MAC = r.mac()
	flags, err := w.rawFlags(f, name, at.index)
	if err != nil {
		m, err := w.s.getLink(f.guest, at.index, "", -1)
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

// rawFlags reads the adapter's flags from sysfs: only there they show who wants everything without RTNL (net/core/dev.c,
// dev_get_flags hides it from everybody else).
func (w *Watch) rawFlags(f *followed, name string, index int32) (uint32, error) {
	if f.flags >= 0 {
		if v, err := readFlags(f.flags); err == nil {
			return v, nil
		}
		f.closeFlags() // that interface is deleted, and another has its index
	}
	if f.blind {
		return 0, unix.EPERM
	}
	fd, err := w.s.openFlags(f.guest, name, index)
	if err != nil {
		f.blind = errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) // a container that hides parts of /sys; an older kernel
		return 0, err
	}
	f.flags = fd
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
func (s *Space) openFlags(n *node, name string, index int32) (fd int, err error) {
	err = n.asks.hold(func() error {
		return within(s.hub, n.fd, func() error {
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

// detachedMount mounts a file system for the calling thread's namespaces, in no place. The caller owns the descriptor.
func detachedMount(kind string) (int, error) {
	fs, err := unix.Fsopen(kind, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, err
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, err
	}
	return unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
}

// readAt reads a file of one line.
func readAt(dir int, path string) (string, error) {
	fd, err := unix.Openat(dir, path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	b := make([]byte, 256)
	n, err := unix.Read(fd, b)
	if err != nil {
		return "", &os.PathError{Op: "read", Path: path, Err: err}
	}
	return strings.TrimSpace(string(b[:n])), nil
}

// lookElsewhere finds an adapter that is not where it was, in a namespace of the guest's own making perhaps: the port's end still
// knows where. It waits for RTNL, and nothing is heard of the adapter from outside its node.
func (w *Watch) lookElsewhere(f *followed, was place, s *Seen) (place, error) {
	own, err := w.s.getLink(f.holder, f.port.index, "", -1)
	if err != nil {
		return was, err
	}
	if own.link == 0 {
		return was, unix.ENODEV
	}
	if id, err := w.s.numberIn(f.holder, f.guest); err == nil && id == own.linkNS { // at home, under another index
		at := place{f.guest.id, own.link}
		if at == was {
			return was, unix.ENODEV
		}
		f.closeFlags()
		return at, w.lookAtAdapter(f, at, s)
	}
	m, err := w.s.getLink(f.holder, own.link, "", own.linkNS)
	if err != nil {
		return was, err
	}
	s.MAC = m.mac
	s.raw(m.rawFlags())
	return place{-1, own.link}, nil
}

func (f *followed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closeFlags()
}

func (f *followed) closeFlags() {
	if f.flags >= 0 {
		unix.Close(f.flags)
		f.flags = -1
	}
}
