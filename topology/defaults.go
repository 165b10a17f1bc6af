package topology

import (
	"strings"
	"time"
)

// defaultBridge is what the kernel gives a new bridge (net/bridge/br_device.c, br_dev_setup).
var defaultBridge = BridgeSettings{Ageing: 300 * time.Second, McastSnooping: true, Priority: 32768,
	ForwardDelay: 15 * time.Second, HelloTime: 2 * time.Second, MaxAge: 20 * time.Second, Mcast: defaultMcast}

// defaultMcast is how a new bridge snoops (net/bridge/br_multicast.c, br_multicast_ctx_init).
var defaultMcast = McastSettings{QueryInterval: 125 * time.Second, QueryResponseInterval: 10 * time.Second,
	MembershipInterval: 260 * time.Second, QuerierInterval: 255 * time.Second, LastMemberInterval: time.Second,
	StartupQueryInterval: 125 * time.Second / 4}

// defaultPort is what the kernel gives a new port (net/bridge/br_if.c, new_nbp).
var defaultPort = PortSettings{Learning: true, Flood: true, McastFlood: true, BcastFlood: true,
	Priority: 32, McastRouter: 1}

// DefaultBridgeSettings is what the kernel gives a new bridge.
func DefaultBridgeSettings() BridgeSettings { return defaultBridge }

// DefaultPortSettings is what the kernel gives a new bridge port.
func DefaultPortSettings() PortSettings { return defaultPort }

const multipathSeed = "net/ipv4/fib_multipath_hash_seed"

// MultipathKeys are the values by which a kernel chooses one of several next hops for a packet (ip-sysctl.rst): all are
// 0 in a new namespace, where the seed 0 stands for one by chance.
func MultipathKeys() []string {
	return []string{"net/ipv4/fib_multipath_hash_policy", "net/ipv6/fib_multipath_hash_policy", multipathSeed}
}

// Optional reports whether a kernel may lack the value without harm to what the lab means: bridge netfilter is a
// module, IPv6 may be off altogether, the ICMP message limits belong to a namespace only since Linux 6.12, and an
// interface with a smaller MTU than IPv6 needs has no neighbours of IPv6 (addrconf_notify, net/ipv6/addrconf.c). What
// the lab gives is not optional, unless it is what a kernel without the value does.
func (s Sysctl) Optional() bool {
	switch {
	case s.Key == multipathSeed: // since Linux 6.11
		return !s.Given
	case strings.HasPrefix(s.Key, "net/bridge/"):
		return !s.Given || s.Value == "0"
	case strings.HasPrefix(s.Key, "net/ipv4/icmp_msgs_"), strings.HasPrefix(s.Key, "net/ipv6/neigh/"):
		return !s.Given
	}
	return strings.HasPrefix(s.Key, "net/ipv6/") && strings.HasSuffix(s.Key, "/disable_ipv6") && s.Value == "1"
}
