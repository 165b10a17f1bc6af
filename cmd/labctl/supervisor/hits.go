//go:build linux

package supervisor

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"labctl/topology"
	"labctl/topology/expect"
	"labctl/topology/kernel"
	"labctl/topology/labfile"
)

// hitBaseline are the counters at the moment from which "hits" count, by node and "set/rule".
type hitBaseline struct {
	rules *kernel.Rules

	mu     sync.Mutex
	byNode map[string]map[string]uint64
}

// reset begins to count hits again on the nodes that a file's tables ask.
func (m *hitBaseline) reset(ctx context.Context, lab *topology.Lab, file *labfile.File) error {
	asked, marks := hitNodes(file), map[string]map[string]uint64{}
	for _, n := range lab.Nodes {
		if !asked[n.Name] {
			continue
		}
		hits, err := m.rules.Hits(ctx, n)
		if err != nil {
			return fmt.Errorf("read counters of rules: %w", err)
		}
		marks[n.Name] = hits
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.byNode = marks
	return nil
}

// forget takes the baseline of nodes whose rules were loaded again, and count from 0.
func (m *hitBaseline) forget(nodes []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range nodes {
		delete(m.byNode, n)
	}
}

// since counts, by "set/rule", the packets that a node's rules met since then.
func (m *hitBaseline) since(n *topology.Node) (map[string]uint64, error) {
	hits, err := m.rules.Hits(context.Background(), n)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for rule, was := range m.byNode[n.Name] {
		if hits[rule] >= was { // less: somebody has loaded them again by hand
			hits[rule] -= was
		}
	}
	return hits, nil
}

// hitNodes are the nodes that a file's "hits" ask.
func hitNodes(file *labfile.File) map[string]bool {
	out := map[string]bool{}
	look := func(e *expect.Expectation) {
		if e == nil {
			return
		}
		for _, t := range e.Tables {
			for _, c := range t.Cells {
				if c.Question.Kind == "hits" {
					node, _, _ := strings.Cut(c.Question.A, "/")
					out[node] = true
				}
			}
		}
	}
	look(file.Expect)
	for _, st := range file.Steps {
		look(st.Wait)
		look(st.Expect)
	}
	return out
}
