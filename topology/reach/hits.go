package reach

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"labctl/topology/problem"
)

// readHits counts the packets that rules have matched.
func (a *asking) readHits(ctx context.Context, at []int) {
	if len(at) == 0 {
		return
	}
	if err := a.dropped(ctx); err != nil {
		a.fail(at, err)
		return
	}
	type reading struct {
		packets map[string]uint64
		err     error
	}
	byNode := map[string]reading{}
	for _, i := range at {
		r := &a.out[i]
		node, rule, _ := strings.Cut(r.Question.A, "/")
		k, ok := byNode[node]
		if !ok {
			k.packets, k.err = a.b.machine.Hits(node)
			byNode[node] = k
		}
		if k.err != nil {
			a.fail([]int{i}, fmt.Errorf("read the rules of %s: %w", node, k.err))
			continue
		}
		n, ok := k.packets[rule]
		if !ok {
			r.Detail = fmt.Sprintf("%s counts nothing called %s now", node, rule)
			continue
		}
		r.Got, r.Detail = strconv.FormatUint(n, 10), problem.Count(int(n), "packet")
	}
}
