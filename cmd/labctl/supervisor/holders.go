//go:build linux

package supervisor

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

	"labctl/cmd/labctl/wire"
	"labctl/topology/kernel"
)

// holders are the processes, by their numbers in this /proc, that have the lock of an open run directory. A lock of flock(2) belongs to the
// open file, not to the process that took it, so the number in /proc/locks may be that of one long gone; whoever has the file has
// "lock:" in its fdinfo (proc_pid_fdinfo(5)). The calling process is left out, and so is one that may not be looked at.
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

// stoppedHolders are the holders of a run directory if each of them is stopped, so that nothing will happen there by itself; else nil.
func stoppedHolders(open func() (*folder, error)) []int {
	d, err := open()
	if err != nil {
		return nil
	}
	defer d.close()
	pids := holders(d.f)
	for _, pid := range pids {
		if !kernel.Stopped(pid) {
			return nil
		}
	}
	return pids
}

// still is the error about a run directory all of whose holders are stopped: one that wraps ErrSilent. nil: somebody is at work there.
func (e endpoint) still() error {
	if pids := stoppedHolders(e.open); len(pids) > 0 {
		return e.silent(pids[0])
	}
	return nil
}

// killStopped ends the holders of a run directory that are stopped.
func (e endpoint) killStopped() error {
	return e.killAll(stoppedHolders(e.open))
}

func (e endpoint) killAll(pids []int) error {
	var errs []error
	for _, pid := range pids {
		errs = append(errs, kernel.Kill(kernel.Process{PID: pid, Command: "what holds the run directory", Node: e.who}))
	}
	return errors.Join(errs...)
}

// kill ends the holders of a run directory.
func (e endpoint) kill() error {
	d, err := e.open()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer d.close()
	return e.killAll(holders(d.f))
}

// locked takes the lock of d, the run directory, when its process lets go of it, which may take it so long. An error wraps ErrSilent if that
// process is stopped, or does not end in time.
func (e endpoint) locked(ctx context.Context, d *folder, within time.Duration) error {
	began, tick := time.Now(), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	looked := began
	for {
		err := flock(d.f, unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		if time.Since(looked) > greetingLook {
			if err := e.still(); err != nil {
				return err
			}
			looked = time.Now()
		}
		if time.Since(began) > within {
			return fmt.Errorf("%s: %w: its process has not ended within %s; %s ends it", e.who, ErrSilent, within, e.end)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is ending: %w", e.who, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// waitReady waits for another labctl that is starting or stopping the same instance just now. An error wraps ErrSilent if whoever is at work
// there is stopped.
func waitReady(ctx context.Context, instance string) (*Client, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	looked := time.Now()
	for {
		c, err := Dial(instance)
		if err == nil {
			return c, nil
		}
		if !Alive(instance) {
			return nil, wire.Going.Errorf("%s: another labctl was at work on it and gave up; try again", instance)
		}
		if time.Since(looked) > greetingLook {
			if err := labEndpoint(instance).still(); err != nil {
				return nil, err
			}
			looked = time.Now()
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%s: another labctl is at work on it: %w", instance, err)
		case <-tick.C:
		}
	}
}

// waitGone waits until an instance that is being taken down has let go of its lock: its namespaces are gone by then.
func waitGone(ctx context.Context, instance string) error {
	ctx, cancel := context.WithTimeout(ctx, goingTimeout)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for Alive(instance) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is being taken down: %w", instance, context.Cause(ctx))
		case <-tick.C:
		}
	}
	return nil
}

// goingTimeout is beyond what the kernel is given to let go of a lab's namespaces.
const goingTimeout = 60 * time.Second
