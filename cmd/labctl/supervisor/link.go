//go:build linux

package supervisor

import (
	"context"
	"fmt"
	"slices"

	"labctl/cmd/labctl/wire"
	"labctl/topology/labfile"
	"labctl/topology/plan"
)

// link unplugs interfaces or plugs them in. It waits until the other ends have noticed, and not for what comes of it,
// which is what the step is to show. What was set by hand is not undone: the step fails then.
func (v *verifier) link(ctx context.Context, a *labfile.Link) error {
	for _, o := range v.story.Changes {
		for end := range a.Up {
			if o.Node == end.Node && setsUp(o, end.Interface) {
				return fmt.Errorf("%s was set by hand (%s); \"labctl reset %s\" takes it back", end, o, o.Node)
			}
		}
	}
	to := v.current().WithUp(a.Up)
	planned, changes := plan.Diff(v.current(), to, v.meta.Instance)
	if len(planned.Ops) == 0 && len(changes) == 0 {
		return nil
	}
	if err := v.switches.idle(ctx); err != nil { // what was sent before has its fate before
		return err
	}
	if err := v.server.apply(ctx, planned, to); err != nil {
		return v.brokenOff(err)
	}
	v.target.Store(to)
	v.mu.Lock()
	v.lab, v.prober.Lab = to, to
	v.mu.Unlock()
	for _, h := range changes {
		v.eventLog.add(wire.Happened{Kind: "changed", Node: h.Node, New: h.What, Cause: "step"})
	}
	return v.noticed(ctx, to)
}

// setsUp reports whether a change by hand is about whether an interface is up.
func setsUp(o labfile.Overlay, name string) bool {
	for _, at := range []string{"interfaces", "ports"} {
		if slices.Equal(o.Path, []string{at, name, "up"}) {
			return true
		}
	}
	return false
}
