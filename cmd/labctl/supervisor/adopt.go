//go:build linux

package supervisor

import (
	"context"
	"fmt"
	"slices"

	"labctl/cmd/labctl/instance"
	"labctl/cmd/labctl/wire"
	"labctl/topology"
	"labctl/topology/kernel"
	"labctl/topology/plan"
	"labctl/topology/problem"
)

// adopt takes over what a dead supervisor has left: nodes that are whole go on untouched, others are rebuilt.
func (s *server) adopt(ctx context.Context, old *kernel.State, progress func(wire.Event)) error {
	lost, err := s.space.Adopt(old)
	if err != nil {
		return err
	}
	was := s.rundir.Applied(s.meta.File, s.lab)
	names := instance.BrokenNodes(s.space, lost, was)
	broken := map[string]bool{}
	for _, name := range names {
		broken[name] = true
	}
	progress(wire.Event{What: fmt.Sprintf("healing: rebuilding %d of %s", len(names),
		problem.Count(len(was.Nodes), "node"))})
	if err := s.apply(ctx, plan.Rebuild(was, s.meta.Instance, names), was); err != nil {
		return err
	}
	lab, told, err := s.rundir.RestoreStory(s.file)
	if err != nil {
		return err
	}
	planned, _ := plan.Diff(was, lab, s.meta.Instance)
	if err := s.apply(ctx, planned, lab); err != nil {
		return err
	}
	if err := s.apply(ctx, plan.Rejoin(lab, s.meta.Instance), lab); err != nil {
		return err
	}
	s.broken, told.Under = told.Under.TakenBack(), nil
	s.publish(lab, told)
	if err := s.remember(); err != nil {
		return err
	}
	if err := s.restartBackground(ctx, was, broken); err != nil {
		return err
	}
	return s.ready(ctx, lab, progress)
}

// restartBackground starts again what died with the supervisor's PID namespace in nodes that live on.
func (s *server) restartBackground(ctx context.Context, was *topology.Lab, rebuilt map[string]bool) error {
	var begun []*process
	for _, n := range s.lab.Nodes {
		if rebuilt[n.Name] || was.Node(n.Name) == nil {
			continue
		}
		for _, c := range n.Run {
			if !c.Background {
				continue
			}
			p, err := s.commands.begin(ctx, n.Name, "", c)
			if err != nil {
				return err
			}
			begun = append(begun, p)
		}
	}
	return s.commands.awaitAll(ctx, begun)
}

// revive starts again the commands of nodes that have died in the background.
func (c *call) revive(ctx context.Context, lab *topology.Lab) ([]plan.Change, error) {
	var changes []plan.Change
	var begun []*process
	for _, d := range c.commands.deaths() {
		n := lab.Node(d.Node)
		if d.Name != "" || n == nil { // an action of a step is the story's matter
			continue
		}
		at := slices.IndexFunc(n.Run, func(k topology.Command) bool { return k.Background && k.Sh == d.What })
		if at < 0 {
			continue
		}
		c.commands.forgetDeath(d)
		p, err := c.commands.begin(ctx, d.Node, "", n.Run[at])
		if err != nil {
			return nil, err
		}
		begun = append(begun, p)
		changes = append(changes, plan.Change{Node: d.Node,
			What: fmt.Sprintf("run: started again: %s (%s)", d.What, d.How)})
	}
	return changes, c.commands.awaitAll(ctx, begun)
}
