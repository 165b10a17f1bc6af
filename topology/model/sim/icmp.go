package sim

import "encoding/binary"

// ICMP: icmp_rcv, icmp_reply and __icmp_send (net/ipv4/icmp.c); RFC 792, RFC 1812 4.3.

const (
	icmpEchoReply   = 0
	icmpUnreachable = 3
	icmpRedirect    = 5
	icmpEcho        = 8
	icmpExceeded    = 11

	unreachNet      = 0
	unreachHost     = 1
	unreachFragment = 4
	unreachFiltered = 13

	quoted = 548 // bytes of a packet that an error has behind the packet's header; RFC 1812, 4.3.2.3
)

// deliverICMP takes a packet that is for the node. d is nil for one from the node itself.
func (n *node) deliverICMP(d *device, p packet, kind packetType) {
	body := p.body()
	switch p.icmpType() {
	case icmpEcho:
		n.echo(p)
	case icmpEchoReply:
		n.w.reply(n, Echoed{Key: keyOf(body), From: addr(p.src())})
	case icmpUnreachable, icmpExceeded:
		if q, ok := quotedEcho(body); ok {
			n.w.reply(n, Echoed{Key: keyOf(q.body()), From: addr(p.src()), Error: true, Type: body[0], Code: body[1],
				own: n.owns(p.src())})
		}
	case icmpRedirect:
		n.redirected(d, p)
	case -1:
		n.w.doubt(NotModelled, "%s has a packet of protocol %d", n.name, p.protocol())
	}
}

// echo answers an echo request by the route back (icmp_echo, icmp_reply): from the address that was asked.
func (n *node) echo(p packet) {
	if n.noEcho {
		return
	}
	v, no := n.outputFrom(p.dst(), p.src(), nil)
	if no != granted {
		return
	}
	body := append([]byte(nil), p.body()...)
	body[0] = icmpEchoReply
	sumICMP(body)
	n.originate(newPacket(p.dst(), p.src(), n.ttl, protoICMP, body), v)
}

// unreachable says that a packet was not sent on (icmp_send). Of an error nobody is told.
func (n *node) unreachable(o outgoing, typ, code byte) {
	switch t := o.p.icmpType(); t {
	case -1, icmpEcho, icmpEchoReply:
	default:
		return
	}
	n.sendError(o, typ, code, 0)
}

// sendFragNeeded says that a packet is too long and must not be fragmented. Whoever gets it knows the way's MTU from
// then on (ip_rt_update_pmtu, net/ipv4/route.c), which is not modelled: nothing may be asked from what is left of it.
func sendFragNeeded(d *device, p packet, mtu int) {
	switch p.icmpType() {
	case -1, icmpEcho, icmpEchoReply:
		d.node.sendError(outgoing{p: p, in: d}, icmpUnreachable, unreachFragment, uint32(mtu))
	}
}

// sendError sends an error about a packet to its source.
func (n *node) sendError(o outgoing, typ, code byte, rest uint32) {
	v, no := n.output(o.p.src(), nil)
	if no != granted {
		return
	}
	src := v.src
	if n.inbound && o.in != nil {
		if n.ruled { // icmp_route_lookup looks up with that source
			n.w.doubt(NotModelled, "%s has routing rules, and sends an error from where it came in", n.name)
		}
		src = n.selectAddr(o.in, o.p.src(), scopeLink)
	}
	b := make([]byte, 8, 8+len(o.p))
	b[0], b[1] = typ, code
	binary.BigEndian.PutUint32(b[4:], rest)
	b = append(b, o.p[:min(len(o.p), ipLen+quoted-8)]...)
	sumICMP(b)
	n.originate(newPacket(src, o.p.src(), n.ttl, protoICMP, b), v)
}

func sumICMP(b []byte) {
	b[2], b[3] = 0, 0
	binary.BigEndian.PutUint16(b[2:], checksum(b))
}

// quotedEcho is the echo request that an ICMP error is about.
func quotedEcho(body []byte) (packet, bool) {
	if len(body) < 8+ipLen+8 {
		return nil, false
	}
	q := packet(body[8:])
	return q, q.icmpType() == icmpEcho
}

// keyOf is the identifier and the sequence number of an echo.
func keyOf(body []byte) uint32 { return binary.BigEndian.Uint32(body[4:]) }

// reply hands what has come back to who has asked.
func (w *World) reply(n *node, e Echoed) {
	for _, take := range w.askers {
		take(n, e)
	}
}
