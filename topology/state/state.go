// Package state holds everything that decides what becomes of a packet in a lab, as one value with a text form: nodes
// with their interfaces, addresses, routes, neighbours, sysctls, rules and listeners, bridges and virtual switches with
// their tables. A [State] comes from three places: [Of] says what a lab is right after "up", without any kernel; the
// supervisor reads one from a running lab; [Read] takes one from a text. It touches nothing and knows no clock.
package state

import (
	"net/netip"

	"labctl/topology"
	"labctl/topology/problem"
)

// Format is the number of the text form that this package writes and reads. Fields may be added under one number; it
// changes when one that was there means something else.
const Format = 1

// State is a lab at one moment. Nothing in it is the machine's but what [Machine] has. It is immutable once made and
// may be shared.
type State struct {
	Format  int     `json:"format"`
	Lab     string  `json:"lab"`              // the file's own name for the lab
	Machine Machine `json:"machine,omitzero"` // zero: no kernel was asked
	Nodes   []Node  `json:"nodes"`            // file order; a holder is before the nodes it holds
	Doing   Doing   `json:"doing,omitzero"`
}

// Machine is what a State says of the machine that it was read on.
type Machine struct {
	Kernel   string   `json:"kernel,omitzero"`   // the kernel's release, as uname(2) has it
	Labctl   string   `json:"labctl,omitzero"`   // the version
	Features []string `json:"features,omitzero"` // what the kernel has of what labs use, sorted
	Missing  []string `json:"missing,omitzero"`  // what it does not have, sorted
}

// Doing is what labctl itself is about in the lab.
type Doing struct {
	Steps      []string   `json:"steps,omitzero"`      // those that were walked, in their order
	Activities []Activity `json:"activities,omitzero"` // by name
}

// Activity is something that sends until it is stopped.
type Activity struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // arp_spoof send stream
	Node string `json:"node"`
	What string `json:"what"` // in words
}

// Node is one network namespace.
type Node struct {
	Name       string        `json:"name"` // full dotted name
	Kind       topology.Kind `json:"kind"`
	At         Pos           `json:"at,omitzero"` // in the lab file
	IPv6       bool          `json:"ipv6,omitzero"`
	Interfaces []Interface   `json:"interfaces"`          // by Rank, lo first
	Routes     []Route       `json:"routes,omitzero"`     // by table, destination and metric; see [Route]
	Policies   []Policy      `json:"policies"`            // the routing rules of ip-rule(8), by priority, IPv4 first
	Neighbours []Neighbour   `json:"neighbours,omitzero"` // by interface and address
	// Sysctls are those of [Sysctls] and all that the lab gives, by the path below /proc/sys.
	Sysctls map[string]string `json:"sysctls"`
	Rules   []RuleSet         `json:"rules,omitzero"` // what is loaded of the lab's rule sets, file order
	// Foreign are tables of nftables, as "FAMILY NAME", that no rule set of the file makes, sorted.
	Foreign   []string     `json:"foreign,omitzero"`
	Listeners []Listener   `json:"listeners,omitzero"` // sockets that listen, by protocol, port and address
	Conntrack []Connection `json:"conntrack,omitzero"`
	Switch    *Switch      `json:"switch,omitzero"`   // of kind vswitch
	Commands  []Command    `json:"commands,omitzero"` // that the file has run here, in their order
	// NotFromFile says of a state that was read what is not as the file says, sorted: "routes", "policies",
	// "neighbours", "rules", "listeners", "switch", "sysctls KEY", "interfaces NAME". A command of the file has done
	// it, or somebody by hand. See [State.Mark].
	NotFromFile []string `json:"not_from_file,omitzero"`
}

// Pos is a place in the lab file; the zero Pos is nowhere.
type Pos struct {
	Line int `json:"line"`
	Col  int `json:"col"`
}

// Command is something that the lab file has run in a node. Whatever it can have changed is not from the file: [Of]
// does not know it, and a reading shows it.
type Command struct {
	What       string `json:"what"` // as the file has it
	Background bool   `json:"background,omitzero"`
	At         Pos    `json:"at,omitzero"`
}

// Listener is a socket that takes what comes for a port.
type Listener struct {
	Protocol string     `json:"protocol"` // tcp udp tcp6 udp6
	Address  netip.Addr `json:"address"`  // the unspecified one for any
	Port     int        `json:"port"`
}

// Connection is an entry of a node's connection tracking: the addresses of the first packet, and those of an answer.
type Connection struct {
	Protocol int  `json:"protocol"` // as IPv4 numbers it: 1 ICMP, 6 TCP, 17 UDP
	Request  Flow `json:"request"`
	Reply    Flow `json:"reply"`
}

// Flow is one direction of a connection. Ports are 0 where the protocol has none.
type Flow struct {
	Src     netip.Addr `json:"src"`
	Dst     netip.Addr `json:"dst"`
	SrcPort int        `json:"src_port,omitzero"`
	DstPort int        `json:"dst_port,omitzero"`
}

// Node returns the node of that full name, or nil.
func (s *State) Node(name string) *Node {
	for i := range s.Nodes {
		if s.Nodes[i].Name == name {
			return &s.Nodes[i]
		}
	}
	return nil
}

// Interface returns the node's interface of that name, or nil.
func (n *Node) Interface(name string) *Interface {
	for i := range n.Interfaces {
		if n.Interfaces[i].Name == name {
			return &n.Interfaces[i]
		}
	}
	return nil
}

// Sysctl is the value of a key, with slashes as [topology.Sysctl] has it, or "".
func (n *Node) Sysctl(key string) string { return n.Sysctls[key] }

func posOf(p problem.Pos) Pos { return Pos{p.Line, p.Col} }
