package wire

import "time"

// NodesParams restricts a reading to some nodes; none means all.
type NodesParams struct {
	Nodes []string `json:"nodes,omitempty"`
}

// Neighbour is one line of "neigh".
type Neighbour struct {
	Node   string `json:"node"`
	Addr   string `json:"addr"`
	MAC    string `json:"mac"`
	Holder string `json:"holder"` // the node that owns the MAC, "" if none does
	State  string `json:"state"`
	Dev    string `json:"dev"`
}

// FDBEntry is one line of "fdb".
type FDBEntry struct {
	Switch string `json:"switch"`
	MAC    string `json:"mac"`
	Holder string `json:"holder"`
	Port   string `json:"port"`           // of a VXLAN: the address of the remote
	VLAN   int    `json:"vlan,omitempty"` // of a switch that keeps VLANs apart
	How    string `json:"how,omitempty"`  // static; of a virtual switch also: learned, and when
}

// Route is one line of "routes".
type Route struct {
	Node     string    `json:"node"`
	Dst      string    `json:"dst"`
	Via      string    `json:"via,omitempty"`
	Dev      string    `json:"dev,omitempty"`
	Src      string    `json:"src,omitempty"`
	Type     string    `json:"type"`
	Protocol string    `json:"protocol"`
	Metric   int       `json:"metric,omitempty"`
	Table    string    `json:"table"`              // a number, or main, default or local
	NextHops []NextHop `json:"nexthops,omitempty"` // of a route that has several, else Via and Dev
}

// NextHop is one of several ways of a route. One that is dead is not used: its interface is down.
type NextHop struct {
	Via    string `json:"via,omitempty"`
	Dev    string `json:"dev"`
	Weight int    `json:"weight"`
	Dead   bool   `json:"dead,omitempty"`
}

// IPRule is one line of "routes --rules".
type IPRule struct {
	Node     string `json:"node"`
	Family   string `json:"family"` // ipv4 or ipv6
	Priority uint32 `json:"priority"`
	Rule     string `json:"rule"` // in the words of ip-rule(8)
}

// Rule is one line of "rules": a rule, or a chain's policy that refuses. Rule is "" when it has no name. Packets and
// Bytes count since a set of the same program on the node was loaded or unloaded last; they are nil when the rule's set
// is not loaded or the rule counts nothing.
type Rule struct {
	Node    string  `json:"node"`
	Set     string  `json:"set"`
	Loaded  bool    `json:"loaded"`
	Rule    string  `json:"rule"`
	Packets *uint64 `json:"packets,omitempty"`
	Bytes   *uint64 `json:"bytes,omitempty"`
	Text    string  `json:"text"`
}

// FollowParams asks for what is remembered, and with Follow for what comes until the caller goes away.
type FollowParams struct {
	Nodes  []string `json:"nodes,omitempty"`
	Follow bool     `json:"follow"`
}

// Logged is a packet that a rule with the target NFLOG, or nft's "log group", has met.
type Logged struct {
	Seq    uint64    `json:"seq"`  // counts from 1; a gap means that some were lost
	Time   time.Time `json:"time"` // when labctl learned of it
	Node   string    `json:"node"`
	Rule   string    `json:"rule"`          // the rule's prefix, which is SET/RULE unless the file says otherwise
	In     string    `json:"in,omitempty"`  // of a bridged frame the port
	Out    string    `json:"out,omitempty"` // of a bridged frame the port
	What   string    `json:"what"`
	Length int       `json:"length"` // of the packet, or of what the rule copied of it
}
