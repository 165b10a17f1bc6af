//go:build linux

package supervisor

import (
	"context"
	"slices"
	"strings"

	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/wire"
	"labctl/topology/labfile"
	"labctl/topology/plan"
)

func set(ctx context.Context, c *call, p wire.SetParams) (wire.Applied, error) {
	t := c.story
	for _, text := range p.Assignments {
		o, err := c.overlay(text)
		if err != nil {
			return wire.Applied{}, err
		}
		t.Changes = o.After(t.Changes)
	}
	return c.changeTo(ctx, c.file, t, "set", !p.NoWait)
}

// overlay reads one assignment.
func (c *call) overlay(text string) (o labfile.Overlay, err error) {
	key, value, assigned := strings.Cut(text, "=")
	node, path, ok := labfile.SplitSetting(c.current(), key)
	switch {
	case !ok && !assigned:
		return o, wire.Usagef("%q is not an assignment: write NODE.key=value, as vSwitch0.promiscuous=accept", text)
	case !ok:
		first, _, _ := strings.Cut(key, ".")
		return o, wire.UnknownNode(c.current(), first)
	case len(path) == 0:
		return o, wire.Usagef("%q says nothing of what to set: write %s.key=value", text, node)
	case strings.TrimSpace(value) == "":
		return o, wire.Usagef("%s has no value: write %s=VALUE%s", key, key, c.wantedAt(node, path))
	}
	return labfile.Overlay{Node: node, Path: path, Value: value}, nil
}

// wantedAt is "; want …" of the value at a path of a node, as far as the file format knows one there.
func (c *call) wantedAt(node string, path []string) string {
	n := c.current().Node(node)
	if n == nil {
		return ""
	}
	if want := labfile.Wanted(n.Kind, path); want != "" {
		return "; want " + want
	}
	return ""
}

// reset takes back what was set by hand, and leaves the steps walked through and their actions as they are.
func reset(ctx context.Context, c *call, p wire.NodesParams) (wire.Applied, error) {
	t := c.story
	t.Changes = nil
	for _, name := range p.Nodes {
		if c.current().Node(name) == nil {
			return wire.Applied{}, wire.UnknownNode(c.current(), name)
		}
	}
	for _, o := range c.story.Changes {
		if len(p.Nodes) > 0 && !slices.Contains(p.Nodes, o.Node) {
			t.Changes = append(t.Changes, o)
		}
	}
	return c.changeTo(ctx, c.file, t, "reset", true)
}

func difference(_ context.Context, c *call, _ wire.Nothing) (wire.Difference, error) {
	if err := c.begun(); err != nil {
		return wire.Difference{}, err
	}
	c.mu.Lock()
	file, lab, t := c.file, c.lab, c.story
	c.mu.Unlock()
	state, why, doing := c.life.report(t.Under)
	told, err := instance.Story{Step: t.Step}.Apply(file)
	if err != nil {
		return wire.Difference{}, err
	}
	_, reset := plan.Diff(lab, told, c.meta.Instance)
	_, changes := plan.Diff(lab, file.Lab, c.meta.Instance)
	return wire.Difference{Lab: c.meta.Instance, File: c.meta.File, Step: t.Step, Outcomes: t.Outcomes, Under: t.Under,
		State: state, Why: why, Doing: doing, Set: t.Words(),
		Reset: append([]plan.Change{}, reset...), Changes: append([]plan.Change{}, changes...)}, nil
}
