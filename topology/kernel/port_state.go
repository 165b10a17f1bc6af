//go:build linux

package kernel

import "strconv"

// The states of a bridge port, BR_STATE_DISABLED and on of linux/if_bridge.h.
const (
	portDisabled = iota
	portListening
	portLearning
	portForwarding
)

// portStates are bridge(8)'s words for them.
var portStates = [...]string{"disabled", "listening", "learning", "forwarding", "blocking"}

// portState is the word for a state, or its number where there is none.
func portState(n uint8) string {
	if int(n) < len(portStates) {
		return portStates[n]
	}
	return strconv.Itoa(int(n))
}
