//go:build linux

package supervisor

import (
	"context"
	"fmt"
	"slices"

	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/wire"
	"labctl/topology/labfile"
)

// behindFailed refuses to go on behind a step that failed, be it the last; nil if none did.
func behindFailed(t instance.Story, file *labfile.File) error {
	n := len(t.Outcomes)
	switch {
	case n == 0 || t.Outcomes[n-1] != wire.StepFailed:
		return nil
	case t.Step == len(file.Steps):
		return wire.Failed.Errorf("step %d, %q, the last, failed; \"labctl up --reset\" begins again", t.Step,
			file.Steps[t.Step-1].Name)
	}
	return wire.Failed.Errorf("step %d, %q, failed, and what follows may count on it; \"labctl step --continue\" "+
		"goes on all the same, \"labctl up --reset\" starts over",
		t.Step, file.Steps[t.Step-1].Name)
}

func step(ctx context.Context, c *call, p wire.StepParams) (wire.Walked, error) {
	if err := c.life.requireIntact(); err != nil {
		return wire.Walked{}, err
	}
	out := wire.Walked{Steps: []wire.StepVerdicts{}, Done: c.story.Step, Total: len(c.file.Steps), Ended: c.story.Ended}
	if err := behindFailed(c.story, c.file); err != nil && !p.Continue {
		return wire.Walked{}, err
	}
	// A step that was begun is finished, and none is begun for somebody who is gone.
	for n := 0; (p.Count == 0 || n < p.Count) && out.Done < out.Total && (n == 0 || !c.life.deserted()); n++ {
		st := c.file.Steps[out.Done]
		c.event(wire.Event{What: "step: " + st.Name, Done: out.Done, Total: out.Total})
		sv, err := c.walk(ctx, st)
		if err != nil && len(out.Steps) == 0 {
			return wire.Walked{}, err
		}
		if err != nil { // what the earlier ones found is not lost
			out.Error = failure(err)
			break
		}
		out.Done++
		out.Steps = append(out.Steps, sv)
		if sv.Outcome() != wire.StepDone {
			break
		}
	}
	err := c.commands.proved(ctx)
	out.Died = c.commands.deaths()
	return out, err
}

// walk carries out the step that comes next, with what was set by hand laid over it, and makes it a part of the story.
func (c *call) walk(ctx context.Context, next *labfile.Step) (wire.StepVerdicts, error) {
	if len(next.Cases) > 0 && len(c.story.Changes) > 0 {
		return wire.StepVerdicts{},
			wire.Usagef("step %q has cases, which are the file's own, and %s was set by hand; \"labctl reset NODE\" "+
				"takes it back", next.Name, c.story.Words()[0])
	}
	at := c.story.Step + 1
	st := *next
	var err error
	if st.Lab, err = c.story.Begin(c.file); err != nil {
		return wire.StepVerdicts{}, err
	}
	if err := c.under(at, st.Name); err != nil {
		return wire.StepVerdicts{}, fmt.Errorf("step %q: %w", st.Name, err)
	}
	v := &verifier{call: c, prober: c.prober}
	sv, err := v.step(ctx, &st)
	if err != nil {
		c.brokenStep(err)
		return sv, fmt.Errorf("step %q: %w", st.Name, err)
	}
	sv.Tables = inFileOrder(sv.Tables)
	c.mu.Lock()
	c.story.Step, c.story.Under = at, nil
	c.story.Outcomes = append(slices.Clone(c.story.Outcomes), sv.Outcome())
	c.mu.Unlock()
	c.eventLog.add(wire.Happened{Kind: "step", Object: st.Name, New: fmt.Sprintf("%d/%d", at, len(c.file.Steps))})
	return sv, changed(c.remember())
}
