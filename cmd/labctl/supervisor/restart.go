//go:build linux

package supervisor

import (
	"context"

	"labctl/cmd/labctl/wire"
	"labctl/topology/plan"
)

// restart tears nodes down and builds them again, with their links, names and addresses.
func (v *verifier) restart(ctx context.Context, nodes []string) error {
	lab := v.current()
	if err := v.switches.idle(ctx); err != nil { // what was sent before has its fate before
		return err
	}
	if err := v.server.apply(ctx, plan.Rebuild(lab, v.meta.Instance, nodes), lab); err != nil {
		return v.brokenOff(err)
	}
	v.hits.forget(nodes)
	for _, n := range nodes {
		v.eventLog.add(wire.Happened{Kind: "restarted", Node: n})
	}
	if err := v.settle(ctx, lab, v.event); err != nil {
		return err
	}
	return v.prober.Renew(ctx, nodes)
}
