//go:build linux

package supervisor

import (
	"context"

	"labctl/cmd/labctl/wire"
)

func events(ctx context.Context, c *call, p wire.FollowParams) error {
	for seq := uint64(0); ; {
		list, more := c.eventLog.after(seq)
		for _, e := range list {
			if seq != 0 && e.Seq > seq+1 {
				if err := c.item(wire.Happened{Seq: seq + 1, Time: e.Time, Lab: e.Lab, Kind: "overflow",
					Cause: "events were lost: they came faster than they were read"}); err != nil {
					return err
				}
			}
			if err := c.item(e); err != nil {
				return err
			}
			seq = e.Seq
		}
		if !p.Follow {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil
		}
	}
}

// logged streams what rules have logged; with Follow also what they log from now on.
func logged(ctx context.Context, c *call, p wire.FollowParams) error {
	nodes, err := c.chosen(p.Nodes)
	if err != nil {
		return err
	}
	chosen := map[string]bool{}
	for _, n := range nodes {
		chosen[n.Name] = true
	}
	for seq := uint64(0); ; {
		list, more := c.ruleLog.after(seq)
		for _, e := range list {
			seq = e.Seq
			if chosen[e.Node] {
				if err := c.item(e); err != nil {
					return err
				}
			}
		}
		if !p.Follow {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil
		}
	}
}
