//go:build linux

package client

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/wire"
	"labctl/topology/kernel"
	"labctl/topology/plan"
)

// Foresee says what [Up] would do, and touches nothing. What up would refuse before it touches anything is an error
// here too; what the kernel would refuse is not known.
func Foresee(ctx context.Context, s Start) (wire.Foreseen, error) {
	if err := sameFile(s); err != nil {
		return wire.Foreseen{}, err
	}
	out := wire.Foreseen{Format: 1, Lab: s.Instance, State: "down", Changes: []plan.Change{}, Commands: []string{}}
	if !instance.Exists(s.Instance) {
		out.FromNothing(s.Lab.Lab)
		return out, nil
	}
	c, err := Dial(s.Instance)
	switch {
	case err == nil && s.Reset:
		out.State = "running"
		out.FromNothing(s.Lab.Lab)
		return out, nil
	case err == nil:
		return Call(ctx, c, wire.MethodForesee, wire.ApplyParams{File: s.File, Source: s.Lab.Source}, nil)
	case !errors.Is(err, instance.ErrDead):
		return out, err
	case instance.Alive(s.Instance):
		return out, wire.Failed.Errorf("%s is starting or being taken down just now; ask again", s.Instance)
	}
	out.State = "degraded"
	return out, healing(&out, s)
}

// healing adds what becomes of an instance whose supervisor is dead, as salvage and adopt do it.
func healing(f *wire.Foreseen, s Start) error {
	st, err := instance.Journal(s.Instance)
	if err != nil {
		return err
	}
	if s.Reset {
		f.FromNothing(s.Lab.Lab)
		return nil
	}
	d, err := instance.Open(s.Instance)
	if err != nil {
		return err
	}
	defer d.Close()
	meta, err := instance.ReadMeta(s.Instance)
	if errors.Is(err, fs.ErrNotExist) { // killed before it had written anything
		f.FromNothing(s.Lab.Lab)
		return nil
	}
	if err != nil {
		return err
	}
	lab, told, err := d.RestoreStory(s.Lab)
	if err != nil {
		return err
	}
	f.Kept, f.Ended = told.Words(), told.Ended
	if !st.Complete || !st.Named {
		f.FromNothing(lab)
		return nil
	}
	space, lost, err := kernel.LookAt(st)
	if err != nil {
		return err
	}
	defer space.Leave()
	was := d.Applied(meta.File, s.Lab.Lab)
	broken := instance.BrokenNodes(space, lost, was)
	for _, name := range broken {
		why := "rebuilt: it is not whole"
		if slices.Contains(lost, name) {
			why = "rebuilt: its namespace is gone from " + kernel.NetnsDir
		}
		f.Changes = append(f.Changes, plan.Change{Node: name, What: why})
	}
	if len(broken) > 0 {
		f.Add(plan.Rebuild(was, s.Instance, broken), nil)
	}
	f.Add(plan.Diff(was, lab, s.Instance))
	return nil
}
