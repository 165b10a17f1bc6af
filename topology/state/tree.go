package state

import (
	"fmt"

	"labctl/switchcore"
)

// trees gives every bridge its tree, and every port its state.
func (m *maker) trees() {
	m.stacked()
	for _, n := range m.state.Nodes {
		for k := range n.Interfaces {
			br := &n.Interfaces[k]
			if br.Bridge == nil {
				continue
			}
			b := br.Bridge
			b.ID = bridgeID(b.Priority, br.MAC)
			b.Root = b.ID
			for at := range b.Ports {
				p := n.Interface(b.Ports[at])
				p.Port.Number = len(b.Ports) - at
				p.Port.State = "disabled"
				if br.Up && p.Carrier {
					p.Port.State = "forwarding"
					br.Carrier = true
				}
			}
		}
	}
	m.stacked()
}

func bridgeID(priority uint16, mac switchcore.MAC) string {
	return fmt.Sprintf("%04x.%s", priority, mac)
}
