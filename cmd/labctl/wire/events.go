package wire

import "time"

// Happened is one event of a running lab. Kinds are a closed list, see docs/events.md.
type Happened struct {
	Seq    uint64    `json:"seq"` // counts from 1; a gap means that events were lost
	Time   time.Time `json:"time"`
	Lab    string    `json:"lab"`
	Kind   string    `json:"kind"`
	Node   string    `json:"node,omitempty"`
	Object string    `json:"object,omitempty"` // a port, an interface, a key
	Old    string    `json:"old,omitempty"`
	New    string    `json:"new,omitempty"`
	Cause  string    `json:"cause,omitempty"`
}

// Change is one line of "watch". Kind is arp or ndp (of a neighbour table, IPv4 and IPv6), fdb (of a Linux bridge),
// link, lost (changes came faster than they were read), or that of an event, whose fields Object, Old, New and Cause
// are as in [Happened].
type Change struct {
	Time   time.Time `json:"time"`
	Node   string    `json:"node,omitempty"`
	Kind   string    `json:"kind"`
	Object string    `json:"object,omitempty"` // the address, of arp, ndp and fdb; the interface, of link
	Key    string    `json:"key,omitempty"`    // link: what changed, state port master mac name promiscuous
	Old    string    `json:"old,omitempty"`
	New    string    `json:"new,omitempty"`
	Gone   bool      `json:"gone,omitempty"`
	MAC    string    `json:"mac,omitempty"`
	Holder string    `json:"holder,omitempty"` // the node that has the MAC, "" if none or it is not known
	State  string    `json:"state,omitempty"`  // arp, ndp: a word of ip-neighbour(8); fdb: static, or nothing
	Dev    string    `json:"dev,omitempty"`
	Bridge string    `json:"bridge,omitempty"`
	VLAN   int       `json:"vlan,omitempty"`
	Cause  string    `json:"cause,omitempty"`
}
