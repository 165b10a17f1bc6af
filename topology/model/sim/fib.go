package sim

import "labctl/topology/state"

// Where packets go, by the routes that routing rules find (policy.go): ip_route_output_key_hash_rcu and
// ip_route_input_slow (net/ipv4/route.c).

// wayOf is a route's way to an address.
func (n *node) wayOf(r *route, dst uint32) way {
	v := way{typ: r.typ, dev: r.dev, next: dst, via: r.via, src: r.src, route: r}
	if via, ok := n.turned[exceptionKey{r, dst}]; ok {
		v.via, v.redirected = via, true
	}
	if v.via != 0 {
		v.next = v.via
	}
	if v.src == 0 && r.typ == routeUnicast {
		v.src = n.selectAddr(r.dev, r.via, r.scope)
	}
	return v
}

// output finds the way of a packet that the node itself sends; with an interface it leaves by that one, also where no
// route says so: then the destination is taken to be on its link.
func (n *node) output(dst uint32, oif *device) (way, refusal) { return n.outputFrom(0, dst, oif) }

// outputFrom is output of a packet that has its source already: routing rules may go by it.
func (n *node) outputFrom(src, dst uint32, oif *device) (way, refusal) {
	if oif != nil && !oif.up {
		return way{}, noRoute
	}
	if dst == 0xffffffff || multicast(dst) {
		return way{typ: routeBroadcast, dev: oif, next: dst}, granted
	}
	r, no := n.lookup(flow{src: src, dst: dst, out: oif})
	switch {
	case no != granted && oif != nil:
		return way{typ: routeUnicast, dev: oif, next: dst, src: n.selectAddr(oif, 0, scopeLink)}, granted
	case no != granted:
		return way{}, no
	}
	v := n.wayOf(r, dst)
	if v.typ == routeLocal && v.src == 0 {
		v.src = dst
	}
	return v, granted
}

// selectAddr is the source address of what leaves by an interface (inet_select_addr, net/ipv4/devinet.c): the first one
// there, rather of the network of the destination, else the first of the node.
func (n *node) selectAddr(d *device, dst uint32, scope int) uint32 {
	if d != nil {
		var first uint32
		for _, a := range d.addrs {
			if a.secondary || a.scope() > scope {
				continue
			}
			if dst == 0 || (a.ip^dst)&mask(a.bits) == 0 {
				return a.ip
			}
			if first == 0 {
				first = a.ip
			}
		}
		if first != 0 {
			return first
		}
	}
	for _, o := range n.devices {
		for _, a := range o.addrs {
			if !a.secondary && a.scope() <= scope && a.scope() != scopeLink {
				return a.ip
			}
		}
	}
	return 0
}

// scope is that of an address: of lo the host alone.
func (a address) scope() int {
	if loopback(a.ip) {
		return scopeHost
	}
	return scopeUniverse
}

// isLocal reports whether an address is the node's own, by its table (inet_addr_type, net/ipv4/fib_frontend.c).
func (n *node) isLocal(ip uint32) bool {
	return n.addrType(ip) == routeLocal
}

// addrType is what the table local makes of an address.
func (n *node) addrType(ip uint32) routeType {
	switch {
	case ip == 0 || ip == 0xffffffff:
		return routeBroadcast
	case multicast(ip):
		return routeMulticast
	}
	for _, r := range n.tables[state.LocalTable] {
		if (ip^r.dst)&mask(r.bits) == 0 {
			return r.typ
		}
	}
	return routeUnicast
}

// input routes what has come in by an interface (ip_route_input_slow). arp: it is an ARP request.
func (n *node) input(d *device, src, dst uint32, arp bool) inputWay {
	if multicast(src) || src == 0xffffffff || loopback(src) || loopback(dst) || src == 0 && dst != 0xffffffff {
		return inputWay{dropped: true}
	}
	if dst == 0xffffffff || dst == 0 && src == 0 {
		return inputWay{broadcast: true}
	}
	r, no := n.lookup(flow{src: src, dst: dst, in: d})
	if no != granted {
		return inputWay{refused: no}
	}
	switch r.typ {
	case routeBroadcast:
		_, valid := n.validSource(d, nil, src, dst)
		return inputWay{broadcast: true, dropped: src != 0 && !valid}
	case routeLocal:
		_, valid := n.validSource(d, nil, src, dst)
		return inputWay{local: true, dropped: !valid, way: way{typ: routeLocal, dev: r.dev}}
	}
	if !d.conf.forwarding {
		return inputWay{refused: unreachableRoute}
	}
	v := n.wayOf(r, dst)
	onLink, valid := n.validSource(d, v.dev, src, dst)
	if !valid {
		return inputWay{dropped: true}
	}
	out := inputWay{way: v}
	if v.dev == d {
		if arp && !d.conf.proxyPVLAN {
			return inputWay{dropped: true} // __mkroute_input: no proxy for its own link
		}
		out.redirect = onLink && v.dev.conf.sendRedirects && (v.dev.conf.sharedMedia || v.dev.onLink(src, v.via))
	}
	return out
}

// onLink reports whether two addresses are in a network of the interface (inet_addr_onlink, net/ipv4/devinet.c).
func (d *device) onLink(a, b uint32) bool {
	for _, p := range d.addrs {
		if (p.ip^a)&mask(p.bits) == 0 && (b == 0 || (p.ip^b)&mask(p.bits) == 0) {
			return true
		}
	}
	return false
}
