//go:build linux

package kernel

import (
	"fmt"

	"labctl/topology"
)

// Interface reads one interface as it is now. One that is not there is an error that wraps ENODEV.
func (t Tables) Interface(node, name string) (topology.InterfaceState, error) {
	n, err := t.space.of(node)
	if err != nil {
		return topology.InterfaceState{}, err
	}
	m, err := n.conn.getLink(0, name, -1)
	if err != nil {
		return topology.InterfaceState{}, fmt.Errorf("%s: read interface %s: %w", node, name, err)
	}
	s := topology.InterfaceState{State: "down", MAC: m.mac, Flags: m.rawFlags(), Promiscuity: m.promiscuity}
	switch {
	case m.bridgePort && int(m.state) < len(portStates):
		s.State = portStates[m.state]
	case running(m.flags):
		s.State = "up"
	}
	return s, nil
}
