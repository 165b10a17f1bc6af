package state

import (
	"net/netip"
	"time"

	"labctl/switchcore"
	"labctl/topology"
)

// Loopback is the kind of lo. The other kinds are those of [topology.LinkType].
const Loopback = topology.Loopback

// End names an interface of a node.
type End struct {
	Node      string `json:"node"`
	Interface string `json:"interface"`
}

// Interface is one interface of a node as the kernel has it.
type Interface struct {
	Name string            `json:"name"`
	Rank int               `json:"rank"` // 1 for lo, and then by ifindex: the order in which they were made
	Kind topology.LinkType `json:"kind"`
	At   Pos               `json:"at,omitzero"`
	// Own says that it is not the file's: the way of a virtual switch into an interface that it shares with the node
	// (see [topology.Inlet]).
	Own         bool           `json:"own,omitzero"`
	MAC         switchcore.MAC `json:"mac,omitzero"`
	Chosen      bool           `json:"chosen,omitzero"` // a bridge whose MAC follows the kernel's rule
	MTU         int            `json:"mtu"`
	Up          bool           `json:"up,omitzero"`          // administratively
	Carrier     bool           `json:"carrier,omitzero"`     // IFF_LOWER_UP
	Promisc     bool           `json:"promisc,omitzero"`     // IFF_PROMISC, set by somebody: "ip link set promisc on"
	Promiscuity int            `json:"promiscuity,omitzero"` // how many want it, IFLA_PROMISCUITY

	Peer    End              `json:"peer,omitzero"`    // veth
	Lower   End              `json:"lower,omitzero"`   // macvlan, macvtap, vlan, ipvlan, vxlan
	Mode    string           `json:"mode,omitzero"`    // macvlan, macvtap: bridge private vepa passthru source; ipvlan: l2 l3 l3s
	Flags   string           `json:"flags,omitzero"`   // ipvlan: bridge private vepa
	Sources []switchcore.MAC `json:"sources,omitzero"` // mode source, sorted
	VLANID  int              `json:"vlan_id,omitzero"`
	Tunnel  *Tunnel          `json:"tunnel,omitzero"` // vxlan

	Addresses []Address        `json:"addresses,omitzero"` // in the kernel's order: the first of a network is the primary
	Groups    []netip.Addr     `json:"groups,omitzero"`    // multicast groups that the kernel is a member of, sorted
	Unicast   []switchcore.MAC `json:"unicast,omitzero"`   // further addresses that its filter takes, sorted

	Master string  `json:"master,omitzero"` // the bridge that it is a port of
	Port   *Port   `json:"port,omitzero"`   // non-nil exactly when Master is set
	Bridge *Bridge `json:"bridge,omitzero"` // of kind bridge
}

// Address is an address of an interface.
type Address struct {
	Prefix    netip.Prefix `json:"prefix"`             // host bits kept
	Secondary bool         `json:"secondary,omitzero"` // IFA_F_SECONDARY: IPv4, not the first one of its network
	Tentative bool         `json:"tentative,omitzero"` // IPv6, not usable yet
}

// Port is a bridge port. Its Cost is the one in force.
type Port struct {
	topology.PortSettings
	Number int    `json:"number"` // IEEE 802.1D, from 1, in the order in which they came
	State  string `json:"state"`  // disabled listening learning forwarding blocking
	// of a spanning tree: root designated alternate disabled; "": the bridge takes no part in one
	Role       string      `json:"role,omitzero"`
	Designated *Designated `json:"designated,omitzero"` // nil without a tree, and of a disabled port
}

// Designated is what holds on the segment of a port: the best message of a spanning tree that was heard or sent there
// (IEEE 802.1D-2004, 17.6).
type Designated struct {
	Root   string `json:"root"`
	Cost   int    `json:"cost"`
	Bridge string `json:"bridge"`
	Port   string `json:"port"` // priority and number, as four hexadecimal digits: 8001
}

// Bridge is a Linux bridge.
type Bridge struct {
	topology.BridgeSettings
	ID       string   `json:"id"`                 // priority and address: 8000.02:00:00:00:00:01
	Root     string   `json:"root"`               // the ID of the root as the bridge knows it; its own without a tree
	RootCost int      `json:"root_cost,omitzero"` // the path's to the root
	RootPort string   `json:"root_port,omitzero"` // "": it is the root
	Ports    []string `json:"ports,omitzero"`     // as the kernel goes through them when it floods: the newest first
	FDB      []FDB    `json:"fdb,omitzero"`       // by MAC and VLAN, without its own addresses
	MDB      []MDB    `json:"mdb,omitzero"`       // by VLAN, group and port
	// of the bridge device as a port, where the bridge filters VLANs
	VLAN *topology.PortVLAN `json:"vlan,omitzero"`
	// TopologyChange says that the tree has just changed: what is learned ages by the forward delay instead of Ageing
	// (IEEE 802.1D-2004, 17.11; __br_set_topology_change, net/bridge/br_stp.c).
	TopologyChange bool `json:"topology_change,omitzero"`
	// Querier says that snooping has heard a querier of another bridge or a router within its interval, so that groups
	// that nobody is known to be a member of are not flooded.
	Querier bool     `json:"querier,omitzero"`
	Routers []string `json:"routers,omitzero"` // ports behind which a multicast router is, sorted
}

// FDB is a forwarding entry of a bridge.
type FDB struct {
	MAC    switchcore.MAC `json:"mac"`
	VLAN   int            `json:"vlan,omitzero"` // 0: in none
	Port   string         `json:"port"`
	Static bool           `json:"static,omitzero"` // it does not age
	Age    time.Duration  `json:"age,omitzero"`    // since a frame from there was seen, in nanoseconds
}

// MDB is a member port of a multicast group of a bridge.
type MDB struct {
	Group string `json:"group"` // an address, or a MAC
	VLAN  int    `json:"vlan,omitzero"`
	Port  string `json:"port"`
	// Static says that it does not age.
	Static bool `json:"static,omitzero"`
}

// Switch is a virtual switch.
type Switch struct {
	Config switchcore.Config `json:"config"`
	Ports  []SwitchPort      `json:"ports,omitzero"` // as Config.Ports, one by one
	// Table are the addresses that it has learned, by MAC and VLAN.
	Table []Learned `json:"table,omitzero"`
}

// SwitchPort says what belongs to a port of a virtual switch, and what it knows of the adapter behind it.
type SwitchPort struct {
	Name      string `json:"name"`
	At        End    `json:"at"`           // what the data path opens
	Far       End    `json:"far,omitzero"` // the adapter behind a leaf port; zero for an uplink
	Shared    bool   `json:"shared,omitzero"`
	Connected bool   `json:"connected,omitzero"` // an uplink always is
	Link      bool   `json:"link,omitzero"`      // it has carrier
	State     string `json:"state"`              // forwarding blocked down; see [switchcore.PortStatus]
	// Initial is the address that the adapter counts as having been given: the administrator's, or the first one seen.
	Initial switchcore.MAC `json:"initial,omitzero"`
	// Filter is what the guest's driver has programmed into its adapter, of a leaf port.
	Filter switchcore.Filter `json:"filter,omitzero"`
	// Uplinks is by which uplink frames of a leaf port leave now; several, with commas, if a hash chooses.
	Uplinks string `json:"uplinks,omitzero"`
}

// Learned is an entry in the table of a virtual switch.
type Learned struct {
	MAC  switchcore.MAC `json:"mac"`
	VLAN int            `json:"vlan,omitzero"`
	Port string         `json:"port"`
	Age  time.Duration  `json:"age,omitzero"` // since a frame from there was seen, in nanoseconds
}
