// Package sim moves packets through a lab, frame by frame and in virtual time, without any kernel. Virtual switches
// are the real [switchcore]; what Linux does at each point where it decides is a file here that names the kernel's
// function. It touches nothing and knows no clock. What it does not model it says ([World.Doubts]) and does not guess.
package sim

import (
	"time"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/state"
)

// World is a lab in motion. It is not safe for concurrent use.
type World struct {
	nodes  []*node
	byName map[string]*node
	queue
	doubts
	learned    []*node // whose neighbour tables may have something
	lastKey    uint32  // of echo requests
	beside     Beside  // when streams send out of turn
	others     func()  // has them do so
	lastStream uint32
	askers     []func(*node, Echoed)
	ears       bool          // somebody listens for frames
	mute       map[Mute]bool // that have been found not to answer
	trusts     bool          // who is mute is believed in
	ageless    bool          // no neighbour is doubted for its age
	onARP      func(at *device, f *frame)
	drops      []Drop
	watching   bool // an ARP listener is there
}

// node is a network namespace.
type node struct {
	w        *World
	name     string
	kind     topology.Kind
	devices  []*device // by rank, lo first
	byName   map[string]*device
	local    []uint32         // its own IPv4 addresses
	tables   map[int][]*route // its routes by table; of a table the first one that fits is taken
	policies []*policy        // its routing rules
	ruled    bool             // it has had others than the kernel's own (fib_has_custom_rules, net/ipv4/fib_rules.c)
	blurred  string           // why nobody knows which ways it has, "" where the model does
	neighs   map[hop]*neighbour
	turned   map[exceptionKey]uint32 // next hops that redirects have taught, by route and destination
	pathMTU  bool                    // net.ipv4.ip_forward_use_pmtu
	noPMTU   bool                    // net.ipv4.ip_no_pmtu_disc, any of its values but 0
	bridged  bool                    // bridge-nf-call-iptables
	forwards bool                    // net.ipv4.ip_forward
	noEcho   bool                    // icmp_echo_ignore_all
	inbound  bool                    // icmp_errors_use_inbound_ifaddr
	ttl      byte
	sw       *vswitch
	filter   *filter                         // its rules; nil: none are loaded
	odd      string                          // why its routing is not modelled; "" if it is
	known    map[connection]*connectionState // what its connection tracking has
	// foreign is why it may do with what comes to it what is not modelled; zero if it does not.
	foreign Doubt
	was     *state.Node
}

// hop is a neighbour of a node.
type hop struct {
	dev *device
	ip  uint32
}

// device is an interface of a node.
type device struct {
	node     *node
	name     string
	rank     int
	kind     topology.LinkType
	mac      switchcore.MAC
	mtu      int
	up       bool
	carrier  bool
	asked    int // promiscuity without what listeners of tables add
	listened int // listeners that are open on it, promiscuous ones
	addrs    []address
	conf     conf

	peer    *device   // veth
	lower   *device   // macvlan, macvtap
	uppers  []*device // what is stacked on it, oldest first
	mode    string
	sources []switchcore.MAC
	master  *device // the bridge that it is a port of
	port    *port
	bridge  *bridge

	socket  *switchPort // a virtual switch that hears what comes in here
	shared  bool        // its node goes on using it
	guarded bool        // its node's stack is kept away from it

	hears         bool           // a listener is open
	arrived, left map[string]int // copies of frames, by their names
}

// address is an IPv4 address of an interface.
type address struct {
	ip        uint32
	bits      int
	secondary bool
}

// conf is the sysctls of an interface that decide, each as the kernel combines it with that of "all".
type conf struct {
	rpFilter, arpIgnore, arpAnnounce                                         int
	arpFilter, arpAccept, proxyARP, proxyPVLAN, acceptLocal, dropGratuitous  bool
	forwarding, sendRedirects, acceptRedirects, secureRedirects, sharedMedia bool
	linkdownIgnored, unicastInMulticast                                      bool
	retrans                                                                  time.Duration
	mcastProbes, ucastProbes                                                 int
}

// port is a bridge port.
type port struct {
	topology.PortSettings
	state    string
	groupFwd uint16
}

// bridge is a Linux bridge.
type bridge struct {
	topology.BridgeSettings
	odd   string    // a setting that the model does not know
	ports []*device // as it goes through them when it floods: the newest first
	fdb   map[switchcore.MAC]*fdbEntry
}

// fdbEntry is a forwarding entry.
type fdbEntry struct {
	port   *device // nil: the bridge device's own address
	local  bool
	static bool
	seen   time.Duration
}

// vswitch is a virtual switch.
type vswitch struct {
	node  *node
	core  *switchcore.Switch
	conf  switchcore.Config
	ports []*switchPort
	byID  map[switchcore.PortID]*switchPort
}

// switchPort is a port of one with the interface that the data path has opened.
type switchPort struct {
	sw       *vswitch
	name     string
	id       switchcore.PortID
	at, far  *device
	uplink   bool
	shared   bool
	inlet    *device // of a shared uplink that is a bridge: the port of it that the switch sends into
	plugged  bool
	attached bool
}

// Drop is a frame that a virtual switch dropped, or one of its copies.
type Drop struct {
	Node, Port, Reason, Function string
	Length                       int
	Src, Dst                     switchcore.MAC
}

// node finds a node by its full name.
func (w *World) node(name string) *node { return w.byName[name] }

// device finds an interface.
func (w *World) device(name, iface string) *device {
	if n := w.byName[name]; n != nil {
		return n.byName[iface]
	}
	return nil
}

// owns reports whether an IPv4 address is the node's own.
func (n *node) owns(ip uint32) bool {
	for _, a := range n.local {
		if a == ip {
			return true
		}
	}
	return false
}
