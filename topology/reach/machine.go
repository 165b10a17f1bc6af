// Package reach tries what a lab file expects and judges it: who can ping, ARP and sniff whom, from sockets opened inside
// the nodes' namespaces. It reads and forgets kernel tables only through a [Machine], which its caller provides.
package reach

import (
	"context"
	"net/netip"

	"labctl/switchcore"
)

// Machine is what probing needs of a running lab. Nodes are full names. All methods may be called concurrently. An error
// keeps the kernel's errno for errors.Is.
type Machine interface {
	// Socket opens a socket inside the node's namespace, close-on-exec. The caller owns the descriptor.
	Socket(node string, domain, typ, proto int) (fd int, err error)

	// Links lists the interfaces as the kernel has them now.
	Links(node string) ([]Link, error)

	// Carriers says of each interface, by its index, what it is like towards what it is plugged into.
	Carriers(node string) (map[int]Carrier, error)

	// Neighbours lists the neighbour table of the node, one family (unix.AF_INET or AF_INET6), every state but NOARP.
	Neighbours(node string, family int) ([]Neighbour, error)

	// DeleteNeighbours removes the entries with these interfaces and addresses; one that is not there is no error.
	DeleteNeighbours(node string, entries []Neighbour) error

	// FlushNeighbours removes every entry of both families that is not permanent and reports how many there were.
	FlushNeighbours(node string) (int, error)

	// FlushRoutes forgets redirected and cached routes.
	FlushRoutes(node string) error

	// Route asks the node's kernel which way it would send (Via invalid: directly). The error is the kernel's:
	// ENETUNREACH, EHOSTUNREACH, EACCES, EINVAL.
	Route(node string, q RouteQuery) (Route, error)

	// FDB lists the forwarding entries of a Linux bridge, learned and static, without its own addresses; or, when node is a virtual switch, all
	// that it knows, static addresses too.
	FDB(node, bridge string) ([]FDBEntry, error)

	// Interface reads the state of one interface, for port tables.
	Interface(node, name string) (InterfaceState, error)

	// SwitchPort reads a port of a virtual switch as the switch has it now.
	SwitchPort(node, port string) (SwitchPort, error)

	// Drops lists what a virtual switch dropped since the set of the current step was done, frames of one sort as one entry.
	// Lost is how many dropped frames are not in the list.
	Drops(node string) (list []Drop, lost int, err error)

	// Hits counts the packets that the rules of the node's loaded sets have matched since the set of the current step was
	// done, by "set/rule". It resets nothing.
	Hits(node string) (map[string]uint64, error)

	// Quiet returns when the virtual switches know what the nodes' adapters are like by now (address, promiscuity, carrier)
	// and are idle. At once when there are none.
	Quiet(ctx context.Context) error

	// Idle returns when no frame is under way in the virtual switches, which are programs and take their time: all that has
	// reached them is judged and sent, and nothing has come back because of it. At once when there are none, and soon when somebody
	// keeps them busy.
	Idle(ctx context.Context) error

	// NeighbourRoom is how many more neighbour entries the machine can hold (net.ipv4.neigh.default.gc_thresh3 is the
	// machine's, not the namespace's: arp(7)); negative: not known.
	NeighbourRoom() int

	// Backlog is how many frames of any lab the machine has thrown away so far because they came faster than its processors took them
	// (net.core.netdev_max_backlog).
	Backlog() (uint64, error)
}

// Link is an interface of a node.
type Link struct {
	Index int
	Name  string
	MAC   switchcore.MAC
	Up    bool // administratively
	Addrs []netip.Prefix
}

// Carrier is the same in two readings ([Carrier.same]) when the kernel has done nothing in between that throws away what waits for a
// neighbour because of a carrier. Flags are IFF_UP, IFF_LOWER_UP, IFF_RUNNING, IFF_NOARP, IFF_LOOPBACK and IFF_POINTOPOINT, no others;
// State is RFC 2863's ifOperStatus as linux/if.h numbers it, which changes when the kernel acts on the carrier, up to a second after it
// came or went.
type Carrier struct {
	Changes uint32 // how often the carrier came or went
	Flags   uint32
	State   uint8
	Bridge  bool // it is a Linux bridge
}

// Neighbour is an entry of a neighbour table. State is one of ip-neighbour(8)'s words in capitals:
// INCOMPLETE REACHABLE STALE DELAY PROBE FAILED PERMANENT NONE.
type Neighbour struct {
	Index int // of the interface
	IP    netip.Addr
	MAC   switchcore.MAC
	State string
}

// RouteQuery asks for the route to Dst; with From and IIF valid it is the route of a packet from From that came in there.
type RouteQuery struct {
	Dst  netip.Addr
	From netip.Addr // zero: locally sent, the kernel chooses
	IIF  string     // "": locally sent
	OIF  string     // locally sent by a socket bound to this interface; "": the kernel chooses
}

// Route is the kernel's answer.
type Route struct {
	Via        netip.Addr // zero: on link
	Index      int        // outgoing interface
	Src        netip.Addr
	Local      bool // the destination is the node itself
	Broadcast  bool // the destination is a broadcast address of the node (RTN_BROADCAST)
	Redirected bool // learned from an ICMP redirect (RTCF_REDIRECTED)
	DoRedirect bool // the node would send a redirect for it (RTCF_DOREDIRECT)
}

// FDBEntry is a forwarding entry: behind which port an address is.
type FDBEntry struct {
	MAC  switchcore.MAC
	Port string
}

// InterfaceState is what a port table can ask of an interface. State is the kernel's word for a bridge port (forwarding, disabled,
// blocking, listening, learning), else up or down by carrier.
type InterfaceState struct {
	State       string
	MAC         switchcore.MAC
	Flags       uint32 // as in /sys/class/net/IF/flags
	Promiscuity int    // IFLA_PROMISCUITY
}

// SwitchPort is a port of a virtual switch. State is forwarding, blocked or down; Promiscuous is granted, refused or "-".
type SwitchPort struct {
	State, Promiscuous string
	Initial, Effective switchcore.MAC
}

// Drop counts dropped frames of one sort. Function is ESXi's name of the dropping function, "-" where it is not known.
type Drop struct {
	Port, Reason, Function string
	Length                 int // bytes, without frame check sequence
	Src, Dst               switchcore.MAC
	Frames                 int
}
