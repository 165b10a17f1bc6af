package topology

import (
	"strings"
	"time"
)

// defaultBridge is what the kernel gives a new bridge (net/bridge/br_device.c, br_dev_setup).
var defaultBridge = BridgeSettings{Ageing: 300 * time.Second, McastSnooping: true, Priority: 32768,
	ForwardDelay: 15 * time.Second, HelloTime: 2 * time.Second, MaxAge: 20 * time.Second}

// defaultPort is what the kernel gives a new port (net/bridge/br_if.c, new_nbp).
var defaultPort = PortSettings{Learning: true, Flood: true, McastFlood: true, BcastFlood: true}

// DefaultBridgeSettings is what the kernel gives a new bridge.
func DefaultBridgeSettings() BridgeSettings { return defaultBridge }

// DefaultPortSettings is what the kernel gives a new bridge port.
func DefaultPortSettings() PortSettings { return defaultPort }

// Optional reports whether a kernel may lack the value without harm to what the lab means: bridge netfilter is a
// module, IPv6 may be off altogether, the ICMP message limits belong to a namespace only since Linux 6.12, and an
// interface with a smaller MTU than IPv6 needs has no neighbours of IPv6 (addrconf_notify, net/ipv6/addrconf.c). What
// the lab gives is not optional, unless it is what a kernel without the value does.
func (s Sysctl) Optional() bool {
	switch {
	case strings.HasPrefix(s.Key, "net/bridge/"):
		return !s.Given || s.Value == "0"
	case strings.HasPrefix(s.Key, "net/ipv4/icmp_msgs_"), strings.HasPrefix(s.Key, "net/ipv6/neigh/"):
		return !s.Given
	}
	return strings.HasPrefix(s.Key, "net/ipv6/") && strings.HasSuffix(s.Key, "/disable_ipv6") && s.Value == "1"
}
