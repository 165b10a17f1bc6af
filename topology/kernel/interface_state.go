//go:build linux

package kernel

import (
	"fmt"

	"labctl/switchcore"
)

// InterfaceState reads one interface as it is now. state is the kernel's word for a bridge port (disabled, listening, learning,
// forwarding, blocking), else up or down by carrier; flags are the interface's own, as in /sys/class/net/IF/flags there: 0x1103 for
// one that is up and promiscuous for whatever reason; promiscuity is how many want it to be. An interface that is not there is an
// error that wraps ENODEV.
func (t Tables) InterfaceState(node, name string) (state string, mac switchcore.MAC, flags uint32, promiscuity int, err error) {
	n, err := t.space.of(node)
	if err != nil {
		return "", mac, 0, 0, err
	}
	m, err := n.conn.getLink(0, name, -1)
	if err != nil {
		return "", mac, 0, 0, fmt.Errorf("%s: read interface %s: %w", node, name, err)
	}
	switch {
	case m.bridgePort && int(m.state) < len(portStates):
		state = portStates[m.state]
	case running(m.flags):
		state = "up"
	default:
		state = "down"
	}
	return state, m.mac, m.rawFlags(), m.promiscuity, nil
}
