//go:build linux

package supervisor

import (
	"errors"
	"fmt"
	"slices"

	"labctl/cmd/labctl/wire"
	"labctl/topology"
	"labctl/topology/kernel"
	"labctl/topology/plan"
)

// renewal is the plan that heals a lab in which a change ended midway, and the same in words. Everything is in doubt:
// an operation that failed may have done a part of what it says, and a node that it does not name may hold the other
// end of a cable.
func (s *server) renewal(lab *topology.Lab) (*plan.Plan, []plan.Change) {
	have := s.space.Nodes()
	var changes []plan.Change
	for _, name := range have {
		if lab.Node(name) == nil {
			changes = append(changes, plan.Change{Node: name, What: "removed"})
		}
	}
	for _, n := range lab.Nodes {
		what := "made"
		if slices.Contains(have, n.Name) {
			what = "rebuilt: a change had ended midway"
		}
		changes = append(changes, plan.Change{Node: n.Name, What: what})
	}
	return plan.Renew(have, lab, s.meta.Instance), changes
}

// renewed is for the holder of writeLock, when all nodes are others.
func (s *server) renewed() {
	s.hits.forget(s.space.Nodes())
	_, why, _ := s.life.report(nil)
	s.eventLog.add(wire.Happened{Kind: "healed", Cause: why})
}

// ended are the actions of steps that have ended without being told to: had, and those that ran before and do not now.
func ended(had, before, now []string) []string {
	out := slices.Clone(had)
	for _, name := range before {
		if !slices.Contains(now, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// tornDown: an "up" has found a lab half removed, and has removed the rest.
type tornDown struct{ instance string }

func (e *tornDown) Error() string { return e.instance + " was being taken down" }

func (e *tornDown) Unwrap() error { return wire.Going.Errorf("%v", e) }

// tearDown brings a "down" to its end that had not come to it: who says "up" after it wants the lab built.
func (c *call) tearDown() error {
	if !c.life.isTorn() {
		return nil
	}
	c.life.set("stopping")
	if err := c.clear(); err != nil {
		c.life.halfDown(err)
		return fmt.Errorf("not all of %s, which was being taken down, could be removed: %w", c.meta.Instance, err)
	}
	return &tornDown{c.meta.Instance}
}

// neither begins the error of a change that failed midway, and mend that of one that a changed file asked for: it may
// be the cause, and would be again.
const (
	neither = "the lab is now neither what it was nor what was asked for; \"labctl up\" with its file heals it: "
	mend    = "the lab is now neither what it was nor what its file asks for; mend the file, if it is the cause, and " +
		"\"labctl up\" heals the lab: "
)

// brokenOff is the error of a change that failed midway, and marks the lab. A change that touched nothing leaves it as
// it was.
func (s *server) brokenOff(err error) error {
	var f *wire.Failure
	if errors.As(err, &f) && f.Class != wire.Failed {
		return err
	}
	s.life.degrade("a change ended midway: " + err.Error())
	// Whatever the cause was, something is left behind: the lab is not as it was.
	begins := neither
	s.mu.Lock()
	if s.asks != nil && s.asks != s.file {
		begins = mend
	}
	s.mu.Unlock()
	return wire.Failed.Errorf("%s%v", begins, err)
}

// unnamed are the nodes of a lab whose name is gone from the machine.
func (s *server) unnamed(lab *topology.Lab) (gone []string, changes []plan.Change) {
	for _, n := range lab.Nodes {
		if s.meta.Named && !kernel.Exists(s.space.Namespace(n.Name), s.space.Inode(n.Name)) {
			gone = append(gone, n.Name)
			changes = append(changes, plan.Change{Node: n.Name, What: "rebuilt: its namespace was gone from " +
				kernel.NetnsDir})
		}
	}
	return gone, changes
}
