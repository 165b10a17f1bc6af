package state

import "labctl/switchcore"

// switches gives virtual switches what they know of their guests.
func (m *maker) switches() {
	for k, n := range m.lab.Nodes {
		if n.Switch == nil {
			continue
		}
		s := &Switch{Config: n.Switch.Config}
		for _, p := range n.Switch.Ports {
			out := SwitchPort{Name: p.Name, At: End(p.At), Far: End(p.Far), Shared: p.Shared}
			if at := m.at(out.At); at != nil {
				out.Link = at.Carrier
			}
			if far := m.at(out.Far); far != nil {
				out.Connected = true
				out.Filter = switchcore.Filter{MAC: far.MAC, Promiscuous: far.Promiscuity > 0}
			}
			s.Ports = append(s.Ports, out)
		}
		m.state.Nodes[k].Switch = s
	}
}
