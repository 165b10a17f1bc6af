package sim

// IPv4: ip_rcv and ip_local_deliver (net/ipv4/ip_input.c), ip_forward (ip_forward.c), ip_output and ip_finish_output2
// (ip_output.c).

// receiveIP takes an IPv4 packet that has come in by an interface.
func (d *device) receiveIP(f *frame) {
	if f.kind == toOther {
		return
	}
	n := d.node
	p, odd := parseIP(f)
	if odd {
		n.w.doubt(NotModelled, "%s has an IPv4 packet with options, or in fragments", n.name)
	}
	if p == nil {
		return
	}
	if !n.passesIP(d, f, p, hookPrerouting) {
		return
	}
	if multicast(p.dst()) {
		return
	}
	v := n.input(d, p.src(), p.dst(), false)
	switch {
	case v.dropped || v.broadcast:
	case v.local:
		if n.passesIP(d, f, p, hookInput) {
			n.deliverICMP(d, p, f.kind)
		}
	case v.refused != granted:
		n.noWay(d, p, v.refused, f.kind)
	case d.conf.unicastInMulticast && f.kind != toHost:
	default:
		n.forward(d, f, p, v)
	}
}

// noWay is ip_error: a node that does not forward says nothing.
func (n *node) noWay(d *device, p packet, why refusal, kind packetType) {
	if !d.conf.forwarding || kind != toHost {
		return
	}
	o := outgoing{p: p, in: d}
	switch why {
	case noRoute:
		n.unreachable(o, icmpUnreachable, unreachNet)
	case unreachableRoute:
		n.unreachable(o, icmpUnreachable, unreachHost)
	case prohibitRoute:
		n.unreachable(o, icmpUnreachable, unreachFiltered)
	}
}

// forward sends a packet on (ip_forward).
func (n *node) forward(d *device, f *frame, p packet, v inputWay) {
	if f.kind != toHost {
		return
	}
	if p.ttl() <= 1 {
		n.unreachable(outgoing{p: p, in: d}, icmpExceeded, 0)
		return
	}
	if p.whole() && n.pathMTU {
		n.w.doubt(NotModelled, "%s forwards by the MTUs of paths", n.name)
	}
	if len(p) > v.dev.mtu && p.whole() { // ip_exceeds_mtu; RFC 1191, 4
		sendFragNeeded(d, p, v.dev.mtu)
		return
	}
	if len(p) > v.dev.mtu {
		n.w.doubt(NotModelled, "%s has a packet of %d bytes for %s, which takes %d", n.name, len(p), v.dev.name,
			v.dev.mtu)
		return
	}
	if v.redirect {
		n.redirect(d, p, v.next)
	}
	p = append(packet(nil), p...)
	p[8]--
	p.sum()
	if !n.passesForward(d, v.dev, f, p) {
		return
	}
	n.leave(outgoing{p: p, in: d}, v.way)
}

// originate sends a packet of the node's own. false: its rules refuse it.
func (n *node) originate(p packet, v way) bool {
	if v.dev != nil && len(p) > v.dev.mtu && v.typ == routeUnicast {
		n.w.doubt(NotModelled, "%s sends %d bytes by %s, which takes %d", n.name, len(p), v.dev.name, v.dev.mtu)
	}
	if v.typ == routeLocal {
		n.deliverICMP(nil, p, toHost)
		return true
	}
	if !n.passesOutput(v.dev, p) {
		return false
	}
	n.leave(outgoing{p: p}, v)
	return true
}

// leave hands a packet to the neighbour that is next (ip_finish_output2).
func (n *node) leave(o outgoing, v way) {
	if !n.passesPostrouting(v.dev, o) {
		return
	}
	if v.typ != routeUnicast {
		dst := broadcastMAC
		v.dev.transmit(ethernet(dst, v.dev.mac, typeIP, o.p))
		return
	}
	n.neighbour(v.dev, v.next).resolve(o)
}
