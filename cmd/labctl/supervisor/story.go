//go:build linux

package supervisor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"labctl/cmd/labctl/wire"
	"labctl/topology"
	"labctl/topology/labfile"
	"labctl/topology/plan"
	"labctl/topology/problem"
)

// story is what was laid over the file of a running lab: how many of its steps were walked through by hand and how each ended, and
// what was set by hand since. Slices in it are never changed, only replaced.
type story struct {
	Step     int               `json:"step"`
	Outcomes []string          `json:"outcomes,omitempty"` // of the steps walked through: done differs failed
	Changes  []labfile.Overlay `json:"changes,omitempty"`
	Running  []string          `json:"running,omitempty"` // actions of steps; only in the file that remembers the story
	Ended    []string          `json:"ended,omitempty"`   // actions of steps that a killed supervisor took with it
	Under    *wire.Underway    `json:"under_way,omitempty"`
}

// over is the file as the story leaves it.
func (t story) over(file *labfile.File) (*topology.Lab, error) {
	if t.Step > len(file.Steps) {
		return nil, wire.Usagef("the file has only %s by now, and the lab was walked through %d; \"labctl up --reset\" returns to the beginning", problem.Count(len(file.Steps), "step"), t.Step)
	}
	if len(t.Changes) == 0 && t.Step > 0 {
		return file.Steps[t.Step-1].Lab, nil
	} else if len(t.Changes) == 0 {
		return file.Lab, nil
	}
	lab, problems := file.Overlaid(t.Step, t.Changes)
	if lab == nil {
		return nil, wire.Usage.Errorf("%v", problems.Errors())
	}
	return lab, nil
}

// words are the changes as "set" takes them.
func (t story) words() []string {
	var out []string
	for _, o := range t.Changes {
		out = append(out, o.String())
	}
	return out
}

// remember records what the kernel has now, for whoever heals it: the lab is whole, and as the story says. Until then the journal says
// that a change is under way, and a successor builds the lab again rather than believe in one that the kernel does not have.
func (s *server) remember() error {
	err := s.record()
	if err == nil {
		err = s.space.Complete()
	}
	if err != nil {
		return &unwritten{err}
	}
	return nil
}

// unwritten: the kernel has the lab, and the run directory does not say so. What becomes of the lab then is for who asked for it to say.
type unwritten struct{ err error }

func (e *unwritten) Error() string {
	return "what the lab is now could not be written down: " + e.err.Error()
}

func (e *unwritten) Unwrap() error { return e.err }

// changed is the error of a change that was made, of a lab that goes on.
func changed(err error) error {
	if errors.As(err, new(*unwritten)) {
		return fmt.Errorf("the lab is changed, but %w; \"labctl up\" with its file does it", err)
	}
	return err
}

// record writes down the story so far. What "up" has to restore is the same.
func (s *server) record() error {
	s.mu.Lock()
	source, told := s.file.Source, s.story
	s.mu.Unlock()
	told.Running = s.acting()
	b, err := json.Marshal(told)
	if err != nil {
		return err
	}
	// In this order: killed between the two, the story of another file would be taken for this one's.
	if err := s.rundir.write("story.json", b); err != nil {
		return err
	}
	return s.rundir.write("applied.yaml", source)
}

// told reads the story that a dead supervisor left.
func (s *server) told() (t story, err error) {
	b, err := s.rundir.read("story.json")
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return t, err
	}
	err = json.Unmarshal(b, &t)
	t.Ended = slices.Compact(slices.Sorted(slices.Values(slices.Concat(t.Ended, t.Running))))
	t.Running = nil
	return t, err
}

// adopted is the lab as the dead supervisor had it last.
func (s *server) adopted() *topology.Lab {
	source, err := s.rundir.read("applied.yaml")
	if err != nil {
		return s.lab
	}
	file, _ := labfile.Load(s.meta.File, source)
	if file == nil {
		return s.lab
	}
	if t, err := s.told(); err == nil {
		if lab, err := t.over(file); err == nil {
			return lab
		}
	}
	return file.Lab
}

// retell lays what a dead supervisor left over the file as it is now.
func (s *server) retell() (*topology.Lab, story, error) {
	t, err := s.told()
	if err != nil {
		return nil, t, err
	}
	if had, err := s.rundir.read("applied.yaml"); err == nil && !bytes.Equal(had, s.file.Source) {
		t.Step, t.Outcomes, t.Under = 0, nil, nil // the steps of another file lead somewhere else
	}
	lab, err := t.over(s.file)
	if err != nil {
		return nil, t, fmt.Errorf("what was set by hand does not fit the file any more; \"labctl up --reset\" drops it: %w", err)
	}
	return lab, t, nil
}

func set(ctx context.Context, c *call) (any, error) {
	var p wire.SetParams
	if err := json.Unmarshal(c.params, &p); err != nil {
		return nil, err
	}
	t := c.story
	t.Changes = slices.Clone(t.Changes)
	for _, text := range p.Assignments {
		o, err := c.overlay(text)
		if err != nil {
			return nil, err
		}
		// A map adds to what is there; a single value, an address with its colons too, takes an earlier one's place.
		if !strings.ContainsAny(o.Value, "{\n") && !strings.Contains(o.Value, ": ") {
			t.Changes = slices.DeleteFunc(t.Changes, func(x labfile.Overlay) bool { return x.Node == o.Node && slices.Equal(x.Path, o.Path) })
		}
		t.Changes = append(t.Changes, o)
	}
	return c.become(ctx, c.file, t, "set")
}

// overlay reads one assignment.
func (c *call) overlay(text string) (o labfile.Overlay, err error) {
	key, value, ok := strings.Cut(text, "=")
	if !ok {
		return o, wire.Usagef("%q is not an assignment: write NODE.key=value, as vSwitch0.promiscuous=accept", text)
	}
	node, path, ok := labfile.SplitSetting(c.current(), key)
	switch {
	case !ok:
		first, _, _ := strings.Cut(key, ".")
		return o, wire.UnknownNode(c.current(), first)
	case len(path) == 0:
		return o, wire.Usagef("%q says nothing of what to set: write %s.key=value", text, node)
	}
	return labfile.Overlay{Node: node, Path: path, Value: value}, nil
}

// reset takes back what was set by hand, and leaves the steps walked through and their actions as they are.
func reset(ctx context.Context, c *call) (any, error) {
	var p wire.NodesParams
	if err := json.Unmarshal(c.params, &p); err != nil {
		return nil, err
	}
	t := c.story
	t.Changes = nil
	for _, name := range p.Nodes {
		if c.current().Node(name) == nil {
			return nil, wire.UnknownNode(c.current(), name)
		}
	}
	for _, o := range c.story.Changes {
		if len(p.Nodes) > 0 && !slices.Contains(p.Nodes, o.Node) {
			t.Changes = append(t.Changes, o)
		}
	}
	return c.become(ctx, c.file, t, "reset")
}

func difference(_ context.Context, c *call) (any, error) {
	if err := c.begun(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	file, lab, t := c.file, c.lab, c.story
	state, why, doing := c.state, c.why, c.doingLocked()
	c.mu.Unlock()
	told, err := story{Step: t.Step}.over(file)
	if err != nil {
		return nil, err
	}
	_, reset := plan.Diff(lab, told, c.meta.Instance)
	_, changes := plan.Diff(lab, file.Lab, c.meta.Instance)
	return wire.Difference{Lab: c.meta.Instance, File: c.meta.File, Step: t.Step, Outcomes: t.Outcomes, Under: t.Under, State: state, Why: why, Doing: doing, Set: t.words(),
		Reset: append([]plan.Change{}, reset...), Changes: append([]plan.Change{}, changes...)}, nil
}
