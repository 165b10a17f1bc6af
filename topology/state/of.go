package state

import (
	"net/netip"
	"slices"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/plan"
)

// Of is a lab right after "up", before any traffic: the kernel has acted on every carrier, and spanning trees have
// settled. What the commands of nodes do is not in it; they are listed, see [Command].
func Of(lab *topology.Lab) *State {
	m := &maker{lab: lab, tunnelPeers: lab.TunnelPeers(), order: orderOf(plan.New(lab, lab.Name))}
	s := &State{Format: Format, Lab: lab.Name, Nodes: []Node{}}
	for _, n := range lab.Nodes {
		s.Nodes = append(s.Nodes, m.node(n))
	}
	m.state = s
	m.passthru()
	m.inlets()
	m.carriers()
	m.trees()
	m.filters()
	for k := range s.Nodes {
		n := &s.Nodes[k]
		n.Sysctls = sysctlsOf(n, lab.Nodes[k])
		linkLocals(n)
		for j := range n.Interfaces {
			n.Interfaces[j].Groups = groups(n, &n.Interfaces[j])
		}
		n.Routes = routesOf(n, lab.Nodes[k])
	}
	m.tunnels()
	m.joins()
	m.switches()
	for k := range s.Nodes {
		s.Nodes[k].Sort()
	}
	return s
}

func (m *maker) node(n *topology.Node) Node {
	names := m.order.links[n.Name]
	out := Node{Name: n.Name, Kind: n.Kind, At: posOf(n.Pos), IPv6: n.IPv6, Policies: policiesOf(n)}
	lo := Interface{Name: "lo", Rank: 1, Kind: Loopback, MTU: 65536, Up: true, Carrier: true,
		Addresses: []Address{{Prefix: netip.MustParsePrefix("127.0.0.1/8")}}}
	if n.IPv6 {
		lo.Addresses = append(lo.Addresses, Address{Prefix: netip.MustParsePrefix("::1/128")})
	}
	if n.Loopback != nil {
		lo.Addresses = addressesOf(&topology.Interface{Addrs: append(prefixesOf(lo.Addresses), n.Loopback.Addrs...)})
		lo.At = posOf(n.Loopback.Pos)
	}
	out.Interfaces = append(out.Interfaces, lo)
	for k, name := range names {
		i := m.interfaceOf(n, n.Interface(name))
		i.Rank = k + 2
		out.Interfaces = append(out.Interfaces, i)
	}
	for _, e := range n.Neighbours {
		out.Neighbours = append(out.Neighbours, Neighbour{Dev: e.Dev, IP: e.IP, MAC: e.MAC, State: "PERMANENT"})
	}
	for _, set := range n.Loaded() {
		out.Rules = append(out.Rules, SetOf(set))
	}
	for _, c := range n.Run {
		out.Commands = append(out.Commands, CommandOf(c))
	}
	return out
}

func (m *maker) interfaceOf(n *topology.Node, i *topology.Interface) Interface {
	out := Interface{Name: i.Name, Kind: i.Type, At: posOf(i.Pos), MAC: i.Wears(), MTU: i.MTU, Up: i.Up,
		Promisc: i.Promisc, Peer: End(i.Peer), Lower: End(LowerOf(m.lab, i)), Mode: i.Mode, Flags: i.Flags,
		Sources: slices.Clone(i.Sources), VLANID: i.VLANID, Master: i.Master}
	out.Addresses = addressesOf(i)
	if i.VXLAN != nil {
		out.Tunnel = tunnelOf(i.VXLAN)
	}
	if i.Port != nil {
		out.Port = &Port{PortSettings: *i.Port}
	}
	if i.Bridge != nil {
		out.Bridge = m.bridgeOf(n, i)
		if i.Wears().IsZero() {
			out.MAC, out.Chosen = lowestOfPorts(n, i.Name), true
		}
	}
	return out
}

// passthru gives a macvlan that has its lower to itself, and that lower, one address: that of the lower, or what the
// macvlan's own root has set (macvlan_common_newlink and macvlan_set_mac_address, drivers/net/macvlan.c).
func (m *maker) passthru() {
	for k, n := range m.lab.Nodes {
		for _, i := range n.Interfaces {
			upper := m.state.Nodes[k].Interface(i.Name)
			lower := m.at(upper.Lower)
			switch {
			case i.Mode != "passthru" || lower == nil:
			case !i.EffectiveMAC.IsZero():
				lower.MAC = i.EffectiveMAC
			default:
				upper.MAC = lower.MAC
			}
		}
	}
}

// LowerOf is what an interface of a lab is stacked on in the kernel: a macvlan on a macvlan is one on what that one is
// on (macvlan_common_newlink, drivers/net/macvlan.c). The zero value if it is not stacked.
func LowerOf(lab *topology.Lab, i *topology.Interface) topology.End {
	e := i.Lower
	for i.Type == topology.Macvlan || i.Type == topology.Macvtap {
		n := lab.Node(e.Node)
		if n == nil || n.Interface(e.Interface) == nil {
			break
		}
		below := n.Interface(e.Interface)
		if below.Type != topology.Macvlan {
			break
		}
		e = below.Lower
	}
	return e
}

// addressesOf are the addresses of an interface in the kernel's order: of IPv4 the primary ones first
// (__inet_insert_ifa, net/ipv4/devinet.c), and behind them those of IPv6, the newest first (ipv6_link_dev_addr,
// net/ipv6/addrconf.c).
func addressesOf(i *topology.Interface) []Address {
	var first, second, six []Address
	for _, a := range i.Addrs {
		switch {
		case a.Addr().Is6():
			six = append([]Address{{Prefix: a}}, six...)
		case secondary(first, a):
			second = append(second, Address{Prefix: a, Secondary: true})
		default:
			first = append(first, Address{Prefix: a})
		}
	}
	return slices.Concat(first, second, six)
}

// prefixesOf are addresses without what is known of them.
func prefixesOf(list []Address) (out []netip.Prefix) {
	for _, a := range list {
		out = append(out, a.Prefix)
	}
	return out
}

// secondary reports whether an IPv4 address is in the network of one that the interface has already
// (__inet_insert_ifa, net/ipv4/devinet.c).
func secondary(have []Address, a netip.Prefix) bool {
	return slices.ContainsFunc(have, func(h Address) bool {
		return h.Prefix.Masked() == a.Masked()
	})
}

func (m *maker) bridgeOf(n *topology.Node, i *topology.Interface) *Bridge {
	b := &Bridge{BridgeSettings: *i.Bridge,
		Ports: slices.Clone(m.order.ports[topology.End{Node: n.Name, Interface: i.Name}])}
	slices.Reverse(b.Ports) // br_add_if puts a port at the head of the list
	for _, e := range i.Static {
		b.FDB = append(b.FDB, FDB{MAC: e.MAC, Port: e.Port, Static: true})
	}
	return b
}

// lowestOfPorts is the address of a bridge that has been given none: the lowest of its ports
// (br_stp_recalculate_bridge_id, net/bridge/br_stp_if.c); zero without a port, where the kernel draws one by chance.
func lowestOfPorts(n *topology.Node, bridge string) (lowest switchcore.MAC) {
	for _, i := range n.Interfaces {
		if i.Master == bridge && (lowest.IsZero() || compareMACs(i.Wears(), lowest) < 0) {
			lowest = i.Wears()
		}
	}
	return lowest
}

// policiesOf are the routing rules of a node: those that every node has (fib_default_rules_init,
// net/ipv4/fib_rules.c; fib6_rules_net_init, net/ipv6/fib6_rules.c), and the file's.
func policiesOf(n *topology.Node) []Policy {
	own := func(family int, priority uint32, table uint32) Policy {
		return Policy{family, topology.IPRule{Priority: priority, V6: family == 6, Action: "table", Table: table,
			Suppress: -1}}
	}
	out := []Policy{own(4, 0, LocalTable), own(4, 32766, 0), own(4, 32767, DefaultTable)}
	if n.IPv6 {
		out = append(out, own(6, 0, LocalTable), own(6, 32766, 0))
	}
	for _, r := range n.IPRules {
		family := 4
		if r.V6 {
			family = 6
		}
		if r.Table == MainTable {
			r.Table = 0
		}
		r.From, r.To = r.From.Masked(), r.To.Masked()
		out = append(out, Policy{family, r})
	}
	return out
}
