package sim

import (
	"time"

	"labctl/switchcore"
)

// Neighbours: __neigh_event_send, __neigh_update, neigh_timer_handler and neigh_invalidate (net/core/neighbour.c),
// arp_solicit (net/ipv4/arp.c); the states are those of arp(7).

const (
	lockTime      = time.Second      // how long an entry holds against another answer
	delayTime     = 5 * time.Second  // delay_first_probe_time
	reachableTime = 15 * time.Second // the shortest that base_reachable_time of 30 s is drawn to
	queueRoom     = 200              // packets that wait; unres_qlen_bytes holds more of a probe's size
)

// neighbour finds or makes an entry.
func (n *node) neighbour(d *device, ip uint32) *neighbour {
	at := hop{d, ip}
	e := n.neighs[at]
	if e == nil {
		e = &neighbour{node: n, at: at, state: failed, updated: n.w.now - 2*lockTime}
		n.neighs[at] = e
		n.w.learned = append(n.w.learned, n)
	}
	return e
}

// told takes in that somebody has asked from an address (neigh_event_ns): the entry is made if need be.
func (n *node) told(d *device, ip uint32, mac switchcore.MAC) {
	n.neighbour(d, ip).update(mac, stale, true)
}

// valid reports whether packets can be sent by the entry.
func (e *neighbour) valid() bool {
	return e.state != incomplete && e.state != failed
}

// update is __neigh_update.
func (e *neighbour) update(mac switchcore.MAC, to neighState, override bool) {
	if e.state == permanent {
		return
	}
	w := e.node.w
	was, wasMAC := e.state, e.mac
	if to == reachable {
		e.confirmed = w.now
	}
	if e.valid() {
		switch {
		case mac != wasMAC && !override:
			return
		case mac == wasMAC && to == stale:
			to = was
		}
	}
	if to != was || mac != wasMAC {
		e.updated = w.now
	}
	e.state, e.mac = to, mac
	if to != was {
		e.serial++
	}
	if was == incomplete || was == failed {
		list := e.waiting
		e.waiting = nil
		for _, o := range list {
			e.send(o)
		}
	}
}

// resolve sends a packet to a neighbour, or has it wait until somebody has said where that is.
func (e *neighbour) resolve(o outgoing) {
	w := e.node.w
	if doubted := e.state == stale || e.state == delay || e.state == probe; doubted && !w.trusts && w.mute[e.mutely()] {
		w.doubt(Timing, "%s knows %s, who does not answer it, only for a while", e.node.name, addr(e.at.ip))
	}
	switch e.state {
	case failed:
		e.state, e.updated, e.probes = incomplete, w.now, 0
		e.waiting = append(e.waiting, o)
		e.solicit()
		return
	case incomplete:
		if len(e.waiting) < queueRoom {
			e.waiting = append(e.waiting, o)
		}
		return
	case reachable:
		if w.now-e.confirmed > reachableTime {
			e.state = stale
			e.used()
		}
	case stale:
		e.used()
	}
	e.send(o)
}

// used begins to doubt an entry that has not been confirmed for some time.
func (e *neighbour) used() {
	e.state, e.updated = delay, e.node.w.now
	e.serial++
	if e.node.w.ageless {
		return
	}
	serial := e.serial
	e.node.w.unless(delayTime, false, func() bool { return e.still(serial) && e.state == delay }, func() {
		if e.node.w.now-e.confirmed <= delayTime {
			e.state = reachable
			return
		}
		e.state, e.probes = probe, 0
		e.solicit()
	})
}

// solicit asks for the neighbour, and again later, until enough requests had no answer.
func (e *neighbour) solicit() {
	d := e.at.dev
	e.serial++
	serial := e.serial
	to, tha := broadcastMAC, switchcore.MAC{}
	limit := d.conf.mcastProbes
	if e.state == probe {
		to, limit = e.mac, d.conf.ucastProbes
	}
	if e.probes >= limit {
		e.giveUp()
		return
	}
	e.probes++
	d.sendARP(arpRequest, e.asks(), e.at.ip, to, tha)
	asking := func() bool { return e.still(serial) && (e.state == incomplete || e.state == probe) }
	e.node.w.unless(d.conf.retrans, true, asking, e.solicit)
}

// still reports whether the entry is there, and its last timer the one of that number.
func (e *neighbour) still(serial int) bool { return e.serial == serial && e.node.neighs[e.at] == e }

// asks is the sender's address in a request (arp_solicit, arp_announce of Documentation/networking/ip-sysctl.rst): that
// of the packet that waits, if it is the node's own.
func (e *neighbour) asks() uint32 {
	d := e.at.dev
	if len(e.waiting) > 0 {
		src := e.waiting[0].p.src()
		if e.node.isLocal(src) && (d.conf.arpAnnounce == 0 || d.conf.arpAnnounce == 1 && d.onLink(e.at.ip, src)) {
			return src
		}
	}
	return e.node.selectAddr(d, e.at.ip, scopeLink)
}

// giveUp says of each packet that waits that the neighbour cannot be reached (neigh_invalidate, arp_error_report).
func (e *neighbour) giveUp() {
	if e.state == probe {
		e.node.w.mute[e.mutely()] = true
	}
	e.state, e.updated = failed, e.node.w.now
	list := e.waiting
	e.waiting = nil
	for _, o := range list {
		e.node.unreachable(o, icmpUnreachable, unreachHost)
	}
}

// mutely is the entry as one that does not answer.
func (e *neighbour) mutely() Mute { return Mute{e.node.name, e.at.dev.name, e.at.ip} }

// send puts a packet into a frame for the neighbour.
func (e *neighbour) send(o outgoing) {
	f := ethernet(e.mac, e.at.dev.mac, typeIP, o.p)
	e.at.dev.transmit(f)
}

// forgetNeighbours empties the table, but for permanent entries.
func (n *node) forgetNeighbours() {
	for at, e := range n.neighs {
		if e.state != permanent {
			delete(n.neighs, at)
		}
	}
}

// forgetOn takes away the entries of an interface: with the permanent ones when it goes down or gets another address
// (neigh_ifdown, neigh_changeaddr), without them when its carrier goes (neigh_carrier_down). What waits there is lost
// without an error.
func (n *node) forgetOn(d *device, permanents bool) {
	for at, e := range n.neighs {
		if at.dev == d && (permanents || e.state != permanent) {
			delete(n.neighs, at)
		}
	}
}

// Forget makes every node forget its neighbours and what redirects have taught it.
func (w *World) Forget() {
	for _, n := range w.learned {
		n.forgetNeighbours()
		clear(n.turned)
	}
	w.learned = w.learned[:0]
}
