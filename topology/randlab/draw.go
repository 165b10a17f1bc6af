// Package randlab draws labs by chance: the text of a lab file for each seed, of which every one is valid and may be
// built. What a lab has is mixed from what labs are made of and from what goes wrong in them, so that an answer that
// somebody works out for a lab can be held against the one that a kernel gives.
package randlab

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Drawn is a lab.
type Drawn struct {
	Text     string   // of its file
	Features []string // what it has of [Features], in their order
}

// Draw draws the lab of a seed, which is the same on every machine and in every run. It has 4 to 14 nodes that have
// addresses. It holds no commands, and nothing that takes longer than a second to settle but for [SpanningTree].
func Draw(seed uint64) Drawn {
	d := &drawing{Rand: rand.New(rand.NewPCG(seed, 0)), has: map[string]bool{}}
	d.mostly = d.IntN(4) > 0
	d.v6 = d.some(SixToo, 3)
	for i := range 1 + d.IntN(3) {
		d.segments = append(d.segments, d.segment(i))
	}
	d.routers()
	d.nesting()
	d.faults()
	out := Drawn{Text: d.text(seed)}
	for _, f := range Features() {
		if d.has[f] {
			out.Features = append(out.Features, f)
		}
	}
	return out
}

// The features of labs.
const (
	SixToo       = "ipv6"
	BridgeTree   = "several bridges in a tree"
	SpanningTree = "a ring of bridges with a spanning tree"
	Standard     = "a standard switch"
	Distributed  = "a distributed switch"
	Segment      = "an NSX segment"
	Physical     = "a learning switch"
	AccessVLAN   = "VLANs on a switch"
	Policies     = "policies that accept"
	Blocked      = "a blocked or unplugged port"
	Isolated     = "isolated ports"
	PortFlags    = "ports that do not learn or flood"
	StaticFDB    = "a static forwarding entry"
	Macvlan      = "macvlans"
	GuestBridge  = "a bridge in a guest"
	Routed       = "routers"
	NoRouteBack  = "a route back that is missing"
	OwnRoute     = "a route that refuses"
	WrongMask    = "a wrong mask"
	RPFilter     = "reverse path filters"
	ARPKnobs     = "arp_ignore, arp_filter or proxy_arp"
	NoForwarding = "a router that does not forward"
	Poisoned     = "a neighbour entry that is wrong"
	LinkDown     = "an interface that is down"
	SmallMTU     = "a smaller MTU"
	Rules        = "rules of iptables"
	BridgeRules  = "rules of nft on a bridge"
	Twice        = "an address that two have"
	Ghost        = "an address that nobody has"
	ForgedMAC    = "an address that the guest has changed"
)

// Features are all that a lab may have.
func Features() []string {
	return []string{SixToo, BridgeTree, SpanningTree, Standard, Distributed, Segment, Physical, AccessVLAN, Policies,
		Blocked, Isolated, PortFlags, StaticFDB, Macvlan, GuestBridge, Routed, NoRouteBack, OwnRoute, WrongMask,
		RPFilter, ARPKnobs, NoForwarding, Poisoned, LinkDown, SmallMTU, Rules, BridgeRules, Twice, Ghost, ForgedMAC}
}

// drawing is a lab that is being drawn.
type drawing struct {
	*rand.Rand
	has      map[string]bool
	mostly   bool // well made, with one or two faults; else with many
	v6       bool
	segments []*segment
	nodes    []*node
	links    []string
	ghost    string // its address
	shared   string // an address that two hosts have
}

// some says yes once in n times, and notes then that the lab has the feature.
func (d *drawing) some(feature string, n int) bool {
	if d.IntN(n) > 0 {
		return false
	}
	d.has[feature] = true
	return true
}

// pick chooses one.
func pick[T any](d *drawing, of ...T) T { return of[d.IntN(len(of))] }

// node is a node of the file.
type node struct {
	name     string
	kind     string            // "" for a host
	keys     map[string]string // what is said of it, in YAML's flow style
	ifaces   map[string]map[string]string
	routes   map[string]string
	sysctls  map[string]string
	children []*node
	seg      *segment // where its first interface is
	addr     int      // its last byte there
	uplinked bool     // its NIC is somebody's lower interface, or a port
	at       *node    // of the core of its segment, where its cable ends
	port     string   // there; the last one plugged in
}

func (d *drawing) add(n *node) *node {
	n.keys, n.ifaces = map[string]string{}, map[string]map[string]string{}
	n.routes, n.sysctls = map[string]string{}, map[string]string{}
	d.nodes = append(d.nodes, n)
	return n
}

// iface is what is said of an interface of the node.
func (n *node) iface(name string) map[string]string {
	if n.ifaces[name] == nil {
		n.ifaces[name] = map[string]string{}
	}
	return n.ifaces[name]
}

// hosts are those nodes that have an address in a segment and are nobody's holder, in the order of the file.
func (d *drawing) hosts() []*node {
	return slices.DeleteFunc(slices.Clone(d.nodes), func(n *node) bool { return n.kind != "" || n.seg == nil })
}

// ip is an address of a segment.
func (s *segment) ip(last int) string { return fmt.Sprintf("10.0.%d.%d", s.number, last) }

// ip6 is one of IPv6.
func (s *segment) ip6(last int) string { return fmt.Sprintf("2001:db8:%d::%x", s.number, last) }
