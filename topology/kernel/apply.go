//go:build linux

package kernel

import (
	"context"
	"errors"
	"strings"

	"labctl/topology"
	"labctl/topology/plan"
)

// Runner runs the commands of a node. When Run returns nil, a foreground command has ended with exit status 0 and a
// background one was started; when Await does, what Run has started in the background is ready.
type Runner struct {
	Run, Await func(ctx context.Context, node string, c topology.Command) error
}

// Builder makes the changes of plans in a space. It is for one goroutine at a time.
type Builder struct {
	space *Space
	setup *setup
	rules *Rules
}

// NewBuilder is for plans whose rules, if any, are loaded by r.
func NewBuilder(s *Space, r *Rules) *Builder {
	return &Builder{space: s, setup: &setup{space: s, baseline: map[string]string{}}, rules: r}
}

// Apply makes the plan's changes in order and stops at the first that fails; what was made until then stays and is the
// caller's to remove. Until [Space.Complete] is called, the journal says that a change is under way. Only the values of
// sysctls are written in parallel, one namespace at a time per core.
func (b *Builder) Apply(ctx context.Context, planned *plan.Plan, run Runner) error {
	if err := b.space.journal.incomplete(); err != nil {
		return err
	}
	if err := b.space.names.removePending(); err != nil { // or a node of that name would be refused as somebody else's
		return err
	}
	defer b.closeSockets()
	for i := 0; i < len(planned.Ops); {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		n, err := b.step(ctx, planned, i, run)
		if err != nil {
			var oe *OpError
			if errors.As(err, &oe) {
				return err
			}
			one := &plan.Plan{Instance: planned.Instance, Ops: planned.Ops[i : i+1]}
			_, cmd, _ := strings.Cut(strings.TrimSpace(one.String()), "\n# ")
			_, cmd, _ = strings.Cut(cmd, "\n")
			return &OpError{planned.Ops[i], cmd, err}
		}
		i += n
	}
	return nil
}

// step carries out the operation at i, and those after it that go together with it, and says how many.
func (b *Builder) step(ctx context.Context, planned *plan.Plan, i int, run Runner) (int, error) {
	switch op := planned.Ops[i].(type) {
	case plan.AddNamespace:
		return b.setup.namespaces(ctx, planned.Ops[i:])
	case plan.DelNamespace:
		names := []string{op.Node}
		for _, o := range planned.Ops[i+1:] {
			d, ok := o.(plan.DelNamespace)
			if !ok {
				break
			}
			names = append(names, d.Node)
		}
		b.space.unstack(names)
		return len(names), b.space.forget(names)
	case plan.SetSysctl:
		return b.setup.sysctls(ctx, planned.Ops[i:])
	case plan.SetUp:
		if op.Name == "lo" { // it is among the sysctls of fresh nodes
			return b.setup.sysctls(ctx, planned.Ops[i:])
		}
	case plan.SetRules:
		if err := b.rules.set(ctx, op); err != nil {
			return 0, &OpError{op, op.Node + ": load rules", err}
		}
		return 1, nil
	case plan.RunCommand:
		return 1, run.Run(ctx, op.Node, op.Command)
	case plan.AwaitReady:
		if err := run.Await(ctx, op.Node, op.Command); err != nil {
			return 0, &OpError{op, "wait for " + op.Ready.String(), err}
		}
		return 1, nil
	}
	return 1, b.change(planned.Ops[i])
}

// closeSockets closes what a plan had opened.
func (b *Builder) closeSockets() {
	for _, n := range b.space.all() {
		n.closeSockets()
	}
}
