package sim

import (
	"time"

	"labctl/switchcore"
)

// A Linux bridge: br_handle_frame and br_handle_frame_finish (net/bridge/br_input.c), br_dev_xmit (br_device.c),
// br_flood and br_forward (br_forward.c), br_fdb_update (br_fdb.c). Without VLAN filtering, and without a querier, so
// that what goes to a group is flooded (br_multicast_querier_exists, br_private.h).

// traffic is what a frame is to a bridge.
type traffic int

const (
	unicast traffic = iota
	multicastTraffic
	broadcastTraffic
)

func trafficOf(f *frame) traffic {
	switch {
	case f.broadcast():
		return broadcastTraffic
	case f.group():
		return multicastTraffic
	}
	return unicast
}

// linkLocal reports whether a frame is for a group that stays on its link (IEEE 802.1Q, table 8-1).
func linkLocal(mac switchcore.MAC) bool {
	return [5]byte(mac[:5]) == [5]byte{0x01, 0x80, 0xc2, 0, 0} && mac[5] < 16
}

// input takes a frame that has come in by a port. It reports whether the port's own stack goes on with it.
func (b *bridge) input(p *device, f *frame) (pass bool) {
	br := p.master
	if src := f.src(); src.IsZero() || src[0]&1 != 0 {
		return false // is_valid_ether_addr
	}
	if dst := f.dst(); linkLocal(dst) && !b.forwardsLinkLocal(p, dst[5]) {
		if dst[5] == 0 && b.STP {
			br.node.w.doubt(NotModelled, "%s has a spanning tree, and was sent a message of one", br.node.name)
		}
		if dst[5] == 1 {
			return false // IEEE 802.3 pause
		}
		if p.port.Learning && p.port.learns() {
			b.learn(p, f.src())
		}
		return true
	}
	if b.odd != "" {
		br.node.w.doubt(NotModelled, "%s", b.odd)
	}
	if !p.port.learns() || !br.up {
		return false
	}
	if f.dst() == br.mac {
		f.kind = toHost
	}
	f.in = p
	if !b.passes(p, f, hookPre) {
		return false
	}
	b.finish(br, p, f)
	return false
}

// forwardsLinkLocal reports whether a frame to such a group is forwarded as others are. The group of 802.1D itself is
// where the bridge has no spanning tree.
func (b *bridge) forwardsLinkLocal(p *device, last byte) bool {
	if last == 1 {
		return false
	}
	return last == 0 && !b.STP || (b.GroupFwdMask|p.port.groupFwd)>>last&1 == 1
}

// learns reports whether a port takes frames at all: it is forwarding, or learning.
func (p *port) learns() bool { return p.state == "forwarding" || p.state == "learning" }

// finish learns from a frame and sends it on.
func (b *bridge) finish(br, p *device, f *frame) {
	w := br.node.w
	if p.port.Locked {
		if e := b.find(w, f.src()); e == nil || e.local || e.port != p {
			return
		}
	}
	if p.port.Learning {
		b.learn(p, f.src())
	}
	promisc := br.promiscuous()
	local := promisc
	kind := trafficOf(f)
	if kind != unicast {
		local = true
	}
	if p.port.state == "learning" {
		return
	}
	if kind == unicast {
		if e := b.find(w, f.dst()); e != nil {
			if e.local {
				b.up(br, *f)
				return
			}
			b.forward(e.port, p, *f)
			if local {
				b.up(br, *f)
			}
			return
		}
	}
	b.flood(kind, p, *f)
	if local {
		b.up(br, *f)
	}
}

// send sends a frame of the bridge device itself.
func (b *bridge) send(br *device, f frame) {
	kind := trafficOf(&f)
	if b.odd != "" {
		br.node.w.doubt(NotModelled, "%s", b.odd)
	}
	f.in = nil
	if kind == unicast {
		if e := b.find(br.node.w, f.dst()); e != nil {
			if e.port != nil {
				b.forward(e.port, nil, f)
			}
			return
		}
	}
	b.flood(kind, nil, f)
}

// flood sends a frame to every port that takes such ones; from is nil for the bridge device's own, to which the flags
// of groups do not apply.
func (b *bridge) flood(kind traffic, from *device, f frame) {
	for _, p := range b.ports {
		switch {
		case kind == unicast && !p.port.Flood, kind == multicastTraffic && !p.port.McastFlood && from != nil,
			kind == broadcastTraffic && !p.port.BcastFlood && from != nil:
			continue
		}
		b.forward(p, from, f)
	}
}

// forward sends a frame by a port, if the port may have it (should_deliver) and its interface takes one of that length
// (br_dev_queue_push_xmit).
func (b *bridge) forward(to, from *device, f frame) {
	if to == from && !to.port.Hairpin || to.port.state != "forwarding" {
		return
	}
	if from != nil && from.port.Isolated && to.port.Isolated {
		return
	}
	const tag = 4
	if long := len(f.data)-etherLen > to.mtu; long && from != nil && from.node.bridged {
		from.node.w.doubt(NotModelled, "br_netfilter of %s has a frame that %s does not take", from.node.name, to.name)
	}
	if len(f.data)-etherLen > to.mtu+tag {
		return
	}
	if from == nil && !b.passesOut(to, &f) || from != nil && !b.passesThrough(from, to, &f) {
		return
	}
	to.transmit(f)
}

// up hands a frame to the bridge device (br_pass_frame_up).
func (b *bridge) up(br *device, f frame) {
	if !b.passes(br, &f, hookLocal) {
		return
	}
	br.receiveUp(f)
}

// receiveUp is what happens to a frame that a bridge hands up: it has come in by the bridge device.
func (d *device) receiveUp(f frame) { d.node.w.arrive(d, f) }

// learn notes where a source is. With an ageing time of 0 nothing is learned. The bridge's own addresses stay.
func (b *bridge) learn(p *device, src switchcore.MAC) {
	if b.Ageing == 0 {
		return
	}
	now := p.node.w.aged()
	if e := b.fdb[src]; e != nil {
		if e.local {
			return
		}
		e.port, e.seen = p, now
		return
	}
	b.fdb[src] = &fdbEntry{port: p, seen: now}
}

// doubtful is how near to the end of an entry's time an answer must not hang on it.
const doubtful = time.Second

// find looks an address up. What is too old has been taken away (br_fdb_cleanup).
func (b *bridge) find(w *World, mac switchcore.MAC) *fdbEntry {
	e := b.fdb[mac]
	if e == nil || e.local || e.static {
		return e
	}
	left := e.seen + b.Ageing - w.aged()
	if b.Ageing > 0 && left < doubtful && left > -doubtful {
		w.doubt(Timing, "what the bridge knows of %s is about to be forgotten", mac)
	}
	if left <= 0 {
		return nil
	}
	return e
}

// forget takes what was learned on a port away (br_fdb_delete_by_port).
func (b *bridge) forget(p *device) {
	for mac, e := range b.fdb {
		if e.port == p && !e.static && !e.local {
			delete(b.fdb, mac)
		}
	}
}

// promiscuous reports whether an interface takes everything.
func (d *device) promiscuous() bool { return d.asked+d.listened > 0 }
