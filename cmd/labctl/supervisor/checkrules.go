//go:build linux

package supervisor

import (
	"context"
	"errors"

	"labctl/cmd/labctl/wire"
	"labctl/topology/kernel"
	"labctl/topology/labfile"
	"labctl/topology/plan"
	"labctl/topology/problem"
)

// checkRules finds, before anything is touched, the rules of a plan that cannot be loaded.
func (s *server) checkRules(ctx context.Context, planned *plan.Plan) error {
	err := s.rules.Check(ctx, planned)
	if errors.Is(err, kernel.ErrUnsupported) {
		return wire.Unsupported.Errorf("%v", err)
	}
	if err != nil {
		return s.refused(ctx, err, &plan.Plan{Instance: planned.Instance})
	}
	return nil
}

// refused turns a rule that was refused into a mistake in the lab file. Where nothing but rules was to be changed,
// those of other nodes are put back first, so that nothing was touched.
func (s *server) refused(ctx context.Context, err error, planned *plan.Plan) error {
	var re *kernel.RuleError
	if !errors.As(err, &re) {
		return s.sysctlRefused(err, planned)
	}
	file := s.askedFile()
	p := re.Problem(file.Path, file.Source)
	p, _ = labfile.RuleRefused(p, re.Node, re.Text, re.Col, s.askedChanges())
	text := problem.List{p}.Error()
	if s.life.is("starting") {
		return wire.Usage.Errorf("%s", text) // whatever was built is cleared away
	}
	back := &plan.Plan{Instance: planned.Instance}
	for _, op := range planned.Ops {
		o, ok := op.(plan.SetRules)
		if !ok {
			return errors.New(text)
		}
		if o.Node == re.Node {
			break
		}
		back.Ops = append(back.Ops, plan.SetRules{Node: o.Node, From: o.To, To: o.From})
	}
	if berr := s.builder.Apply(context.WithoutCancel(ctx), back, kernel.Runner{}); berr != nil {
		return errors.New(text + "\n" + berr.Error())
	}
	s.target.Store(s.current()) // again
	return wire.Usage.Errorf("%s", text)
}
