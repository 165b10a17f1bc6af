//go:build linux

package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/wire"
	"labctl/topology/kernel"
)

// Down takes an instance down, dead or alive, and returns when the kernel has let go of it. Programs that strangers run
// in its nodes are named and keep it up, unless force ends them. A supervisor that does not answer is an error that
// wraps ErrSilent; with force it is killed. fs.ErrNotExist: there is no such instance.
func Down(ctx context.Context, instance string, force bool) error {
	return TakeDown(ctx, instance, force, nil)
}

// TakeDown is Down, with every change that this process itself makes passing a gate first.
func TakeDown(ctx context.Context, name string, force bool, gate kernel.Before) error {
	if !instance.Exists(name) {
		return fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	if err := clearStrangers(ctx, name, force); err != nil {
		return err
	}
	c, err := Dial(name)
	if err == nil {
		ended := c.Ended()
		if _, err = Call(ctx, c, wire.MethodDown, wire.DownParams{Force: force}, nil); err == nil {
			ended(ctx)
		}
		if errors.Is(err, instance.ErrSilent) && force {
			if err := kernel.Kill(kernel.Process{PID: c.PID, Command: "the supervisor", Node: name}); err != nil {
				return err
			}
			return clearDead(ctx, name, force, gate)
		}
		var f *wire.Failure
		if err == nil || errors.As(err, &f) && f.Class == wire.Going || ctx.Err() == nil && !instance.Exists(name) {
			return nil
		}
		if !errors.Is(err, instance.ErrDead) {
			return err
		}
		// Another down was first, or it was killed. Who holds its lock once it is gone is a lab that began since.
		if ended(ctx) && instance.Alive(name) {
			return nil
		}
	}
	return clearDead(ctx, name, force, gate)
}

// Ended returns a function that waits until the supervisor process is gone, which is a moment after its last word, and
// says whether it is: it does not wait forever.
func (c *Client) Ended() func(context.Context) bool {
	fd, err := unix.PidfdOpen(c.PID, 0)
	if err != nil {
		return func(context.Context) bool { return errors.Is(err, unix.ESRCH) }
	}
	return func(ctx context.Context) bool {
		defer unix.Close(fd)
		for began := time.Now(); ctx.Err() == nil && time.Since(began) < 5*time.Second; {
			if n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 100); n > 0 {
				return true
			}
		}
		return false
	}
}

// clearDead removes what a supervisor that was killed left behind.
func clearDead(ctx context.Context, name string, force bool, gate kernel.Before) error {
	r, _, err := instance.TakeUnless(ctx, name, false, gate)
	if errors.Is(err, instance.ErrHeld) { // it is starting, or going, just now
		_, err := waitReady(ctx, name)
		var f *wire.Failure
		switch {
		case !instance.Exists(name):
			return nil
		case force && errors.Is(err, instance.ErrSilent): // stopped before it had a socket
			if err := instance.EndpointOf(name).KillStopped(); err != nil {
				return err
			}
		// gone now: a killed one's last threads had held the lock
		case err != nil && (!errors.As(err, &f) || f.Class != wire.Going):
			return err
		}
		return TakeDown(ctx, name, force, gate)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	st, err := instance.Journal(name)
	if err != nil {
		r.Release()
		return err
	}
	if st.Named && len(st.Namespaces) > 0 {
		err := instance.Unless(ctx, "interrupted while it was removed; \"labctl down "+name+"\" removes the rest",
			func() error { return kernel.RemoveByJournal(st, r.Gate) })
		if err != nil {
			r.Release()
			return fmt.Errorf("not all of %s could be removed: %w", name, err)
		}
	}
	if err := r.Remove(); err != nil {
		return &instance.LeftDirectory{Instance: name, Err: err}
	}
	return nil
}

// clearStrangers finds processes in the nodes that the lab did not start, before the names of the namespaces go.
func clearStrangers(ctx context.Context, name string, force bool) error {
	st, err := instance.Journal(name)
	if err != nil {
		return err
	}
	supervisor := 0
	nodes := map[uint64]string{}
	if c, err := Dial(name); err == nil {
		supervisor = c.PID
		nodes = kernel.HeldBy(st, supervisor)
	} else if st.Named { // without names they went with it, and their inodes may be anybody's
		var close func()
		nodes, close = kernel.StillNamed(st)
		defer close()
	}
	if len(nodes) == 0 {
		return nil
	}
	strangers := kernel.Strangers(kernel.Processes(nodes), supervisor)
	if len(strangers) == 0 {
		return nil
	}
	if !force {
		var lines []string
		for _, p := range strangers {
			lines = append(lines, "  "+p.String())
		}
		return wire.Failed.Errorf("still running in its nodes, and not started by it:\n%s\nend them, or use \"labctl "+
			"down %s --force\"; nothing was removed", strings.Join(lines, "\n"), name)
	}
	var errs []error
	for _, p := range strangers {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		errs = append(errs, kernel.Kill(p))
	}
	return errors.Join(errs...)
}

// overtaken is the error of an up that a down has got ahead of.
func overtaken(instance string) error {
	return wire.Failed.Errorf("%s was taken down by another labctl meanwhile", instance)
}
