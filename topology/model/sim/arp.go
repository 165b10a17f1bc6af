package sim

// ARP: arp_rcv and arp_process, net/ipv4/arp.c (RFC 826, RFC 5227).

const (
	arpRequest = 1
	arpReply   = 2
)

// receiveARP takes an ARP packet: it answers, and learns from it.
func (d *device) receiveARP(f *frame) {
	if f.kind == toOther || d.kind == "loopback" {
		return
	}
	a := parseARP(f)
	n := d.node
	if !a.whole || a.otherKinds || a.op != arpRequest && a.op != arpReply || multicast(a.tip) || loopback(a.tip) {
		return
	}
	if !n.passesARP(d, f) {
		return
	}
	if a.sip == a.tip && d.conf.dropGratuitous {
		return
	}
	if a.sip == 0 { // a probe
		if a.op == arpRequest && n.isLocal(a.tip) && !d.ignores(a.sip, a.tip) {
			d.sendARP(arpReply, a.tip, a.sip, f.src(), a.sha)
		}
		return
	}
	if a.op == arpRequest && (n.owns(a.tip) || d.conf.forwarding) && d.answer(f, a) {
		return
	}
	d.learnARP(f, a)
}

// answer decides about a request for an own address, or one that the node answers for. It reports whether the packet
// ends there.
func (d *device) answer(f *frame, a arp) (ends bool) {
	n := d.node
	v := n.input(d, a.sip, a.tip, true)
	switch {
	case v.dropped: // no route back that the source validation accepts: nobody is answered
		return false
	case v.local:
		if d.ignores(a.sip, a.tip) || d.conf.arpFilter && !d.filterLets(a.sip, a.tip) {
			return true
		}
		n.told(d, a.sip, a.sha)
		d.sendARP(arpReply, a.tip, a.sip, a.sha, a.sha)
		return true
	case v.broadcast || v.refused != granted || v.typ != routeUnicast || !d.conf.forwarding:
		return false
	}
	if d.conf.proxyARP && v.dev != d || d.conf.proxyPVLAN && v.dev == d {
		n.told(d, a.sip, a.sha)
		d.sendARP(arpReply, a.tip, a.sip, a.sha, a.sha)
		return true
	}
	return false
}

// ignores is arp_ignore (Documentation/networking/ip-sysctl.rst).
func (d *device) ignores(sip, tip uint32) bool {
	switch d.conf.arpIgnore {
	case 1:
		return !d.holds(0, tip)
	case 2:
		return !d.holds(sip, tip)
	case 3:
		for _, o := range d.node.devices {
			for _, a := range o.addrs {
				if a.ip == tip {
					return a.scope() > scopeLink
				}
			}
		}
		return true
	case 8:
		return true
	}
	return false
}

// holds reports whether the interface has an address; with a peer, one whose network the peer is in
// (inet_confirm_addr, net/ipv4/devinet.c).
func (d *device) holds(peer, ip uint32) bool {
	for _, a := range d.addrs {
		if a.ip == ip && (peer == 0 || (a.ip^peer)&mask(a.bits) == 0) {
			return true
		}
	}
	return false
}

// filterLets is arp_filter: the way to the asker leaves by the interface.
func (d *device) filterLets(sip, tip uint32) bool {
	v, no := d.node.outputFrom(tip, sip, nil)
	return no == granted && v.dev == d
}

// learnARP takes what a packet says of its sender into an entry that is there. None is made, but where arp_accept says
// so for one that is unasked for.
func (d *device) learnARP(f *frame, a arp) {
	n := d.node
	e := n.neighs[hop{d, a.sip}]
	garp := a.sip == a.tip && n.addrType(a.sip) == routeUnicast && (a.op == arpRequest || a.tha == a.sha)
	if e == nil && d.conf.arpAccept {
		if (garp || a.op == arpReply) && n.addrType(a.sip) == routeUnicast {
			e = n.neighbour(d, a.sip)
		}
	}
	if e == nil {
		return
	}
	next := stale
	if a.op == arpReply && f.kind == toHost {
		next = reachable
	}
	e.update(a.sha, next, garp || n.w.now > e.updated+lockTime)
}

// sendARP sends an ARP packet by an interface.
func (d *device) sendARP(op uint16, sip, tip uint32, to, tha [6]byte) {
	f := arpFrame(to, d.mac, arp{op: op, sha: d.mac, sip: sip, tha: tha, tip: tip})
	if d.node.passesARPOut(d, &f) {
		d.transmit(f)
	}
}
