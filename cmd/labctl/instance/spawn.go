//go:build linux

package instance

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/wire"
)

// Handover is what the new process is told on its control socket.
type Handover struct {
	Meta      Meta   `json:"meta"`
	Path      string `json:"path"` // of the run directory
	Adopt     bool   `json:"adopt"`
	Created   bool   `json:"created"`
	Tied      bool   `json:"tied"`
	ARPCache  bool   `json:"arp_cache"` // file 5 is the machine's /proc/net/stat/arp_cache
	NeighMax  int    `json:"neigh_max"` // the machine's gc_thresh3; negative: not known
	Directory string `json:"directory"`
}

// Isolation are those that a supervisor lives in. As root: its own network (the hub) and PIDs; else also its own users
// and mounts, its user mapped to itself and every capability ambient, because programs such as tcpdump refuse to run
// when they believe to be root and cannot change their user.
func Isolation(named bool) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setsid: true, Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWPID}
	if named {
		return a
	}
	a.Cloneflags |= unix.CLONE_NEWUSER | unix.CLONE_NEWNS
	a.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}}
	a.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
	for c := uintptr(0); c <= lastCap(); c++ {
		a.AmbientCaps = append(a.AmbientCaps, c)
	}
	return a
}

// lastCap is the last capability that this kernel knows (capabilities(7)); asking for one beyond it would fail.
func lastCap() uintptr {
	b, err := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	n, err2 := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || err2 != nil {
		return unix.CAP_LAST_CAP
	}
	return min(uintptr(n), unix.CAP_LAST_CAP)
}

// CannotStart is the error of a process that could not be started in namespaces of its own.
func CannotStart(err error, named bool) error {
	if !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("start supervisor: %w", err)
	}
	if named {
		return wire.Unsupported.Errorf("this root may not make namespaces (%v): it lacks CAP_SYS_ADMIN, as in a "+
			"container; run \"labctl doctor\"", err)
	}
	return wire.Unsupported.Errorf("this machine does not let an ordinary user make namespaces (%v): run \"labctl "+
		"doctor\" for the cure, or run as root", err)
}

// InheritNothing marks every descriptor from 3 on to be closed on exec, so that processes that are started from now on
// have none but those they are given. A shell hands its own on (9>lock); a process that outlives the command line would
// keep them open.
func InheritNothing() {
	if unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	entries, err := os.ReadDir("/proc/self/fd") // before Linux 5.11
	if err != nil {
		return
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
}
