package state

import (
	"net/netip"

	"labctl/switchcore"
	"labctl/topology"
)

// The tables that every node has, see [topology.MainTable].
const (
	DefaultTable = topology.DefaultTable
	MainTable    = topology.MainTable
	LocalTable   = topology.LocalTable
)

// Route is one route. Its order among others of the same table, destination and metric is the kernel's: the first one
// is taken.
type Route struct {
	Table    int          `json:"table"`
	Dst      netip.Prefix `json:"dst"`
	Type     string       `json:"type"`            // unicast local broadcast multicast anycast blackhole unreachable prohibit
	Scope    string       `json:"scope,omitzero"`  // IPv4: host link global
	Protocol string       `json:"protocol"`        // kernel boot redirect ra static
	Metric   int          `json:"metric,omitzero"` // lower is better
	Via      netip.Addr   `json:"via,omitzero"`
	Dev      string       `json:"dev,omitzero"`
	Src      netip.Addr   `json:"src,omitzero"` // the preferred source
	OnLink   bool         `json:"onlink,omitzero"`
	LinkDown bool         `json:"linkdown,omitzero"` // RTNH_F_LINKDOWN: its interface has no carrier
	// Learned says that it is an exception of another one, which a redirect or path MTU discovery has left
	// (RTM_F_CLONED).
	Learned bool `json:"learned,omitzero"`
	// Hops are two or more ways, among which the kernel chooses for each flow. Via, Dev, OnLink and LinkDown are zero
	// then.
	Hops []Hop `json:"hops,omitzero"`
	MTU  int   `json:"mtu,omitzero"` // that the route allows, as path MTU discovery has learned it
}

// Hop is one of several ways of a route.
type Hop struct {
	Via      netip.Addr `json:"via,omitzero"`
	Dev      string     `json:"dev"`
	Weight   int        `json:"weight"` // 1 to 256
	OnLink   bool       `json:"onlink,omitzero"`
	LinkDown bool       `json:"linkdown,omitzero"`
}

// Policy is a routing rule of one family, 4 or 6. Those of priority 0, 32766 and 32767 are the kernel's own.
type Policy struct {
	Family int `json:"family"`
	topology.IPRule
}

// Neighbour is an entry of a neighbour table. State is one of ip-neighbour(8)'s words in capitals.
type Neighbour struct {
	Dev   string         `json:"dev"`
	IP    netip.Addr     `json:"ip"`
	MAC   switchcore.MAC `json:"mac,omitzero"`
	State string         `json:"state"`
}
