package topology

import (
	"net/netip"

	"labctl/switchcore"
)

// LinkState is an interface of a node as the kernel has it.
type LinkState struct {
	Index int
	Name  string
	MAC   switchcore.MAC
	Up    bool   // administratively
	State string // RFC 2863's ifOperStatus as ip-link(8) calls it, in lower case: up, down, lowerlayerdown, unknown ...
	MTU   int
	Addrs []netip.Prefix
}

// Carrier is what an interface is like towards what it is plugged into. As long as it is the same, the kernel has
// thrown nothing away on its account. State changes when the kernel acts on the carrier, up to a second after it came
// or went.
type Carrier struct {
	Changes uint32 // how often the carrier came or went
	Flags   uint32 // of IFF_UP, IFF_LOWER_UP, IFF_RUNNING, IFF_NOARP, IFF_LOOPBACK and IFF_POINTOPOINT
	State   uint8  // RFC 2863's ifOperStatus as linux/if.h numbers it
	Bridge  bool   // it is a Linux bridge
}

// NeighbourEntry is an entry of a node's neighbour table. State is one of ip-neighbour(8)'s words in capitals:
// INCOMPLETE REACHABLE STALE DELAY PROBE FAILED PERMANENT NONE.
type NeighbourEntry struct {
	Index int // of the interface
	IP    netip.Addr
	MAC   switchcore.MAC
	State string
}

// RouteQuery asks for the route to Dst; with From alone it is the route of a packet that the node itself sends from
// there, which must be its own address; with From and IIF valid it is the route of a packet from From that came in
// there.
type RouteQuery struct {
	Dst  netip.Addr
	From netip.Addr // zero: locally sent, the kernel chooses
	IIF  string     // "": locally sent
	OIF  string     // locally sent by a socket bound to this interface; "": the kernel chooses
	// of the packet, for routing rules that ask for it, and for the hash by which IPv6 chooses a next hop; 0: none is
	// named. ICMP and ICMPv6 are taken, TCP and UDP too.
	Proto uint8
	// of a packet of TCP or UDP, for routing rules that ask for them; 0: none is named
	SPort, DPort uint16
}

// RouteAnswer is which way the kernel would send.
type RouteAnswer struct {
	Via        netip.Addr // zero: on link
	Index      int        // outgoing interface
	Src        netip.Addr
	Local      bool // the destination is the node itself
	Broadcast  bool // the destination is a broadcast address of the node (RTN_BROADCAST)
	Redirected bool // learned from an ICMP redirect (RTCF_REDIRECTED)
	DoRedirect bool // the node would send a redirect for it (RTCF_DOREDIRECT)
	// bytes; what the route was given, or the node has learned by path MTU discovery (RTAX_MTU); 0: there is none, and
	// the interface's counts
	MTU int
}

// FDBEntry is a forwarding entry: behind which port an address is, or, of a VXLAN, behind which remote.
type FDBEntry struct {
	MAC    switchcore.MAC // of a VXLAN, zero for all that it does not know
	Port   string         // the remote's address, of a VXLAN
	VLAN   int            // 0: the bridge does not filter VLANs, or the entry is for frames that are in none
	Static bool           // somebody's own entry: it does not age
}

// GroupEntry is somebody who has joined a multicast group at a bridge.
type GroupEntry struct {
	Group string // its address, of IPv4, IPv6 or Ethernet, as net/netip and switchcore write them
	Port  string // where; the bridge's own name if it is the bridge's node
}

// InterfaceState is what a port table can ask of an interface. State is the kernel's word for a bridge port (disabled,
// listening, learning, forwarding, blocking), else up or down by carrier.
type InterfaceState struct {
	State string
	MAC   switchcore.MAC
	// the interface's own, as in /sys/class/net/IF/flags: 0x1103 for one that is up and promiscuous for whatever reason
	Flags       uint32
	Promiscuity int // how many want it to be (IFLA_PROMISCUITY)
}
