//go:build linux

package supervisor

import (
	"context"
	"slices"

	"labctl/cmd/labctl/wire"
	"labctl/topology/kernel"
)

func listRules(ctx context.Context, c *call, p wire.NodesParams) ([]wire.Rule, error) {
	nodes, err := c.chosen(p.Nodes)
	if err != nil {
		return nil, err
	}
	out := []wire.Rule{}
	for _, n := range nodes {
		if len(n.Rules) == 0 {
			continue
		}
		counts, err := c.rules.Counts(ctx, n)
		if err != nil {
			if err = c.missing(n.Name, c.named, err); err != nil {
				return nil, err
			}
			continue
		}
		for _, set := range n.Rules {
			for _, k := range set.Listed() {
				r := wire.Rule{Node: n.Name, Set: set.Name, Loaded: set.Load, Rule: k.Name, Text: k.Text}
				i := slices.IndexFunc(counts, func(c kernel.RuleCount) bool {
					return c.Set == set.Name &&
						c.Rule == k.Key
				})
				if set.Load && i >= 0 {
					r.Packets, r.Bytes = &counts[i].Packets, &counts[i].Bytes
				}
				out = append(out, r)
			}
		}
	}
	return out, nil
}
