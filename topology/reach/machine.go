// Package reach tries what a lab file expects and judges it: who can ping, ARP and sniff whom, from sockets opened
// inside the nodes' namespaces. It reads and forgets kernel tables only through a [Machine], which its caller provides.
package reach

import (
	"context"
	"net/netip"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/silence"
)

// Machine is what probing needs of a running lab. Nodes are full names. All methods may be called concurrently. An
// error keeps the kernel's errno for errors.Is.
type Machine interface {
	// Socket opens a socket inside the node's namespace, close-on-exec. The caller owns the descriptor.
	Socket(node string, domain, typ, proto int) (fd int, err error)

	// Links lists the interfaces as the kernel has them now.
	Links(node string) ([]topology.LinkState, error)

	// Carriers says of each interface, by its index, what it is like towards what it is plugged into.
	Carriers(node string) (map[int]topology.Carrier, error)

	// Neighbours lists the neighbour table of the node, one family (unix.AF_INET or AF_INET6), every state but NOARP.
	Neighbours(node string, family int) ([]topology.NeighbourEntry, error)

	// DeleteNeighbours removes the entries with these interfaces and addresses; one that is not there is no error.
	DeleteNeighbours(node string, entries []topology.NeighbourEntry) error

	// FlushNeighbours removes every entry of both families that is not permanent and reports how many there were.
	FlushNeighbours(node string) (int, error)

	// FlushRoutes forgets redirected and cached routes.
	FlushRoutes(node string) error

	// Route asks the node's kernel which way it would send (Via invalid: directly). The error is the kernel's:
	// ENETUNREACH, EHOSTUNREACH, EACCES, EINVAL.
	Route(node string, q topology.RouteQuery) (topology.RouteAnswer, error)

	// Forwards reports whether the node sends on what comes in at an interface and is for others.
	Forwards(node string, family, index int) (bool, error)

	// FDB lists the forwarding entries of a Linux bridge, learned and static, without its own addresses; or, when node
	// is a virtual switch, all that it knows, static addresses too.
	FDB(node, bridge string) ([]topology.FDBEntry, error)

	// Groups lists who has joined which multicast group at a Linux bridge.
	Groups(node, bridge string) ([]topology.GroupEntry, error)

	// Interface reads the state of one interface, for port tables.
	Interface(node, name string) (topology.InterfaceState, error)

	// SwitchPort reads a port of a virtual switch as the switch has it now.
	SwitchPort(node, port string) (SwitchPort, error)

	// Drops lists what a virtual switch dropped since the set of the current step was done, frames of one sort as one
	// entry. Lost is how many dropped frames are not in the list.
	Drops(node string) (list []Drop, lost int, err error)

	// Hits counts the packets that the rules of the node's loaded sets have matched since the set of the current step
	// was done, by "set/rule". It resets nothing.
	Hits(node string) (map[string]uint64, error)

	// Quiet returns when the virtual switches know what the nodes' adapters are like by now (address, promiscuity,
	// carrier) and are idle. At once when there are none.
	Quiet(ctx context.Context) error

	// Idle returns when no frame is under way in the virtual switches, which are programs and take their time: all that
	// has reached them is judged and sent, and nothing has come back because of it. At once when there are none, and
	// soon when somebody keeps them busy.
	Idle(ctx context.Context) error

	// NeighbourRoom is how many more neighbour entries the machine can hold (net.ipv4.neigh.default.gc_thresh3 is the
	// machine's, not the namespace's: arp(7)); negative: not known.
	NeighbourRoom() int

	// Backlog is how many frames of any lab the machine has thrown away so far because they came faster than its
	// processors took them (net.core.netdev_max_backlog).
	Backlog() (uint64, error)

	// ProcNet reads a file of proc_pid_net(5) as the node has it. One that the kernel does not have is an error that
	// wraps os.ErrNotExist.
	ProcNet(node, file string) ([]byte, error)

	// Look looks once at all that may move in the lab. An error is that something cannot be read here.
	Look(ctx context.Context) (silence.Look, error)

	// Glance is a Look that reads neither queueing disciplines nor neighbours, and takes half as long.
	Glance(ctx context.Context) (silence.Look, error)

	// Fence returns when every processor has left what its kernel was doing with packets when Fence was called.
	Fence() error

	// LateSenders says what in the lab may send, by itself or late, an answer to a ping, an ARP request or a neighbour
	// solicitation, whatever a [Machine.Look] finds: "NODE has WHAT". What this process has opened is left out.
	LateSenders() ([]string, error)

	// Forgetful says what in the lab may treat a repeated ARP request or neighbour solicitation otherwise than the
	// first, or with any packet, also what may treat any other so: "NODE has WHAT".
	Forgetful(any bool) ([]string, error)

	// Proxies reports whether a node answers for others, which it does after a while.
	Proxies() (bool, error)

	// Anycast are the IPv6 anycast addresses of the nodes, which are answered for after a while.
	Anycast() (map[netip.Addr]bool, error)

	// FailNeighbours gives up what entries ask for, as the kernel does when its last request was not answered: they are
	// FAILED, and what waits there is answered by errors.
	FailNeighbours(node string, entries []topology.NeighbourEntry) error
}

// SwitchPort is a port of a virtual switch. State is forwarding, blocked or down; Promiscuous is granted, refused or
// "-".
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
