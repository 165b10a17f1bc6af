//go:build linux

package supervisor

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"labctl/cmd/labctl/wire"
	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/kernel"
	"labctl/topology/labfile"
	"labctl/topology/state"
)

// readState reads everything that decides what becomes of a packet: the kernel's part of it, and this process's own.
func readState(ctx context.Context, c *call, _ wire.Nothing) (*state.State, error) {
	if err := c.begun(); err != nil {
		return nil, err
	}
	nodes, err := c.chosen(nil)
	if err != nil {
		return nil, err
	}
	lab := c.seen
	out := &state.State{Format: state.Format, Lab: lab.Name, Nodes: []state.Node{}, Doing: c.doing()}
	if out.Machine, err = thisMachine(); err != nil {
		return nil, err
	}
	read, err := c.readNodes(ctx, nodes)
	if err != nil {
		return nil, err
	}
	out.Nodes = append(out.Nodes, read...)
	out.Place(lab)
	if c.changes.Load() != c.began || c.began%2 != 0 || c.current() != lab {
		return nil, wire.Failed.Errorf("%s is being changed just now, so that what is read is not of one moment; ask "+
			"again when that is done", c.meta.Instance)
	}
	out.Mark(state.Of(lab))
	return out, nil
}

// readNodes reads nodes on all processors, and leaves out those that are being made or removed just now.
func (c *call) readNodes(ctx context.Context, nodes []*topology.Node) ([]state.Node, error) {
	read, there := make([]state.Node, len(nodes)), make([]bool, len(nodes))
	var next atomic.Int64
	var all errgroup.Group
	for range min(runtime.GOMAXPROCS(0), len(nodes)) {
		all.Go(func() error {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(nodes) {
					return nil
				}
				k, err := c.space.Tables().State(c.seen, nodes[i])
				if err == nil {
					err = c.completeNode(ctx, &k, nodes[i])
				}
				if err != nil {
					if err = c.missing(nodes[i].Name, false, err); err != nil {
						return err
					}
					continue
				}
				k.Sort()
				read[i], there[i] = k, true
			}
			return context.Cause(ctx)
		})
	}
	if err := all.Wait(); err != nil {
		return nil, err
	}
	var out []state.Node
	for i, k := range read {
		if there[i] {
			out = append(out, k)
		}
	}
	return out, nil
}

// thisMachine is what a state may say of the machine.
func thisMachine() (m state.Machine, err error) {
	m.Labctl = wire.Version()
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return m, err
	}
	m.Kernel = unix.ByteSliceToString(u.Release[:])
	m.Features, m.Missing, err = kernel.Features()
	slices.Sort(m.Features)
	slices.Sort(m.Missing)
	return m, err
}

// completeNode adds what the kernel does not know of a node.
func (c *call) completeNode(ctx context.Context, k *state.Node, n *topology.Node) error {
	if len(k.Rules) > 0 {
		counts, err := c.rules.Counts(ctx, n)
		if err != nil {
			return err
		}
		addCounts(k.Rules, counts)
	}
	k.Commands = c.ran(n)
	if n.Switch == nil {
		return nil
	}
	v, err := c.switches.get(n.Name)
	if err != nil {
		return err
	}
	v.loop.Do(func(now time.Duration, s *switchcore.Switch) { k.Switch = state.SwitchOf(now, s, n.Switch) })
	return nil
}

// addCounts notes which rules have counted something.
func addCounts(sets []state.RuleSet, counts []kernel.RuleCount) {
	for _, r := range counts {
		for i := range sets {
			if sets[i].Name == r.Set && r.Packets > 0 {
				sets[i].Hits = append(sets[i].Hits, state.RuleCount{Rule: r.Rule, Packets: r.Packets})
			}
		}
	}
}

// ran are the commands of the file that were run in a node: its own, and those of steps that were walked.
func (c *call) ran(n *topology.Node) []state.Command {
	var out []state.Command
	for _, k := range n.Run {
		out = append(out, state.CommandOf(k))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range min(c.story.Step, len(c.file.Steps)) {
		for _, a := range c.file.Steps[i].Do {
			if r, is := a.What.(*labfile.RunAction); is && r.Node == n.Name {
				out = append(out, state.CommandOf(topology.Command{Sh: r.Sh, Background: r.Background, Pos: a.Pos}))
			}
		}
	}
	return out
}

// doing is what this process is about.
func (c *call) doing() (d state.Doing) {
	c.mu.Lock()
	for i := range min(c.story.Step, len(c.file.Steps)) {
		d.Steps = append(d.Steps, c.file.Steps[i].Name)
	}
	c.mu.Unlock()
	for name, s := range c.streams.running() {
		d.Activities = append(d.Activities, state.Activity{Name: name, Kind: s.kind, Node: s.node, What: s.what})
	}
	slices.SortFunc(d.Activities, func(a, b state.Activity) int { return cmp.Compare(a.Name, b.Name) })
	return d
}
