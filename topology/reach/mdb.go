package reach

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"labctl/topology"
)

// readMDB reads who has joined a group at a bridge, each bridge once.
func (a *asking) readMDB(_ context.Context, at []int) {
	tables := map[[2]string][]topology.GroupEntry{}
	for _, i := range at {
		q := a.out[i].Question
		node, bridge, err := a.bridge(q.B)
		if err != nil {
			a.fail([]int{i}, err)
			continue
		}
		k := [2]string{node, bridge}
		if _, ok := tables[k]; !ok {
			if tables[k], err = a.b.machine.Groups(node, bridge); err != nil {
				delete(tables, k)
				a.fail([]int{i}, fmt.Errorf("read the groups of %s in %s: %w", q.B, node, err))
				continue
			}
		}
		group := q.A
		if ip, err := netip.ParseAddr(q.A); err == nil { // written otherwise, it is the same
			group = ip.String()
		}
		var ports []string
		for _, e := range tables[k] {
			if e.Group == group {
				ports = append(ports, e.Port)
			}
		}
		a.out[i].Got, a.out[i].Detail = "-", fmt.Sprintf("%s knows nobody who has joined %s", bridge, group)
		if len(ports) > 0 {
			a.out[i].Got, a.out[i].Detail = strings.Join(ports, "+"), fmt.Sprintf("%s in %s", group, bridge)
		}
	}
}
