package sim

import (
	"encoding/binary"
	"net/netip"
)

// Refusal is why a node does not take a request of its own: an error of sendmsg(2).
type Refusal string

// The refusals.
const (
	Taken       Refusal = ""
	NoRoute     Refusal = "no-route"    // ENETUNREACH
	Blackhole   Refusal = "blackhole"   // EINVAL, a blackhole route
	Unreachable Refusal = "unreachable" // EHOSTUNREACH, an unreachable route
	Prohibited  Refusal = "prohibited"  // EACCES, a prohibit route
	Broadcast   Refusal = "broadcast"   // EACCES, a broadcast address, and the socket is not for these
	ByRule      Refusal = "rule"        // EPERM
	TooBig      Refusal = "too-big"     // EMSGSIZE: longer than the way takes, and not to be fragmented
)

// Beside has streams send out of turn, before each request that is asked from now on or while it is under way.
func (w *World) Beside(when Beside) { w.beside = when }

// Request is an echo request that was sent.
type Request struct {
	Key     uint32
	Refused Refusal
	Events  []Echoed // what has come back, in its order
}

// Payload is what an echo request of ping(8) has behind its header, in bytes.
const Payload = 56

// Echo sends an echo request from a node, with an interface by that, and moves frames until nothing more can come of
// it.
func (w *World) Echo(from, iface string, to netip.Addr) *Request {
	return w.EchoOf(from, iface, to, Form{Size: Payload})
}

// Form is what a request is like: how many bytes are behind its header, and whether it must not be fragmented.
type Form struct {
	Size  int
	Whole bool
}

// EchoOf is Echo with a request of a form.
func (w *World) EchoOf(from, iface string, to netip.Addr, form Form) *Request {
	n := w.node(from)
	w.handled, w.storming = 0, false
	r := &Request{}
	if n == nil {
		return r
	}
	w.lastKey++
	r.Key = w.lastKey&0x7fff<<16 | w.lastKey>>15&0xffff // each is a connection of its own to connection tracking
	w.askers = append(w.askers, func(at *node, e Echoed) {
		if at == n && e.Key == r.Key {
			r.Events = append(r.Events, e)
		}
	})
	if w.beside == Before {
		w.others()
	}
	r.Refused = n.request(r.Key, n.byName[iface], number(to), form)
	if w.beside == Meanwhile {
		w.flow()
		w.others()
	}
	w.settle()
	w.askers = w.askers[:len(w.askers)-1]
	return r
}

// request sends an echo request (ping_v4_sendmsg, raw_sendmsg).
func (n *node) request(key uint32, oif *device, dst uint32, form Form) Refusal {
	if n.ruled && oif != nil {
		n.w.doubt(NotModelled, "%s has routing rules, and is asked by an interface", n.name)
	}
	v, no := n.output(dst, oif)
	switch no {
	case noRoute:
		return NoRoute
	case blackholeRoute:
		return Blackhole
	case unreachableRoute:
		return Unreachable
	case prohibitRoute:
		return Prohibited
	}
	if v.typ == routeBroadcast {
		return Broadcast
	}
	src := v.src
	if oif != nil && len(oif.addrs) > 0 {
		src = oif.addrs[0].ip
	}
	b := make([]byte, 8+form.Size)
	b[0] = icmpEcho
	binary.BigEndian.PutUint32(b[4:], key)
	for i := 16; i < len(b); i++ {
		b[i] = byte(i)
	}
	sumICMP(b)
	p := newPacket(src, dst, n.ttl, protoICMP, b)
	if form.Whole {
		if n.noPMTU { // icmp_unreach (net/ipv4/icmp.c)
			n.w.doubt(NotModelled, "%s does not look for the MTU of a path", n.name)
		}
		if v.typ == routeUnicast && len(p) > v.dev.mtu {
			return TooBig
		}
		p.keepWhole()
	}
	if !n.originate(p, v) {
		return ByRule
	}
	return Taken
}
