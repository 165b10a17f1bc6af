//go:build linux

package supervisor

import (
	"fmt"
	"slices"

	"labctl/cmd/labctl/wire"
	"labctl/topology"
	"labctl/topology/plan"
)

// degrade marks a lab of which nobody can say what the kernel has of it. One that is being taken down goes on doing so.
func (s *server) degrade(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != "stopping" {
		s.state, s.why = "degraded", why
	}
}

// halfDown marks a lab that could not be taken down in full.
func (s *server) halfDown(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.torn, s.state, s.why = true, "degraded", "not all of it could be removed: "+err.Error()
}

// recovered is said when the kernel has what the lab says. One that is being taken down meanwhile goes on doing so.
func (s *server) recovered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == "degraded" {
		s.state, s.why = "running", ""
	}
}

func (s *server) degraded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == "degraded"
}

// whole refuses to build on a change that failed midway: what differs from the file could not be told any more.
func (s *server) whole() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state != "degraded":
		return nil
	case s.torn:
		return wire.Failed.Errorf("%s is degraded: %s; \"labctl down %s\" tries again", s.meta.Instance, s.why, s.meta.Instance)
	}
	return wire.Failed.Errorf("%s is degraded: %s; \"labctl up\" with its file heals it", s.meta.Instance, s.why)
}

// renewal is the plan that heals a lab in which a change ended midway, and the same in words. Everything is in doubt: an operation that
// failed may have done a part of what it says, and a node that it does not name may hold the other end of a cable.
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

// renewed is for the holder of work, when all nodes are others.
func (s *server) renewed() {
	s.marks.forget(s.space.Nodes())
	s.mu.Lock()
	why := s.why
	s.mu.Unlock()
	s.happened.add(wire.Happened{Kind: "healed", Cause: why})
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
	c.mu.Lock()
	torn := c.torn
	c.mu.Unlock()
	if !torn {
		return nil
	}
	c.set("stopping")
	if err := c.clear(); err != nil {
		c.halfDown(err)
		return fmt.Errorf("not all of %s, which was being taken down, could be removed: %w", c.meta.Instance, err)
	}
	return &tornDown{c.meta.Instance}
}
