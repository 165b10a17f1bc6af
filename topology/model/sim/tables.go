package sim

import (
	"net/netip"
	"time"

	"labctl/switchcore"
)

// fib are the routes of a node, each table by length of prefix, then metric, then the kernel's own order: the first one
// that fits is taken.
type fib struct{ local, main []*route }

// routeType is RTN_ of linux/rtnetlink.h.
type routeType int

// route is a route of a node.
type route struct {
	dst    uint32
	bits   int
	typ    routeType
	onLink bool // without a gateway: the next hop is the destination
	scope  int  // RT_SCOPE_ of linux/rtnetlink.h
	metric int
	via    uint32
	dev    *device
	src    uint32
	down   bool // its interface has no carrier
}

// exceptionKey is what a redirect is about.
type exceptionKey struct {
	r   *route
	dst uint32
}

// refusal is why a node has no way for a packet: an error of the route look-up.
type refusal int

// way is how a node sends a packet.
type way struct {
	typ        routeType
	dev        *device
	next       uint32 // the neighbour
	via        uint32 // the gateway, 0 for one that is on link
	src        uint32 // of packets that have none yet
	redirected bool
	route      *route
}

// inputWay is what a node does with a packet, or an ARP request, that has come in.
type inputWay struct {
	way
	local     bool
	broadcast bool
	dropped   bool    // source validation refuses it, or it is a martian
	refused   refusal // there is no way to send it on
	redirect  bool    // the sender has a better way
}

const (
	routeUnicast routeType = iota
	routeLocal
	routeBroadcast
	routeBlackhole
	routeUnreachable
	routeProhibit
	routeMulticast
)

const (
	scopeUniverse = 0
	scopeLink     = 253
	scopeHost     = 254
)

const (
	granted refusal = iota
	noRoute         // ENETUNREACH
	unreachableRoute
	prohibitRoute
	blackholeRoute
)

type neighState int

// neighbour is an entry of a neighbour table.
type neighbour struct {
	node      *node
	at        hop
	state     neighState
	mac       switchcore.MAC
	updated   time.Duration
	confirmed time.Duration
	probes    int
	serial    int // of the timer that counts
	waiting   []outgoing
}

// outgoing is a packet on its way out of a node, and what its node needs in order to say that it was not sent.
type outgoing struct {
	p     packet
	in    *device // by which it came, nil for the node's own
	local bool    // RTCF_LOCAL of its route
}

const (
	incomplete neighState = iota
	reachable
	stale
	delay
	probe
	failed
	permanent
)

// queue is what is under way. The kernel hands frames on in no time, one after the other as its softirqs do
// (process_backlog, net/core/dev.c); a virtual switch is a program, and its frames come behind those.
type queue struct {
	now      time.Duration
	arriving []arrival // frames that an interface has still to take
	first    int       // of them
	waiting  []arrival // frames in front of virtual switches
	next     int
	timers   timers
	serial   uint64
	handled  int // frames since the last question
	limit    int // of them: more is a storm
	storming bool
}

// arrival is a frame at an interface.
type arrival struct {
	at *device
	to *switchPort // a switch's port, else nil
	f  frame
}

// timer is something that happens later.
type timer struct {
	at     time.Duration
	serial uint64
	urgent bool // a question that is under way waits for it
	do     func()
}

type timers []timer

// Echoed is what came back for an echo request: its reply, an ICMP error, or a redirect.
type Echoed struct {
	Key        uint32
	From       netip.Addr
	Error      bool
	Type, Code byte // of an error
	Redirect   bool
	own        bool // an error from the node itself
}

// filter is the rules of a node.
type filter struct {
	unread string // a rule that the model cannot read; "" if it can read all
}
