package sim

import "time"

// Connection tracking of echoes: nf_conntrack_in and nf_conntrack_icmp_packet
// (net/netfilter/nf_conntrack_proto_icmp.c). A connection is one of an identifier and two addresses; a packet makes
// one only if it comes out at the other end (nf_conntrack_confirm).

// icmpTimeout is nf_conntrack_icmp_timeout.
const icmpTimeout = 30 * time.Second

// of finds the connection that a packet belongs to, and whether it is a reply of it.
func connectionKey(p packet) (c connection, reply, ok bool) {
	switch p.icmpType() {
	case icmpEcho:
		return connection{p.src(), p.dst(), uint16(keyOf(p.body()) >> 16)}, false, true
	case icmpEchoReply:
		return connection{p.dst(), p.src(), uint16(keyOf(p.body()) >> 16)}, true, true
	}
	return c, false, false
}

// find finds a connection that is known.
func (r *filter) connection(c connection) *connectionState {
	s := r.node.known[c]
	if s != nil && s.until < r.node.w.now {
		return nil
	}
	return s
}

// track takes a packet in: one of a connection that is known renews it.
func (r *filter) track(p packet) {
	if !r.tracks {
		return
	}
	c, reply, ok := connectionKey(p)
	if s := r.connection(c); ok && s != nil {
		s.until = r.node.w.now + icmpTimeout
		s.replied = s.replied || reply
	}
}

// connectionOf is the state of the connection of a packet.
func (r *filter) connectionOf(p packet) string {
	if !r.tracks {
		return ""
	}
	if q, isError := quotedEcho(p.body()); isError && p.icmpType() != icmpEcho && p.icmpType() != icmpEchoReply {
		c, _, _ := connectionKey(q)
		if r.connection(c) != nil {
			return "related"
		}
		return "invalid"
	}
	c, reply, ok := connectionKey(p)
	if !ok {
		r.node.w.doubt(NotModelled, "%s tracks a connection that is not of echoes", r.node.name)
		return "new"
	}
	s := r.connection(c)
	switch {
	case s == nil && reply:
		return "invalid"
	case s == nil || !reply && !s.replied:
		return "new"
	}
	return "established"
}

// confirm makes a connection known whose first packet leaves the node.
func (r *filter) confirm(p packet) {
	if !r.tracks {
		return
	}
	if c, reply, ok := connectionKey(p); ok && !reply && r.connection(c) == nil {
		r.node.known[c] = &connectionState{until: r.node.w.now + icmpTimeout}
	}
}
