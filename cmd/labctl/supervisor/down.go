//go:build linux

package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"

	"labctl/topology/kernel"
)

// Down takes an instance down, dead or alive, and returns when the kernel has let go of it. Programs that strangers run in
// its nodes are named and keep it up, unless force ends them. fs.ErrNotExist: there is no such instance.
func Down(ctx context.Context, instance string, force bool) error {
	if !exists(dirOf(instance)) {
		return fmt.Errorf("%s: %w", instance, fs.ErrNotExist)
	}
	if err := clearStrangers(ctx, instance, force); err != nil {
		return err
	}
	c, err := Dial(instance)
	if err == nil {
		ended := c.ended()
		if err = c.Call(ctx, "down", DownParams{force}, nil, nil); err == nil {
			ended()
		}
		if err == nil || ctx.Err() == nil && !exists(dirOf(instance)) {
			return nil
		}
		if !errors.Is(err, ErrDead) {
			return err
		}
	}
	return clearDead(ctx, instance)
}

// ended returns a function that waits until the supervisor process is gone, which is a moment after its last word.
func (c *Client) ended() func() {
	fd, err := unix.PidfdOpen(c.PID, 0)
	if err != nil {
		return func() {}
	}
	return func() {
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 5000)
		unix.Close(fd)
	}
}

// clearDead removes what a supervisor that was killed left behind.
func clearDead(ctx context.Context, instance string) error {
	r, _, err := take(instance, false)
	if errors.Is(err, errHeld) { // it is starting, or going, just now
		if _, err := waitReady(ctx, instance); err != nil {
			if !exists(dirOf(instance)) {
				return nil
			}
			return err
		}
		return Down(ctx, instance, false)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	st, err := journalState(instance)
	if err != nil {
		r.release()
		return err
	}
	if st.Named && len(st.Namespaces) > 0 {
		if err := kernel.RemoveByJournal(st); err != nil {
			r.release()
			return fmt.Errorf("not all of %s could be removed: %w", instance, err)
		}
	}
	return r.remove()
}

// clearStrangers finds processes in the nodes that the lab did not start, before the names of the namespaces go.
func clearStrangers(ctx context.Context, instance string, force bool) error {
	st, err := journalState(instance)
	if err != nil {
		return err
	}
	nodes := map[uint64]string{}
	for _, n := range st.Namespaces {
		if n.Inode != 0 {
			nodes[n.Inode] = n.Node
		}
	}
	if len(nodes) == 0 {
		return nil
	}
	supervisor := 0
	if c, err := Dial(instance); err == nil {
		supervisor = c.PID
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
		return &Failure{Failed, fmt.Sprintf("still running in its nodes, and not started by it:\n%s\nend them, or use --force; nothing was removed", strings.Join(lines, "\n"))}
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
