//go:build linux

package supervisor

import (
	"bytes"
	"context"
	"slices"

	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/wire"
	"labctl/topology/labfile"
	"labctl/topology/plan"
)

// foresee answers for a lab that is running.
func foresee(_ context.Context, c *call, p wire.ApplyParams) (wire.Foreseen, error) {
	if err := c.begun(); err != nil {
		return wire.Foreseen{}, err
	}
	if c.life.isTorn() {
		return wire.Foreseen{}, c.life.requireIntact()
	}
	file, t, err := c.asked(p)
	if err != nil {
		return wire.Foreseen{}, err
	}
	lab, err := t.Apply(file)
	if err != nil {
		return wire.Foreseen{}, err
	}
	now := c.current()
	out := wire.Foreseen{Format: 1, Lab: c.meta.Instance, State: "running", Changes: []plan.Change{},
		Commands: []string{}, Kept: t.Words(), Ended: t.Ended}
	if state, why, _ := c.life.report(nil); state == "degraded" {
		out.State, out.Why = state, why
		out.Add(c.renewal(lab))
		return out, nil
	}
	planned, changes := plan.Diff(now, lab, c.meta.Instance)
	out.Add(planned, changes)
	made := map[string]bool{}
	for _, op := range planned.Ops {
		if a, ok := op.(plan.AddNamespace); ok {
			made[a.Node] = true
		}
	}
	gone, healed := c.unnamed(lab)
	gone = slices.DeleteFunc(gone, func(name string) bool { return made[name] })
	healed = slices.DeleteFunc(healed, func(h plan.Change) bool { return made[h.Node] })
	if len(gone) > 0 {
		out.Add(plan.Rebuild(lab, c.meta.Instance, gone), healed)
	}
	return out, nil
}

// asked is the lab file that "up" came with, and what of the story stays laid over it.
func (c *call) asked(p wire.ApplyParams) (*labfile.File, instance.Story, error) {
	c.mu.Lock()
	file, t := c.file, c.story
	c.mu.Unlock()
	if bytes.Equal(p.Source, file.Source) {
		return file, t, nil
	}
	file, problems := labfile.Load(p.File, p.Source)
	if file == nil {
		return nil, t, wire.Usage.Errorf("%v", problems.Errors())
	}
	t.Step, t.Outcomes, t.Ended, t.Under = 0, nil, nil, nil // the steps of another file lead somewhere else
	return file, t, nil
}
