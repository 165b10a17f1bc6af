//go:build linux

package supervisor

import (
	"context"
	"fmt"
	"slices"

	"labctl/cmd/labctl/wire"
	"labctl/topology"
	"labctl/topology/kernel"
	"labctl/topology/plan"
	"labctl/topology/problem"
)

// adopt takes over what a dead supervisor left standing: nodes that are whole go on untouched, others are built anew.
func (s *server) adopt(ctx context.Context, old *kernel.State, progress func(wire.Event)) error {
	lost, err := s.space.Adopt(old)
	if err != nil {
		return err
	}
	was := s.adopted()
	names := brokenNodes(s.space, lost, was)
	broken := map[string]bool{}
	for _, name := range names {
		broken[name] = true
	}
	progress(wire.Event{What: fmt.Sprintf("healing: rebuilding %d of %s", len(names), problem.Count(len(was.Nodes), "node"))})
	if err := s.apply(ctx, plan.Rebuild(was, s.meta.Instance, names), was); err != nil {
		return err
	}
	lab, told, err := s.retell()
	if err != nil {
		return err
	}
	planned, _ := plan.Diff(was, lab, s.meta.Instance)
	if err := s.apply(ctx, planned, lab); err != nil {
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

// brokenNodes are those of a lab that was left standing that are not whole: lost, or without an interface that they had.
func brokenNodes(space *kernel.Space, lost []string, was *topology.Lab) (names []string) {
	whole := func(n *topology.Node) bool {
		if slices.Contains(lost, n.Name) {
			return false
		}
		links, err := space.Tables().Links(n.Name)
		if err != nil {
			return false
		}
		have := map[string]bool{}
		for _, l := range links {
			have[l.Name] = true
		}
		return !slices.ContainsFunc(n.Interfaces, func(i *topology.Interface) bool {
			// What went with a lost node at its other end comes back with that node.
			return !have[i.Name] && !slices.Contains(lost, i.Peer.Node) && !slices.Contains(lost, i.Lower.Node)
		})
	}
	for _, n := range was.Nodes {
		if !whole(n) {
			names = append(names, n.Name)
		}
	}
	return names
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
			p, err := s.begin(ctx, n.Name, "", c)
			if err != nil {
				return err
			}
			begun = append(begun, p)
		}
	}
	return s.awaitAll(ctx, begun)
}

// revive starts again the commands of nodes that have died in the background.
func (c *call) revive(ctx context.Context, lab *topology.Lab) ([]plan.Change, error) {
	var changes []plan.Change
	var begun []*process
	for _, d := range c.deaths() {
		n := lab.Node(d.Node)
		if d.Name != "" || n == nil { // an action of a step is the story's matter
			continue
		}
		at := slices.IndexFunc(n.Run, func(k topology.Command) bool { return k.Background && k.Sh == d.What })
		if at < 0 {
			continue
		}
		c.forgetDeath(d)
		p, err := c.begin(ctx, d.Node, "", n.Run[at])
		if err != nil {
			return nil, err
		}
		begun = append(begun, p)
		changes = append(changes, plan.Change{Node: d.Node, What: fmt.Sprintf("run: started again: %s (%s)", d.What, d.How)})
	}
	return changes, c.awaitAll(ctx, begun)
}
