package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/rules"
	"labctl/topology/state"
)

// framesAtMost is how many frames one question may cause in a lab of so many interfaces: more is a storm. A broadcast
// makes one for each interface, and a question makes a few dozen broadcasts at most.
func framesAtMost(devices int) int { return 20000 + 400*devices }

// New makes a lab that is at rest as a state has it. The bridges and switches in it have said what they say when they
// come up.
func New(s *state.State) (*World, error) {
	w := &World{byName: map[string]*node{}, others: func() {}, mute: map[Mute]bool{}, trusts: true}
	devices := 0
	for i := range s.Nodes {
		n := w.addNode(&s.Nodes[i])
		w.nodes, w.byName[n.name] = append(w.nodes, n), n
		devices += len(n.devices)
	}
	w.limit = framesAtMost(devices)
	w.connect(s)
	for i := range s.Nodes {
		w.nodes[i].lay(&s.Nodes[i])
		layPolicies(w.nodes[i], &s.Nodes[i])
	}
	for i := range s.Nodes {
		if s.Nodes[i].Switch != nil {
			if err := w.addSwitch(w.nodes[i], s.Nodes[i].Switch); err != nil {
				return nil, err
			}
		}
	}
	w.comeUp()
	w.drops = nil
	return w, nil
}

// addNode makes a node with its interfaces, which are not joined yet.
func (w *World) addNode(s *state.Node) *node {
	n := &node{w: w, name: s.Name, kind: s.Kind, byName: map[string]*device{}, neighs: map[hop]*neighbour{},
		turned: map[exceptionKey]uint32{}, known: map[connection]*connectionState{}, was: s}
	for k := range s.Interfaces {
		d := &device{node: n}
		d.set(&s.Interfaces[k])
		n.devices, n.byName[d.name] = append(n.devices, d), d
	}
	n.configure(s)
	return n
}

// set gives an interface what its state says of it alone.
func (d *device) set(i *state.Interface) {
	d.name, d.rank, d.kind, d.mac, d.mtu, d.up, d.carrier = i.Name, i.Rank, i.Kind, i.MAC, i.MTU, i.Up, i.Carrier
	d.asked, d.mode, d.sources = i.Promiscuity, i.Mode, i.Sources
	d.addrs = nil
	for _, a := range i.Addresses {
		if a.Prefix.Addr().Is4() {
			d.addrs = append(d.addrs, address{number(a.Prefix.Addr()), a.Prefix.Bits(), a.Secondary})
		}
	}
	d.port = nil
	if i.Port != nil {
		d.port = &port{i.Port.PortSettings, i.Port.State, i.Port.GroupFwdMask}
	}
}

// configure gives a node its sysctls and what is foreign in it.
func (n *node) configure(s *state.Node) {
	n.forwards = s.Sysctl(topology.ForwardKey) == "1"
	n.noEcho = s.Sysctl("net/ipv4/icmp_echo_ignore_all") == "1"
	n.inbound = s.Sysctl("net/ipv4/icmp_errors_use_inbound_ifaddr") == "1"
	n.pathMTU = s.Sysctl("net/ipv4/ip_forward_use_pmtu") != "0"
	n.noPMTU = s.Sysctl("net/ipv4/ip_no_pmtu_disc") != "0"
	n.bridged = s.Sysctl(rules.BridgeCall("iptables")) != "0"
	ttl, _ := strconv.Atoi(cmp.Or(s.Sysctl("net/ipv4/ip_default_ttl"), "64"))
	n.ttl = byte(ttl)
	values := map[string]int{}
	for key, value := range s.Sysctls {
		values[key], _ = strconv.Atoi(value)
	}
	n.local = nil
	for _, d := range n.devices {
		d.configure(values)
		for _, a := range d.addrs {
			n.local = append(n.local, a.ip)
		}
	}
	n.foreign = Doubt{}
	if len(s.Commands) > 0 {
		n.foreign = Doubt{Run, "commands have run in " + n.name}
	}
	n.odd = oddRouting(s)
	n.filter = nil
	if len(s.Rules) > 0 || len(s.Foreign) > 0 {
		n.filter = newFilter(n, s)
	}
}

// oddRouting says what of a node's routing is not modelled: selectors of rules beside addresses and interfaces, several
// next hops, an MTU of a route, and types of routes that send a packet on to another table.
func oddRouting(s *state.Node) string {
	for i := range s.Policies {
		if p := &s.Policies[i]; p.Family == 4 && oddPolicy(p) {
			return fmt.Sprintf("%s has a routing rule with something that is not modelled: %s", s.Name, p)
		}
	}
	for _, r := range s.Routes {
		if _, known := routeTypes()[r.Type]; !known {
			return s.Name + " has a route of type " + r.Type
		}
		if len(r.Hops) > 0 || r.MTU != 0 {
			return s.Name + " has a route with several next hops, or with an MTU"
		}
	}
	return ""
}

// configure gives an interface the values that the kernel uses there (linux/inetdevice.h: IN_DEV_MAXCONF is the larger
// one of its own and that of all, IN_DEV_ORCONF either, IN_DEV_ANDCONF both, IN_DEV_CONF_GET its own).
func (d *device) configure(values map[string]int) {
	own := func(key string) int { return values["net/ipv4/conf/"+d.name+"/"+key] }
	all := func(key string) int { return values["net/ipv4/conf/all/"+key] }
	most := func(key string) int { return max(own(key), all(key)) }
	either := func(key string) bool { return own(key) != 0 || all(key) != 0 }
	forwarding := own("forwarding") != 0
	redirects := either("accept_redirects")
	if forwarding {
		redirects = own("accept_redirects") != 0 && all("accept_redirects") != 0
	}
	neigh := func(key string, otherwise int) int {
		if v, ok := values["net/ipv4/neigh/"+d.name+"/"+key]; ok {
			return v
		}
		return otherwise
	}
	d.conf = conf{rpFilter: most("rp_filter"), arpIgnore: most("arp_ignore"), arpAnnounce: most("arp_announce"),
		arpFilter: either("arp_filter"), arpAccept: most("arp_accept") != 0, proxyARP: either("proxy_arp"),
		proxyPVLAN: own("proxy_arp_pvlan") != 0, acceptLocal: either("accept_local"),
		dropGratuitous: either("drop_gratuitous_arp"), forwarding: forwarding, sendRedirects: either("send_redirects"),
		acceptRedirects: redirects, secureRedirects: either("secure_redirects"), sharedMedia: either("shared_media"),
		linkdownIgnored:    either("ignore_routes_with_linkdown"),
		unicastInMulticast: either("drop_unicast_in_l2_multicast"),
		retrans:            time.Duration(neigh("retrans_time_ms", 1000)) * time.Millisecond,
		mcastProbes:        neigh("mcast_solicit", 3), ucastProbes: neigh("ucast_solicit", 3)}
}

// connect joins interfaces to each other.
func (w *World) connect(s *state.State) {
	for i := range s.Nodes {
		n := w.nodes[i]
		for _, d := range n.devices {
			d.uppers = nil
		}
	}
	for i := range s.Nodes {
		n := w.nodes[i]
		for k := range s.Nodes[i].Interfaces {
			from := &s.Nodes[i].Interfaces[k]
			d := n.byName[from.Name]
			d.peer, d.lower = w.device(from.Peer.Node, from.Peer.Interface), w.device(from.Lower.Node,
				from.Lower.Interface)
			d.master = n.byName[from.Master]
			if d.lower != nil {
				d.lower.uppers = append(d.lower.uppers, d)
			}
			if from.Bridge != nil {
				d.bridge = n.newBridge(d, from.Bridge)
			}
		}
	}
}

// newBridge makes a bridge that knows its own addresses and those that it is given.
func (n *node) newBridge(d *device, s *state.Bridge) *bridge {
	b := &bridge{BridgeSettings: s.BridgeSettings, odd: oddBridge(d, s), fdb: map[switchcore.MAC]*fdbEntry{}}
	for _, name := range s.Ports {
		if p := n.byName[name]; p != nil {
			b.ports = append(b.ports, p)
		}
	}
	for _, e := range s.FDB {
		b.fdb[e.MAC] = &fdbEntry{port: n.byName[e.Port], static: e.Static, seen: n.w.aged() - e.Age}
	}
	b.ownAddresses(d)
	return b
}

// oddBridge says which setting of a bridge, or of a port, the model does not know: one that is not as the kernel has
// it, of those that it does not read.
func oddBridge(br *device, s *state.Bridge) string {
	known, kernel := s.BridgeSettings, topology.DefaultBridgeSettings()
	for _, b := range []*topology.BridgeSettings{&known, &kernel} {
		b.Ageing, b.STP, b.ForwardDelay, b.HelloTime, b.MaxAge = 0, false, 0, 0, 0
		b.McastSnooping, b.GroupFwdMask, b.Priority = false, 0, 0
	}
	if known != kernel {
		return br.node.name + " has settings of a bridge that are not modelled"
	}
	for _, name := range s.Ports {
		p := br.node.byName[name]
		if p == nil || p.port == nil {
			continue
		}
		known, kernel := p.port.PortSettings, topology.DefaultPortSettings()
		if known == (topology.PortSettings{}) {
			continue // a switch's way into what it shares
		}
		for _, q := range []*topology.PortSettings{&known, &kernel} {
			q.Learning, q.Flood, q.McastFlood, q.BcastFlood = false, false, false, false
			q.Isolated, q.Hairpin, q.Locked, q.BPDUGuard = false, false, false, false
			q.Cost, q.Priority, q.GroupFwdMask = 0, 0, 0
		}
		if known != kernel {
			return br.node.name + ":" + name + " has settings of a port that are not modelled"
		}
	}
	return ""
}

// ownAddresses are those that a bridge takes frames for itself (br_fdb_add_local).
func (b *bridge) ownAddresses(br *device) {
	for mac, e := range b.fdb {
		if e.local {
			delete(b.fdb, mac)
		}
	}
	b.fdb[br.mac] = &fdbEntry{local: true}
	for _, p := range b.ports {
		b.fdb[p.mac] = &fdbEntry{port: p, local: true}
	}
}

// lay gives a node its routes and permanent neighbours.
func (n *node) lay(s *state.Node) {
	n.tables = map[int][]*route{}
	for i := range s.Routes {
		from := &s.Routes[i]
		if !from.Dst.Addr().Is4() {
			continue
		}
		r := &route{dst: number(from.Dst.Addr()), bits: from.Dst.Bits(), typ: routeTypes()[from.Type],
			onLink: !from.Via.IsValid(), scope: scopeOf(from.Scope), metric: from.Metric, via: number(from.Via),
			dev: n.byName[from.Dev], src: number(from.Src), down: from.LinkDown}
		n.tables[from.Table] = append(n.tables[from.Table], r)
	}
	for _, table := range n.tables {
		slices.SortStableFunc(table, func(a, b *route) int {
			return cmp.Or(cmp.Compare(b.bits, a.bits), cmp.Compare(a.metric, b.metric))
		})
	}
	for at, e := range n.neighs {
		if e.state == permanent {
			delete(n.neighs, at)
		}
	}
	for _, e := range s.Neighbours {
		if d := n.byName[e.Dev]; d != nil && e.IP.Is4() && e.State == "PERMANENT" {
			at := hop{d, number(e.IP)}
			n.neighs[at] = &neighbour{node: n, at: at, state: permanent, mac: e.MAC}
		}
	}
}

// routeTypes are the types of routes by their names in ip-route(8).
func routeTypes() map[string]routeType {
	return map[string]routeType{"unicast": routeUnicast, "local": routeLocal, "broadcast": routeBroadcast,
		"blackhole": routeBlackhole, "unreachable": routeUnreachable, "prohibit": routeProhibit,
		"multicast": routeMulticast, "anycast": routeMulticast}
}

func scopeOf(s string) int {
	switch s {
	case "host":
		return scopeHost
	case "link":
		return scopeLink
	}
	return scopeUniverse
}
