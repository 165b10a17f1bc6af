package sim

import (
	"fmt"

	"labctl/topology"
	"labctl/topology/state"
)

// Devices hand frames on: dev_queue_xmit and __netif_receive_skb_core, both in net/core/dev.c.

// running reports whether an interface sends: one that is down has no queue, and one without a carrier the queue that
// drops all (noop_qdisc, net/sched/sch_generic.c).
func (d *device) running() bool { return d.up && d.carrier }

// transmit sends a frame by an interface.
func (d *device) transmit(f frame) {
	d.node.mayDiffer()
	if !d.running() {
		return
	}
	if f = d.node.egress(d, f); f.data == nil {
		return
	}
	d.heard(&f, true)
	if d.socket != nil && d.shared && f.own != d.socket {
		d.node.w.queueAt(d.socket, f)
	}
	switch d.kind {
	case topology.Veth:
		d.cable(f)
	case topology.BridgeLink:
		d.bridge.send(d, f)
	case topology.Macvlan, topology.Macvtap:
		d.macvlanSend(f)
	case state.Loopback:
		d.node.w.arrive(d, f)
	default:
		d.node.w.doubt(NotModelled, "%s:%s is of kind %s", d.node.name, d.name, d.kind)
	}
}

// cable carries a frame to the other end of a veth pair (veth_xmit, drivers/net/veth.c), which takes what is at most a
// VLAN tag longer than its MTU (__is_skb_forwardable, net/core/dev.c).
func (d *device) cable(f frame) {
	const tag = 4
	far := d.peer
	if far == nil || !far.up || len(f.data)-etherLen > far.mtu+tag {
		return
	}
	f.kind, f.in, f.isOnly, f.own = f.kindAt(far.mac), nil, false, d.ownAcross(f.own)
	d.node.w.arrive(far, f)
}

// ownAcross is who a frame is known to be from beyond a cable: a mark ends at the border of a namespace
// (skb_scrub_packet, net/core/skbuff.c).
func (d *device) ownAcross(own *switchPort) *switchPort {
	if d.peer.node != d.node {
		return nil
	}
	return own
}

// receive takes a frame that has come in by an interface.
func (d *device) receive(f frame) {
	if !d.up {
		return
	}
	d.node.mayDiffer()
	f.untag()
	d.heard(&f, false)
	if d.socket != nil && f.own != d.socket {
		d.node.w.queueAt(d.socket, f)
	}
	if d.guarded || d.node.sw != nil {
		return // nftables keeps it from the holder; a switch's own namespace has no addresses
	}
	if f = d.node.ingress(d, f); f.data == nil {
		return
	}
	if f.tagged && d.hasVLAN(f.tci) {
		d.node.w.doubt(NotModelled, "%s has a VLAN interface on %s", d.node.name, d.name)
		return
	}
	if d.port != nil {
		if d.bridge == nil && !d.master.bridge.input(d, &f) {
			return
		}
	} else if len(d.uppers) > 0 && !d.macvlanReceive(&f) {
		return
	}
	d.deliver(f)
}

// hasVLAN reports whether a VLAN interface takes frames with that tag.
func (d *device) hasVLAN(uint16) bool {
	for _, u := range d.uppers {
		if u.kind == topology.VLAN {
			return true
		}
	}
	return false
}

// deliver hands a frame to the protocols of its node. One with a tag that nobody has an interface for is another
// host's, but with that of VLAN 0 it is as if it had none.
func (d *device) deliver(f frame) {
	if f.tagged && f.tci&0xfff != 0 {
		f.kind = toOther
	}
	switch f.ethertype() {
	case typeARP:
		d.node.w.toldARP(d, &f)
		d.receiveARP(&f)
	case typeIP:
		d.receiveIP(&f)
	}
}

// toldARP tells whoever listens for answers.
func (w *World) toldARP(d *device, f *frame) {
	if w.onARP != nil {
		w.onARP(d, f)
	}
}

// heard notes a frame at an interface that somebody listens on.
func (d *device) heard(f *frame, leaves bool) {
	if !d.hears {
		return
	}
	name := nameOf(f)
	if leaves {
		d.left[name]++
	} else {
		d.arrived[name]++
	}
}

// nameOf is what tells a frame from others wherever it is met. An echo request of the prober has its key; of others it
// is all but tags and padding, since a switch may add or take both.
func nameOf(f *frame) string {
	b := f.data
	if f.ethertype() == typeIP && len(b) >= etherLen+ipLen+8 && b[23] == protoICMP && b[34] == icmpEcho {
		if key := keyOf(b[34:]); key != 0 {
			return KeyName(key)
		}
	}
	end := len(b)
	for end > etherLen && b[end-1] == 0 {
		end--
	}
	return string(b[:end])
}

// KeyName is by what listeners know an echo request with that key; one of a stream by its identifier alone.
func KeyName(key uint32) string {
	if key&streamBit != 0 {
		return fmt.Sprintf("stream:%d", key>>16)
	}
	return fmt.Sprintf("echo:%d", key)
}

// streamBit is in the keys of requests of streams.
const streamBit = 1 << 31
