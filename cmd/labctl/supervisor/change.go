//go:build linux

package supervisor

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/wire"
	"labctl/topology"
	"labctl/topology/labfile"
	"labctl/topology/plan"
)

func apply(ctx context.Context, c *call, p wire.ApplyParams) (wire.Applied, error) {
	if err := c.tearDown(); err != nil {
		return wire.Applied{}, err
	}
	had := c.file
	file, t, err := c.asked(p)
	if err != nil {
		return wire.Applied{}, err
	}
	if file != had {
		defer func() { go debug.FreeOSMemory() }() // what loading took is not needed again
	}
	return c.changeTo(ctx, file, t, "up", true)
}

// changeTo turns the running lab into what a file and what was laid over it say, and heals nodes whose namespace
// somebody removed. wait: it returns when the lab behaves as it will from then on.
func (c *call) changeTo(ctx context.Context, file *labfile.File, t instance.Story, cause string,
	wait bool) (wire.Applied, error) {
	healing := cause == "up" && c.life.degraded()
	if !healing {
		if err := c.life.requireIntact(); err != nil {
			return wire.Applied{}, err
		}
	}
	broken := t.Under.TakenBack()
	t.Under = nil
	lab, err := t.Apply(file)
	if err != nil {
		return wire.Applied{}, err
	}
	planned, changes := plan.Diff(c.current(), lab, c.meta.Instance)
	if healing {
		planned, changes = c.renewal(lab)
	}
	c.setAsked(file, t.Changes)
	defer c.setAsked(nil, nil)
	if len(changes) > 0 || len(planned.Ops) > 0 {
		c.event(wire.Event{What: "changing", Total: len(planned.Ops)})
		acted := c.acting()
		if err := c.server.apply(ctx, planned, lab); err != nil {
			return wire.Applied{}, c.brokenOff(err)
		}
		if healing {
			c.renewed()
			t.Ended = ended(t.Ended, acted, c.acting())
		}
	}
	c.target.Store(lab)
	c.mu.Lock()
	renewed := !slices.Equal(c.file.Source, file.Source)
	c.file, c.story, c.lab, c.prober.Lab = file, t, lab, lab
	c.meta.Nodes, c.meta.Lab = len(lab.Nodes), lab.Name
	meta := c.meta
	c.mu.Unlock()
	c.unsaved = c.unsaved || len(changes) > 0 || renewed
	c.life.recovered()
	if err := c.remember(); err != nil { // before anything is waited for: a kill -9 must not lose what was set
		return wire.Applied{}, changed(err)
	}
	healed, err := c.heal(ctx, lab)
	if err != nil {
		return wire.Applied{}, err
	}
	changes = append(changes, healed...)
	if cause == "up" {
		revived, err := c.revive(ctx, lab)
		if err != nil {
			return wire.Applied{}, err
		}
		changes = append(changes, revived...)
	}
	if c.unsaved || len(healed) > 0 {
		if err := errors.Join(c.rundir.WriteMeta(meta, file.Source), c.writeHosts()); err != nil {
			return wire.Applied{}, err
		}
		c.unsaved = false
	}
	out := wire.Applied{Healed: healing, Changes: append([]plan.Change{}, changes...), Kept: t.Words(), Ended: t.Ended,
		Broken: broken}
	for _, h := range changes {
		c.eventLog.add(wire.Happened{Kind: "changed", Node: h.Node, New: h.What, Cause: cause})
	}
	if len(changes) == 0 {
		return out, changed(c.remember())
	}
	go c.writePlan(lab) // a thousand hosts' script takes longer than the change of one, and nobody waits for it
	if wait {
		return out, changed(c.ready(ctx, lab, c.event))
	}
	if err := c.noticed(ctx, lab); err != nil {
		return out, err
	}
	return out, changed(c.fromNow(ctx, lab))
}

// heal rebuilds nodes whose name is gone from the machine, so that "ip netns exec" finds them again.
func (c *call) heal(ctx context.Context, lab *topology.Lab) ([]plan.Change, error) {
	gone, changes := c.unnamed(lab)
	if len(gone) == 0 {
		return nil, nil
	}
	if err := c.server.apply(ctx, plan.Rebuild(lab, c.meta.Instance, gone), lab); err != nil {
		return nil, c.brokenOff(err)
	}
	return changes, nil
}

func down(ctx context.Context, c *call, p wire.DownParams) (wire.Nothing, error) {
	c.sessions.abandoned(ctx)
	if running := c.sessions.list(); !p.Force && len(running) > 0 {
		var names []string
		for q := range running {
			names = append(names, q.Node+": "+q.What)
		}
		slices.Sort(names)
		return wire.Nothing{},
			wire.Failed.Errorf("still running in its nodes:\n  %s\nend them, or use \"labctl down %s --force\"; "+
				"nothing was removed", strings.Join(names, "\n  "), c.meta.Instance)
	}
	starting := c.life.interrupt(errors.New("interrupted by labctl down"))
	if starting { // run clears away itself when its build is interrupted
		<-ctx.Done()
		return wire.Nothing{}, context.Cause(ctx)
	}
	// Not on the caller's context: half a removal helps nobody, and what is under way was told to end.
	c.life.writeLock <- struct{}{}
	c.life.set("stopping")
	if err := c.clear(); errors.As(err, new(*instance.LeftDirectory)) {
		return wire.Nothing{}, err
	} else if err != nil {
		c.life.halfDown(err)
		<-c.life.writeLock
		return wire.Nothing{}, fmt.Errorf("not all of %s could be removed: %w", c.meta.Instance, err)
	}
	return wire.Nothing{}, nil
}
