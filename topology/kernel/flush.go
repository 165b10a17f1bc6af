//go:build linux

package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// flushFiles are the values of a namespace that have it forget its cached routes when they are written to. They stay
// open: the kernel looks for a name of /proc/sys/net among the entries that all namespaces have of it
// (proc_sys_compare, fs/proc/proc_sysctl.c), so that opening one takes a millisecond where there are a thousand. An
// open one does not keep the namespace.
type flushFiles struct {
	mu    sync.Mutex
	fds   []int
	ended bool
}

// write opens them if they are not yet, and writes to them. It may be called from any thread.
func (f *flushFiles) write(n *namespace) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return noNamespace(n.node)
	}
	if f.fds == nil {
		if err := n.enter(func() error { return f.open(openSysctl) }); err != nil {
			f.close()
			return err
		}
	}
	for _, fd := range f.fds {
		if _, err := unix.Write(fd, []byte("1")); err != nil {
			f.close()
			return fmt.Errorf("%s: forget cached routes: %w", n.node, err)
		}
	}
	return nil
}

// prepare opens them by a way that is short as yet; whoever writes to them opens what is missing. It must run on a
// thread in the namespace.
func (f *flushFiles) prepare(d sysctlDirs) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fds == nil && !f.ended && f.open(d.openValue) != nil {
		f.close()
	}
}

func (f *flushFiles) open(open func(key string) (int, error)) error {
	for _, family := range []string{"ipv4", "ipv6"} {
		fd, err := open("net/" + family + "/route/flush")
		if family == "ipv6" && (errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission)) {
			return nil // a kernel without IPv6; or one that keeps it from ordinary users (ipv6_route_sysctl_init)
		}
		if err != nil {
			return err
		}
		f.fds = append(f.fds, fd)
	}
	return nil
}

func (f *flushFiles) close() {
	for _, fd := range f.fds {
		_ = unix.Close(fd)
	}
	f.fds = nil
}

// end closes them for good.
func (f *flushFiles) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.close()
	f.ended = true
}

// whole reports whether there is a file of each family.
func (f *flushFiles) whole() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.fds) > 1
}

// FlushRoutes forgets redirected and cached routes, and with them path MTUs, as "ip route flush cache" does.
func (t Tables) FlushRoutes(node string) error {
	n, err := t.space.of(node)
	if err != nil {
		return err
	}
	if err := n.flush.write(n); err != nil || n.flush.whole() {
		return err
	}
	return n.deleteCached6()
}

// deleteCached6 deletes what "ip -6 route show cache" lists: the kernel's dump of routes has them among the others, and
// takes each back as it was given (rtm_to_fib6_config, net/ipv6/route.c). One that is gone is not an error.
func (n *namespace) deleteCached6() error {
	fixed := make([]byte, unix.SizeofRtMsg)
	fixed[0] = unix.AF_INET6
	var b [64]byte
	req, start := message(b[:0], unix.RTM_GETROUTE, unix.NLM_F_DUMP, fixed)
	var cached [][]byte
	err := n.conn.exchange(finish(req, start), func(typ uint16, b []byte) {
		if typ == unix.RTM_NEWROUTE && len(b) >= unix.SizeofRtMsg &&
			binary.NativeEndian.Uint32(b[8:])&unix.RTM_F_CLONED != 0 {
			cached = append(cached, slices.Clone(b))
		}
	}, nil)
	for _, route := range cached {
		if err == nil {
			req, start := message(nil, unix.RTM_DELROUTE, unix.NLM_F_ACK, route)
			err = n.conn.exchange(finish(req, start), nil,
				func(e unix.Errno) error { return tolerate(e, unix.ESRCH, unix.ENOENT) })
		}
	}
	if err != nil {
		return fmt.Errorf("%s: forget cached routes: %w", n.node, err)
	}
	return nil
}
