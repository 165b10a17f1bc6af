//go:build linux

package instance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"labctl/topology/kernel"
)

// holders are the processes, by their numbers in this /proc, that have the lock of an open run directory. A lock of
// flock(2) belongs to the open file, not to the process that took it, so the number in /proc/locks may be that of one
// long gone; whoever has the file has "lock:" in its fdinfo (proc_pid_fdinfo(5)). The calling process is left out, and
// so is one that may not be looked at.
func holders(dir *os.File) (pids []int) {
	want, err := dir.Stat()
	if err != nil {
		return nil
	}
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range processes {
		pid, err := strconv.Atoi(filepath.Base(p))
		if err == nil && pid != os.Getpid() && locks(p, want) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// locks reports whether a process has the file open and locked.
func locks(process string, file os.FileInfo) bool {
	fds, _ := os.ReadDir(filepath.Join(process, "fd"))
	for _, fd := range fds {
		// A link of /proc leads to the file itself, without a walk along its path, and Stat opens nothing.
		is, err := os.Stat(filepath.Join(process, "fd", fd.Name()))
		if err != nil || !os.SameFile(is, file) {
			continue
		}
		info, _ := os.ReadFile(filepath.Join(process, "fdinfo", fd.Name()))
		if strings.Contains(string(info), "\nlock:") {
			return true
		}
	}
	return false
}

// StoppedHolders are the holders of a run directory if each of them is stopped, so that nothing will happen there by
// itself; else nil.
func StoppedHolders(open func() (*Folder, error)) []int {
	d, err := open()
	if err != nil {
		return nil
	}
	defer d.Close()
	pids := holders(d.File)
	for _, pid := range pids {
		if !kernel.Stopped(pid) {
			return nil
		}
	}
	return pids
}

// Still is the error about a run directory all of whose holders are stopped: one that wraps ErrSilent. nil: somebody is
// at work there.
func (e Endpoint) Still() error {
	if pids := StoppedHolders(e.Open); len(pids) > 0 {
		return e.Silent(pids[0])
	}
	return nil
}

// KillStopped ends the holders of a run directory that are stopped.
func (e Endpoint) KillStopped() error {
	return e.killAll(StoppedHolders(e.Open))
}

func (e Endpoint) killAll(pids []int) error {
	var errs []error
	for _, pid := range pids {
		errs = append(errs, kernel.Kill(kernel.Process{PID: pid, Command: "what holds the run directory", Node: e.Who}))
	}
	return errors.Join(errs...)
}

// Kill ends the holders of a run directory.
func (e Endpoint) Kill() error {
	d, err := e.Open()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer d.Close()
	return e.killAll(holders(d.File))
}

// Locked takes the lock of d, the run directory, when its process lets go of it, which may take it so long. An error
// wraps ErrSilent if that process is stopped, or does not end in time.
func (e Endpoint) Locked(ctx context.Context, d *Folder, within time.Duration) error {
	began, tick := time.Now(), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	looked := began
	for {
		err := Flock(d.File, unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		if time.Since(looked) > GreetingLook {
			if err := e.Still(); err != nil {
				return err
			}
			looked = time.Now()
		}
		if time.Since(began) > within {
			return fmt.Errorf("%s: %w: its process has not ended within %s; %s ends it", e.Who, ErrSilent, within,
				e.End)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is ending: %w", e.Who, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// GoingTimeout is beyond what the kernel is given to let go of a lab's namespaces.
const GoingTimeout = 60 * time.Second
