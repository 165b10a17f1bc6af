//go:build linux

package kernel

import (
	"errors"
	"fmt"
	"os"
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
			return nil // a kernel without IPv6; or no redirect was ever accepted
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

// FlushRoutes forgets redirected and cached routes, as "ip route flush cache" does.
func (t Tables) FlushRoutes(node string) error {
	n, err := t.space.of(node)
	if err != nil {
		return err
	}
	return n.flush.write(n)
}
