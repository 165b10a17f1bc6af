package state

import "labctl/topology"

// maker makes the state of a lab.
type maker struct {
	tunnelPeers map[topology.End][]topology.End
	lab         *topology.Lab
	order       *order
	state       *State
}

// at is the interface at an end, or nil.
func (m *maker) at(e End) *Interface {
	n := m.state.Node(e.Node)
	if n == nil {
		return nil
	}
	return n.Interface(e.Interface)
}
