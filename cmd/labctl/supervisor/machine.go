//go:build linux

package supervisor

import (
	"context"

	"labctl/topology"
	"labctl/topology/kernel"
	"labctl/topology/reach"
)

// machine is what probes get to see of the lab: the kernel's tables, and what only a supervisor knows.
type machine struct {
	kernel.Tables
	s *server
}

func (m machine) Socket(node string, domain, typ, proto int) (int, error) {
	return m.s.space.Socket(node, domain, typ, proto)
}

// FDB is what a bridge has, or, without one, the virtual switch that the node is.
func (m machine) FDB(node, bridge string) ([]topology.FDBEntry, error) {
	if bridge == "" {
		return m.s.switches.table(node)
	}
	return m.Tables.FDB(node, bridge)
}

// NeighbourRoom reads the machine's table through a file that was opened outside, since a namespace does not show it.
func (m machine) NeighbourRoom() int {
	if m.s.neighMax < 0 || m.s.arpCache == nil {
		return -1
	}
	n, err := kernel.NeighbourEntries(m.s.arpCache)
	if err != nil {
		return -1
	}
	return max(0, m.s.neighMax-n+m.permanent())
}

func (m machine) Backlog() (uint64, error) { return kernel.BacklogDrops() }

// permanent is how many entries the lab's file has put there: the kernel counts them among all, and not against the limit
// (neigh_alloc, net/core/neighbour.c).
func (m machine) permanent() int {
	count := 0
	for _, n := range m.s.prober.Lab.Nodes {
		for _, e := range n.Neighbours {
			if e.IP.Is4() {
				count++
			}
		}
	}
	return count
}

func (m machine) SwitchPort(node, port string) (reach.SwitchPort, error) {
	st, err := m.s.switches.port(node, port)
	return reach.SwitchPort{State: st.State, Promiscuous: st.Promiscuous, Initial: st.Initial, Effective: st.Effective}, err
}

func (m machine) Drops(node string) ([]reach.Drop, int, error) { return m.s.switches.drops(node) }

// Quiet returns when the virtual switches know what the nodes' adapters are like by now.
func (m machine) Quiet(ctx context.Context) error { return m.s.switches.quiet(ctx) }

// Idle returns when no frame is under way in the virtual switches.
func (m machine) Idle(ctx context.Context) error { return m.s.switches.idle(ctx) }
