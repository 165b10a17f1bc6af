//go:build linux

package supervisor

import (
	"context"

	"labctl/topology/kernel"
	"labctl/topology/reach"
)

// machine is what probes get to see of the kernel.
type machine struct{ s *server }

func (m machine) Socket(node string, domain, typ, proto int) (int, error) {
	return m.s.space.Socket(node, domain, typ, proto)
}

func (m machine) Links(node string) ([]reach.Link, error) {
	links, err := m.s.space.Tables().Links(node)
	out := make([]reach.Link, len(links))
	for i, l := range links {
		out[i] = reach.Link(l)
	}
	return out, err
}

func (m machine) Carriers(node string) (map[int]reach.Carrier, error) {
	list, err := m.s.space.Tables().Carriers(node)
	out := make(map[int]reach.Carrier, len(list))
	for i, c := range list {
		out[i] = reach.Carrier(c)
	}
	return out, err
}

func (m machine) Neighbours(node string, family int) ([]reach.Neighbour, error) {
	list, err := m.s.space.Tables().Neighbours(node, family)
	out := make([]reach.Neighbour, len(list))
	for i, n := range list {
		out[i] = reach.Neighbour(n)
	}
	return out, err
}

func (m machine) DeleteNeighbours(node string, entries []reach.Neighbour) error {
	list := make([]kernel.Neighbour, len(entries))
	for i, e := range entries {
		list[i] = kernel.Neighbour(e)
	}
	return m.s.space.Tables().DeleteNeighbours(node, list)
}

func (m machine) FlushNeighbours(node string) (int, error) {
	return m.s.space.Tables().FlushNeighbours(node)
}

func (m machine) FlushRoutes(node string) error { return m.s.space.Tables().FlushRoutes(node) }

func (m machine) Route(node string, q reach.RouteQuery) (reach.Route, error) {
	r, err := m.s.space.Tables().Route(node, kernel.RouteQuery(q))
	return reach.Route(r), err
}

func (m machine) FDB(node, bridge string) ([]reach.FDBEntry, error) {
	if bridge == "" {
		return m.s.switches.table(node)
	}
	list, err := m.s.space.Tables().FDB(node, bridge)
	out := make([]reach.FDBEntry, len(list))
	for i, e := range list {
		out[i] = reach.FDBEntry{MAC: e.MAC, Port: e.Port}
	}
	return out, err
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

func (m machine) Interface(node, name string) (reach.InterfaceState, error) {
	state, mac, flags, promiscuity, err := m.s.space.Tables().InterfaceState(node, name)
	return reach.InterfaceState{State: state, MAC: mac, Flags: flags, Promiscuity: promiscuity}, err
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
