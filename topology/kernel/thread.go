//go:build linux

package kernel

import (
	"fmt"
	"os"
	"runtime"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// netnsRef is an open network namespace: the way into it, and back to the hub.
type netnsRef struct {
	node    string // whose it is, for messages
	hub, ns netns.NsHandle
}

// run runs f on a thread inside the namespace, which nobody else may close meanwhile.
func (r netnsRef) run(f func() error) error {
	return visit(r.hub, func() error { return netns.Set(r.ns) }, f)
}

// visit runs f on a thread inside the namespace that enter takes it to, and brings the thread back to the hub. If it
// cannot be brought back, the thread ends with the goroutine instead of going on in the wrong place.
func visit(hub netns.NsHandle, enter, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if err := enter(); err != nil {
			done <- fmt.Errorf("enter namespace: %w", err)
			runtime.UnlockOSThread()
			return
		}
		err := f()
		if netns.Set(hub) == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// onThrowawayThread runs f on a thread that ends afterwards, since its namespace is not to be trusted any more.
func onThrowawayThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() {
			// The process's first thread cannot end: Go parks it for good, and it would hold the namespace it is in for
			// as long. While it is locked here, another one has to be taken.
			defer runtime.UnlockOSThread()
			done <- onThrowawayThread(f)
			return
		}
		done <- f()
	}()
	return <-done
}

// threadNetns opens the calling thread's namespace. Not netns.Get: that asks for /proc/<pid>, which is another process
// when /proc belongs to another PID namespace.
func threadNetns() (netns.NsHandle, error) {
	fd, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return netns.None(), fmt.Errorf("open own network namespace: %w", err)
	}
	return netns.NsHandle(fd), nil
}
