package sim

import (
	"encoding/binary"
	"slices"
)

// ICMP redirects: ip_rt_send_redirect and __ip_do_redirect, net/ipv4/route.c. The limit of nine to one source is not
// modelled: the prober waits until a router has forgotten it.

// redirect tells a packet's source of the neighbour that it can reach itself.
func (n *node) redirect(d *device, p packet, next uint32) {
	n.sendError(outgoing{p: p, in: d}, icmpRedirect, 1, next)
}

// redirected takes a redirect in: if it comes from the gateway in use and names a neighbour whose address is known, the
// way to that destination leads there from then on.
func (n *node) redirected(d *device, p packet) {
	body := p.body()
	q, ok := quotedEcho(body)
	if !ok || d == nil {
		return
	}
	via := binary.BigEndian.Uint32(body[4:])
	n.w.reply(n, Echoed{Key: keyOf(q.body()), From: addr(p.src()), Redirect: true})
	if n.ruled {
		n.w.doubt(NotModelled, "%s has routing rules, and is redirected", n.name)
	}
	r, no := n.lookup(flow{dst: q.dst()})
	if no != granted || r.typ != routeUnicast {
		return
	}
	v := n.wayOf(r, q.dst())
	if v.via == 0 || v.via != p.src() || via == p.src() || !d.conf.acceptRedirects || multicast(via) || via == 0 {
		return
	}
	if d.conf.sharedMedia {
		if n.addrType(via) != routeUnicast {
			return
		}
	} else if !d.onLink(via, p.src()) || d.conf.secureRedirects && !n.isDefaultGateway(via, d) {
		return
	}
	e := n.neighbour(v.dev, via)
	if !e.valid() {
		if e.state == failed { // it is asked for, and the redirect is believed the next time
			e.state, e.probes = incomplete, 0
			e.solicit()
		}
		return
	}
	n.turned[exceptionKey{r, q.dst()}] = via
}

// isDefaultGateway is ip_fib_check_default (net/ipv4/fib_semantics.c): a gateway of some route by that interface.
func (n *node) isDefaultGateway(via uint32, d *device) bool {
	for _, table := range n.tables {
		if slices.ContainsFunc(table, func(r *route) bool { return r.via == via && r.dev == d }) {
			return true
		}
	}
	return false
}
