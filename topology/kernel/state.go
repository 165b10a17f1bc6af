//go:build linux

package kernel

import (
	"fmt"

	"labctl/switchcore"
)

// portStates are the words of bridge(8) for linux/if_bridge.h's BR_STATE_DISABLED and on.
var portStates = [...]string{"disabled", "listening", "learning", "forwarding", "blocking"}

// InterfaceState reads one interface as it is now. state is the kernel's word for a bridge port (disabled, listening, learning,
// forwarding, blocking), else up or down by carrier; flags are the interface's own, as in /sys/class/net/IF/flags there: 0x1103 for
// one that is up and promiscuous for whatever reason; promiscuity is how many want it to be. An interface that is not there is an
// error that wraps ENODEV.
func (s *Space) InterfaceState(nodeName, name string) (state string, mac switchcore.MAC, flags uint32, promiscuity int, err error) {
	n, err := s.node(nodeName)
	if err != nil {
		return "", mac, 0, 0, err
	}
	m, err := s.getLink(n, 0, name, -1)
	if err != nil {
		return "", mac, 0, 0, fmt.Errorf("%s: read interface %s: %w", nodeName, name, err)
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
