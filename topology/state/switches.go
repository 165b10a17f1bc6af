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
			c := n.Switch.Config.Ports[len(s.Ports)]
			out := SwitchPort{Name: p.Name, At: End(p.At), Far: End(p.Far), Shared: p.Shared, Connected: c.Uplink,
				Initial: c.Initial}
			if at := m.at(out.At); at != nil {
				out.Link = at.Carrier
			}
			if far := m.at(out.Far); far != nil {
				out.Connected = true
				// see filterOf of the supervisor: a Linux guest counts as wanting every group
				out.Filter = switchcore.Filter{MAC: far.MAC, Promiscuous: far.Promiscuity > 0, AllMulti: true}
				if out.Initial.IsZero() {
					out.Initial = far.MAC
				}
			}
			s.Ports = append(s.Ports, out)
		}
		m.state.Nodes[k].Switch = s
	}
}
