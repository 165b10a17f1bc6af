package sim

import (
	"net/netip"
	"time"

	"labctl/switchcore"
)

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

// Mute is a neighbour that does not answer when it is doubted, of an interface of a node.
type Mute struct {
	node, dev string
	ip        uint32
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
	stood    time.Duration // of now, for how long nothing that bridges and switches know has aged
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
	urgent bool        // a question that is under way waits for it
	alive  func() bool // whether it still means something; nil: it does
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

// filter is the rules of a node, as chains at hooks.
type filter struct {
	node    *node
	chains  map[hookAt][]*chain // by priority, and then as they were loaded
	bridged bool                // rules of IPv4 see what bridges forward (bridge-nf-call-iptables)
	tagged  bool                // and behind a VLAN tag (bridge-nf-filter-vlan-tagged)
	refuses bool                // some rule refuses packets
	tracks  bool                // connections are tracked
}

// hookAt is a hook of a family.
type hookAt struct{ family, hook string }

// chain is a chain of rules.
type chain struct {
	name     string
	priority int
	device   string // of family netdev
	rules    []*rule
	drops    bool // its policy
}

// rule is one rule.
type rule struct {
	name    string // SET/RULE; "" if it has no name
	matches []func(*meeting) bool
	unread  string // what of it the model cannot read; it may or may not match
	counts  bool
	packets uint64
	states  bool // it asks for the state of a connection
	verdict verdict
	code    byte           // of ICMP unreachable, of a reject
	to      *chain         // of a jump
	mac     switchcore.MAC // that a rewriting gives
}

// verdict is what a rule does with what it matches.
type verdict int

const (
	goesOn verdict = iota
	accepts
	drops
	rejects
	returns
	jumps
	rewrites // the source MAC
)

// meeting is a packet in front of rules.
type meeting struct {
	f               *frame
	p               packet // nil: it is not IPv4
	in, out         *device
	physIn, physOut *device // of a bridged packet that rules of IPv4 meet
	bridged         bool
	rules           int    // that it has come to
	state           string // of its connection: new established related invalid; "" where none are tracked
}

// connection is what connection tracking knows one by: of echoes the identifier is the request's.
type connection struct {
	src, dst uint32
	id       uint16
}

// connectionState is what it knows of one.
type connectionState struct {
	replied bool
	until   time.Duration
}

// Beside says when streams send while a question is asked.
type Beside int

// The moments.
const (
	Silent Beside = iota
	Before
	Meanwhile
)
