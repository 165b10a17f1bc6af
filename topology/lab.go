// Package topology holds the nouns that everybody speaks of: a [Lab] with its nodes, interfaces and names, and the
// frames that are forged in one. It touches nothing, asks no machine and knows no clock.
package topology

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"labctl/switchcore"
	"labctl/topology/problem"
	"labctl/topology/rules"
)

// Lab is what there is: nodes, links and names. Only package labfile makes one, and what it makes is valid: every name
// resolves, every interface is made in exactly one way, every derived name and MAC is present. A Lab is immutable and
// may be shared.
type Lab struct {
	Name         string     // the file's own name for the lab, [a-z][a-z0-9-]*, at most 32 bytes
	Needs        []string   // programs that commands of the lab run, by their bare names, as the file has them
	KernelTimers bool       // "timers: kernel": the neighbour timers are the kernel's, not ours
	Nodes        []*Node    // file order; a holder is before the nodes it holds
	Names        []NamedEnd // the "names" section, file order
	StepCommands []string   // what the file's steps run in nodes, whether they have yet or not

	byName  map[string]int       // places in Nodes, a hint for Target
	entries map[string]*NamedEnd // Names; nil: not made
	aliases map[End]End          // interfaces that belong to the virtual switch of their node: where they are
}

// NamedEnd is an entry of "names": an address, a MAC or both, that tables and actions may use as if it were a node.
type NamedEnd struct {
	Name string
	IP   netip.Addr     // zero when not given
	MAC  switchcore.MAC // zero when not given
}

// Kind says what a node is.
type Kind string

// The kinds of nodes of this format.
const (
	Host    Kind = "host"
	Router  Kind = "router"
	Bridge  Kind = "bridge"
	VSwitch Kind = "vswitch"
)

// Node is one network namespace.
type Node struct {
	Name       string // full dotted name, at most 63 bytes
	Kind       Kind
	Pos        problem.Pos
	IPv6       bool
	Interfaces []*Interface // in the order of making: a bridge before its ports, a lower before its upper
	Loopback   *Interface   // "lo", if the file gives it addresses, else nil; it is not among Interfaces
	Routes     []Route      // in the order in which they are added, which does not depend on that of the file
	IPRules    []IPRule     // by priority; of two with the same, IPv4's first
	Neighbours []Neighbour  // by address
	Sysctls    []Sysctl     // every net.* value that the plan pins for this node, in the order of writing
	Run        []Command
	Switch     *Switch      // kind vswitch, else nil
	Rules      []*rules.Set // file order, loaded or not

	byName map[string]int // places in Interfaces, a hint for Interface
}

// Switch is what a vswitch node carries out.
type Switch struct {
	Config switchcore.Config
	Ports  []SwitchPort // as Config.Ports, one by one
}

// SwitchPort says which interfaces belong to a port of a virtual switch.
type SwitchPort struct {
	Name   string
	At     End  // what the data path opens: in the switch's own namespace, or one that stays with the holder
	Far    End  // the adapter behind a leaf port: its MAC and promiscuity are the guest's; zero for an uplink
	Shared bool // the holder of At goes on using it
}

// Interface returns the node's interface of that name, or nil.
func (n *Node) Interface(name string) *Interface {
	if n.byName != nil && len(n.byName) == len(n.Interfaces) {
		if i, ok := n.byName[name]; !ok {
			return nil
		} else if n.Interfaces[i].Name == name {
			return n.Interfaces[i]
		}
	}
	for _, i := range n.Interfaces {
		if i.Name == name {
			return i
		}
	}
	return nil
}

// Base is the last component of the node's name: what the bridge of a bridge node is called.
func (n *Node) Base() string { return n.Name[strings.LastIndexByte(n.Name, '.')+1:] }

// Node returns the node of that full name, or nil. The index is only a hint: a Lab made by copying another one and
// exchanging its nodes still gets the right answer, merely slower.
func (l *Lab) Node(name string) *Node {
	if i, ok := l.byName[name]; ok && i < len(l.Nodes) && l.Nodes[i].Name == name {
		return l.Nodes[i]
	}
	for _, n := range l.Nodes {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// LinkType says how an interface is made.
type LinkType string

// The ways of making an interface.
const (
	Veth       LinkType = "veth" // an end of a link, or of a veth pair inside one node
	BridgeLink LinkType = "bridge"
	Macvlan    LinkType = "macvlan"
	Macvtap    LinkType = "macvtap"
	VLAN       LinkType = "vlan"
	Loopback   LinkType = "loopback" // "lo", which every namespace has
	IPVLAN     LinkType = "ipvlan"
	VXLANLink  LinkType = "vxlan"
)

// End names an interface of a node.
type End struct{ Node, Interface string }

func (e End) String() string { return e.Node + ":" + e.Interface }

// Interface is one interface of a node, with everything derived already: nothing in it is "default".
type Interface struct {
	Name    string // at most 15 bytes
	Type    LinkType
	Pos     problem.Pos
	MAC     switchcore.MAC // zero only for a bridge that follows the kernel's rule
	MTU     int
	Up      bool
	Promisc bool
	Addrs   []netip.Prefix // host bits kept, in the order in which they are added
	Joins   []netip.Addr   // multicast groups that the interface has joined (RFC 1112, RFC 2710), each once

	Peer   End           // Veth: the far end
	Master string        // the bridge, in the same node, that this interface is a port of
	Port   *PortSettings // non-nil exactly when Master is set
	Bridge *BridgeSettings
	Static []StaticEntry // of a bridge: forwarding entries that the file gives, by MAC; each once

	// Macvlan, Macvtap, VLAN, IPVLAN, VXLANLink; may be another node's interface. Zero for a VXLAN without a device
	Lower   End
	Mode    string           // Macvlan, Macvtap: bridge private vepa passthru source; IPVLAN: l2 l3 l3s
	Flags   string           // IPVLAN: bridge private vepa
	Sources []switchcore.MAC // mode source
	VLANID  int              // VLAN
	VXLAN   *VXLAN           // non-nil exactly for VXLANLink

	EffectiveMAC switchcore.MAC // what the guest's own root has set instead of MAC; zero: nothing
}

// BridgeSettings are a Linux bridge's own knobs (ip-link(8), type bridge).
type BridgeSettings struct {
	Ageing time.Duration `json:"ageing,omitzero"`
	STP    bool          `json:"stp,omitzero"`
	// of the spanning tree, as the two below; the root's is in force (IEEE 802.1D)
	ForwardDelay  time.Duration `json:"forward_delay,omitzero"`
	HelloTime     time.Duration `json:"hello_time,omitzero"`
	MaxAge        time.Duration `json:"max_age,omitzero"`
	VLANFiltering bool          `json:"vlan_filtering,omitzero"`
	McastSnooping bool          `json:"mcast_snooping,omitzero"`
	GroupFwdMask  uint16        `json:"group_fwd_mask,omitzero"` // never with bits 0-2: the kernel refuses them
	Priority      uint16        `json:"priority,omitzero"`
	Mcast         McastSettings `json:"mcast,omitzero"`
}

// StaticEntry is a static forwarding entry of a bridge: it does not age, and the bridge does not forget it when its
// port goes down. It is not sticky: a frame from that MAC that comes in on another port moves it there (br_fdb_update,
// net/bridge/br_fdb.c).
type StaticEntry struct {
	MAC  switchcore.MAC
	Port string
}

// PortSettings are a bridge port's knobs (bridge(8), link set).
type PortSettings struct {
	Learning      bool `json:"learning,omitzero"`
	Flood         bool `json:"flood,omitzero"`
	McastFlood    bool `json:"mcast_flood,omitzero"`
	BcastFlood    bool `json:"bcast_flood,omitzero"`
	Isolated      bool `json:"isolated,omitzero"`
	Hairpin       bool `json:"hairpin,omitzero"`
	Locked        bool `json:"locked,omitzero"`
	BPDUGuard     bool `json:"bpdu_guard,omitzero"`
	Cost          int  `json:"cost,omitzero"` // 0: the kernel's choice
	MAB           bool `json:"mab,omitzero"`
	NeighSuppress bool `json:"neigh_suppress,omitzero"`
	Priority      int  `json:"priority,omitzero"` // 0 to 63, the upper bits of the port's identifier (IEEE 802.1D)
	// 0: never, 1: while queries come in there, 2: always
	McastRouter  int       `json:"mcast_router,omitzero"`
	GroupFwdMask uint16    `json:"group_fwd_mask,omitzero"` // never with bit 1: the kernel refuses it
	VLAN         *PortVLAN `json:"vlan,omitzero"`
}

// PortVLAN is the VLAN membership of a bridge port; it needs a bridge with VLAN filtering.
type PortVLAN struct {
	PVID   int                    `json:"pvid,omitzero"` // 0: none
	Tagged []switchcore.VLANRange `json:"tagged,omitzero"`
}

// Neighbour is a permanent neighbour entry.
type Neighbour struct {
	IP  netip.Addr
	Dev string
	MAC switchcore.MAC
}

// Sysctl is a net.* value of one namespace. Key has slashes below /proc/sys ("net/ipv4/ip_forward"), since interface
// names may have dots. Given says that it is the lab's and not labctl's own: then nothing overrides it.
type Sysctl struct {
	Key, Value string
	Given      bool
}

// Command is one entry of "run".
type Command struct {
	Sh         string
	Background bool
	Ready      Ready // of a command in the background
	Pos        problem.Pos
}

// Same reports whether two commands do the same, wherever they are in the file.
func (c Command) Same(o Command) bool {
	return c.Sh == o.Sh && c.Background == o.Background && c.Ready == o.Ready
}

// Wears is the address an interface has in the end.
func (i *Interface) Wears() switchcore.MAC {
	if !i.EffectiveMAC.IsZero() {
		return i.EffectiveMAC
	}
	return i.MAC
}

// Touches reports whether the kernel changes another value when it writes this one (net/ipv4/devinet.c,
// inet_forward_change; net/ipv6/addrconf.c, addrconf_fixup_forwarding, addrconf_disable_ipv6, addrconf_fixup_linkdown
// and addrconf_sysctl_addr_gen_mode). The other one must be written behind this one, whatever it was before.
func (s Sysctl) Touches(other string) bool {
	if s.Key == ForwardKey && other == "net/ipv4/conf/all/accept_redirects" {
		return true
	}
	head, leaf := "net/ipv4/conf/", "forwarding"
	if s.Key != ForwardKey {
		if head = "net/ipv6/conf/"; !strings.HasPrefix(s.Key, head+"all/") {
			return false
		}
		leaf = s.Key[len(head+"all/"):]
		if !slices.Contains(Touching, leaf) {
			return false
		}
	}
	return strings.HasPrefix(other, head) && strings.HasSuffix(other, "/"+leaf) && other != s.Key
}

// ForwardKey is net.ipv4.ip_forward, as [Sysctl.Key] has it.
const ForwardKey = "net/ipv4/ip_forward"

// Touching are the values of net/ipv6/conf/all that set those of the interfaces; see Touches.
var Touching = []string{"forwarding", "disable_ipv6", "ignore_routes_with_linkdown", "addr_gen_mode"}
