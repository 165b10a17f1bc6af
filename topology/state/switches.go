package state

import (
	"time"

	"labctl/switchcore"
	"labctl/topology"
)

// switches gives virtual switches what they know of their guests: switches of their own are told.
func (m *maker) switches() {
	for k, n := range m.lab.Nodes {
		if n.Switch == nil {
			continue
		}
		s, err := switchcore.New(n.Switch.Config)
		if err != nil { // what labfile makes is valid
			m.state.Nodes[k].Switch = &Switch{Config: n.Switch.Config}
			continue
		}
		for i, p := range n.Switch.Ports {
			if c := n.Switch.Config.Ports[i]; !(c.Down && p.At.Node != n.Name) { // else it has let go of its interface
				m.plug(s, p)
			}
		}
		m.state.Nodes[k].Switch = SwitchOf(0, s, n.Switch)
	}
}

// plug tells a switch of the adapter behind a port.
func (m *maker) plug(s *switchcore.Switch, p topology.SwitchPort) {
	id := s.Lookup(p.Name)
	if far := m.at(End(p.Far)); far != nil {
		// A Linux guest counts as wanting every group: its list cannot be followed reliably.
		s.Connect(0, id, switchcore.Filter{MAC: far.MAC, Promiscuous: far.Promiscuity > 0, AllMulti: true})
	}
	if at := m.at(End(p.At)); at != nil {
		s.SetLink(0, id, at.Carrier)
	}
}

// SwitchOf is what a virtual switch knows at a moment; sw says which interfaces belong to its ports.
func SwitchOf(now time.Duration, s *switchcore.Switch, sw *topology.Switch) *Switch {
	out := &Switch{Config: s.Config()}
	for _, p := range sw.Ports {
		id := s.Lookup(p.Name)
		st := s.Status(id)
		k := SwitchPort{Name: p.Name, At: End(p.At), Far: End(p.Far), Shared: p.Shared, State: st.State,
			Initial: st.Initial}
		k.Connected, k.Link, k.Filter = s.Guest(id)
		switch {
		case st.Uplink:
			k.Filter = switchcore.Filter{}
		case st.Uplinks != "-":
			k.Uplinks = st.Uplinks
		}
		out.Ports = append(out.Ports, k)
	}
	for _, e := range s.Table(now) {
		if !e.Static {
			out.Table = append(out.Table, Learned{MAC: e.MAC, VLAN: int(e.VLAN), Port: s.Status(e.Port).Name,
				Age: e.Age})
		}
	}
	return out
}
