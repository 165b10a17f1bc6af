package plan

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/problem"
	"labctl/topology/rules"
)

// Op is one kernel change. The set of operations is closed: whoever executes a plan switches over the types of this
// file, of routes.go, of iprules.go, of staticdiff.go and of vxlan.go.
type Op interface {
	// shell is one command or several, each on a line, with the text that they read; without the last newline. ns maps
	// a node to its namespace's name.
	shell(ns func(node string) string) string
}

type (
	// AddNamespace makes a node's namespace.
	AddNamespace struct{ Node string }
	// DelNamespace removes it with all that is in it.
	DelNamespace struct{ Node string }

	// SetSysctl writes one value. Consecutive ones of a node print as one line.
	SetSysctl struct {
		Node string
		topology.Sysctl
	}

	// AddBridge makes a Linux bridge, down.
	AddBridge struct {
		Node, Name string
		MAC        switchcore.MAC // zero: the kernel's rule
		MTU        int
		Settings   topology.BridgeSettings
	}

	// AddVeth makes both ends of a veth pair where they belong, under their final names. Near is put under its master
	// and up if it says so; Far cannot be yet: the kernel opens it before it has a peer (drivers/net/veth.c, ENOTCONN).
	AddVeth struct{ Near, Far VethEnd }

	// AddUpper makes a macvlan, macvtap, ipvlan or VLAN interface in Node on Lower, which may be in another node.
	AddUpper struct {
		Node, Name string
		Type       topology.LinkType
		Lower      topology.End
		Mode       string
		Flags      string // of an ipvlan
		Sources    []switchcore.MAC
		VLANID     int
		MAC        switchcore.MAC
		MTU        int
	}

	// DelLink removes an interface, and with it a veth's other end and what is stacked on it. One that is gone is no
	// error.
	DelLink struct{ Node, Name string }

	// SetMaster puts an interface under a bridge of the same node.
	SetMaster struct{ Node, Name, Master string }

	// SetUp sets the administrative state.
	SetUp struct {
		Node, Name string
		Up         bool
	}

	// SetMAC changes the address.
	SetMAC struct {
		Node, Name string
		MAC        switchcore.MAC
	}

	// SetMTU changes the MTU, in bytes.
	SetMTU struct {
		Node, Name string
		MTU        int
	}

	// SetPromisc switches "ip link set promisc".
	SetPromisc struct {
		Node, Name string
		On         bool
	}

	// SetBridge changes what differs between two states of a bridge.
	SetBridge struct {
		Node, Name string
		From, To   topology.BridgeSettings
	}

	// SetPort changes what differs between two states of a bridge port.
	SetPort struct {
		Node, Name string
		From, To   topology.PortSettings
	}

	// AddStatic adds a static forwarding entry to Bridge, or makes the one that it has for the MAC static and moves it
	// to the port.
	AddStatic struct {
		Node, Bridge string
		topology.StaticEntry
	}

	// DelStatic removes it, on whichever port of the bridge it is by now. One that is gone is no error.
	DelStatic struct {
		Node, Bridge string
		topology.StaticEntry
	}

	// AddAddr adds an address, or leaves it as it is, without duplicate address detection.
	AddAddr struct {
		Node, Name string
		Addr       netip.Prefix
	}

	// DelAddr removes an address. One that is gone is no error: the kernel takes secondary ones away with the first.
	DelAddr struct {
		Node, Name string
		Addr       netip.Prefix
	}

	// AddRoute adds a route.
	AddRoute struct {
		Node string
		topology.Route
	}

	// DelRoute removes a route. One that is gone is no error: the kernel takes it away with its interface or address.
	DelRoute struct {
		Node string
		topology.Route
	}

	// AddNeighbour adds a permanent neighbour entry.
	AddNeighbour struct {
		Node string
		topology.Neighbour
	}

	// DelNeighbour removes it. One that is gone is no error.
	DelNeighbour struct {
		Node string
		topology.Neighbour
	}

	// SetRules replaces all rules of a node that labctl has loaded by others, all at once or not at all. Tables and NFT
	// say what the kernel's tools are to read. Rules that others made are not touched, unless they are in a table of
	// iptables that one of the sets uses: such a table is the lab's as a whole.
	SetRules struct {
		Node     string
		From, To []*rules.Set // the loaded sets, file order
		// bridge-nf-* as they must be while To is loaded, where they change and the lab does not give them; not
		// optional
		Sysctls []topology.Sysctl
	}

	// RunCommand runs a node's own command, which must exit 0, or starts one in the background.
	RunCommand struct {
		Node string
		topology.Command
	}

	// AwaitReady waits until what a RunCommand before it has started in the background is ready, at most Ready.Timeout
	// from its start.
	AwaitReady struct {
		Node string
		topology.Command
	}
)

// VethEnd is one end of a veth pair to be made.
type VethEnd struct {
	Node, Name string
	MAC        switchcore.MAC
	MTU        int
	Master     string // Near only
	Up         bool   // Near only
}

func (o AddNamespace) shell(ns func(string) string) string { return "ip netns add " + ns(o.Node) }

func (o DelNamespace) shell(ns func(string) string) string { return "ip netns delete " + ns(o.Node) }

func (o SetSysctl) shell(ns func(string) string) string {
	return fmt.Sprintf("ip netns exec %s sysctl -qw %s", ns(o.Node), problem.ShellWord(o.Key+"="+o.Value))
}

func (o AddBridge) shell(ns func(string) string) string {
	s := "ip -n " + ns(o.Node) + " link add name " + o.Name
	if !o.MAC.IsZero() {
		s += " address " + o.MAC.String()
	}
	usual := topology.DefaultBridgeSettings()
	s += fmt.Sprintf(" mtu %d type bridge", o.MTU) + bridgeArgs(usual, o.Settings)
	asks := usual
	asks.Mcast.Querier = o.Settings.Mcast.Querier
	return strings.Join(append([]string{s}, setBridge(ns(o.Node), o.Name, usual, asks)...), "\n")
}

func (o SetBridge) shell(ns func(string) string) string {
	return strings.Join(setBridge(ns(o.Node), o.Name, o.From, o.To), "\n")
}

func (o AddVeth) shell(ns func(string) string) string {
	s := "ip -n " + ns(o.Near.Node) + " link add name " + o.Near.Name
	if o.Near.Master != "" {
		s += " master " + o.Near.Master
	}
	if o.Near.Up {
		s += " up"
	}
	s += fmt.Sprintf(" address %s mtu %d type veth peer name %s", o.Near.MAC, o.Near.MTU, o.Far.Name)
	if o.Far.Node != o.Near.Node {
		s += " netns " + ns(o.Far.Node)
	}
	return s + fmt.Sprintf(" address %s mtu %d", o.Far.MAC, o.Far.MTU)
}

func (o AddUpper) shell(ns func(string) string) string {
	s := fmt.Sprintf("ip -n %s link add link %s name %s", ns(o.Lower.Node), o.Lower.Interface, o.Name)
	if o.Node != o.Lower.Node {
		s += " netns " + ns(o.Node)
	}
	if o.Type == topology.IPVLAN { // its address is always that of what it sits on
		return s + fmt.Sprintf(" mtu %d type ipvlan mode %s %s", o.MTU, o.Mode, o.Flags)
	}
	s += fmt.Sprintf(" address %s mtu %d type %s", o.MAC, o.MTU, o.Type)
	if o.Type == topology.VLAN {
		return s + fmt.Sprintf(" id %d", o.VLANID)
	}
	s += " mode " + o.Mode
	for i, m := range o.Sources {
		if i == 0 {
			s += " macaddr set"
		}
		s += " " + m.String()
	}
	return s
}

func (o DelLink) shell(ns func(string) string) string {
	return tolerant("ip -n " + ns(o.Node) + " link delete dev " + o.Name)
}

// tolerant is a command whose failure means that there was nothing to do.
func tolerant(s string) string { return s + " 2>/dev/null || true" }

func linkSet(ns, name, what string) string {
	return "ip -n " + ns + " link set dev " + name + " " + what
}

func (o SetMaster) shell(ns func(string) string) string {
	return linkSet(ns(o.Node), o.Name, "master "+o.Master)
}

func (o SetUp) shell(ns func(string) string) string {
	if o.Up {
		return linkSet(ns(o.Node), o.Name, "up")
	}
	return linkSet(ns(o.Node), o.Name, "down")
}

func (o SetMAC) shell(ns func(string) string) string {
	return linkSet(ns(o.Node), o.Name, "address "+o.MAC.String())
}

func (o SetMTU) shell(ns func(string) string) string {
	return linkSet(ns(o.Node), o.Name, "mtu "+strconv.Itoa(o.MTU))
}

func (o SetPromisc) shell(ns func(string) string) string {
	return linkSet(ns(o.Node), o.Name, "promisc "+onOff(o.On))
}

func (o AddAddr) shell(ns func(string) string) string {
	s := fmt.Sprintf("ip -n %s addr replace %s dev %s", ns(o.Node), o.Addr, o.Name)
	if o.Addr.Addr().Is6() {
		s += " nodad"
	}
	return s
}

func (o DelAddr) shell(ns func(string) string) string {
	return tolerant(fmt.Sprintf("ip -n %s addr del %s dev %s", ns(o.Node), o.Addr, o.Name))
}

func (o AddNeighbour) shell(ns func(string) string) string {
	return fmt.Sprintf("ip -n %s neigh replace %s lladdr %s dev %s nud permanent", ns(o.Node), o.IP, o.MAC, o.Dev)
}

func (o DelNeighbour) shell(ns func(string) string) string {
	return tolerant(fmt.Sprintf("ip -n %s neigh del %s dev %s", ns(o.Node), o.IP, o.Dev))
}

func (o RunCommand) shell(ns func(string) string) string {
	// a shell that reads the plan must not lose what follows
	s := "ip netns exec " + ns(o.Node) + " sh -c " + problem.ShellWord(o.Sh) + " </dev/null"
	if o.Background {
		s += " >/dev/null 2>&1 &"
	}
	return s
}

func (o AwaitReady) shell(ns func(string) string) string {
	return fmt.Sprintf("timeout %g sh -c %s </dev/null", o.Ready.Timeout.Seconds(),
		problem.ShellWord(readyScript(o.Ready, "ip netns exec "+ns(o.Node)+" ")))
}
