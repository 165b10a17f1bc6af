package sim

import (
	"slices"

	"labctl/switchcore"
)

// macvlan and macvtap: macvlan_handle_frame and macvlan_queue_xmit, drivers/net/macvlan.c. A macvtap that no program
// has open does as a macvlan (tap_handle_frame, drivers/net/tap.c).

// macvlanSend sends a frame of an upper interface. In mode bridge its siblings get it without the lower interface,
// which never does: what goes out does not come in.
func (d *device) macvlanSend(f frame) {
	d.lower.longForUppers(&f)
	low := d.lower
	if !low.up {
		return
	}
	f.in = nil
	if d.mode == "bridge" {
		if f.group() {
			low.macvlanCopies(f, d, "bridge")
		} else if to := low.upper(f.dst()); to != nil && to.mode == "bridge" {
			f.kind = toOther
			d.node.w.arrive(low, f) // dev_forward_skb: to be met there by those who listen, and then by the sibling
			return
		}
	}
	low.transmit(f)
}

// upper is the upper interface with an address.
func (d *device) upper(mac switchcore.MAC) *device {
	for _, u := range d.uppers {
		if u.up && u.mac == mac {
			return u
		}
	}
	return nil
}

// macvlanReceive hands what has come in by a lower interface to those above. It reports whether the lower's own stack
// goes on with it.
func (d *device) macvlanReceive(f *frame) (pass bool) {
	d.longForUppers(f)
	src := f.src()
	for _, u := range d.uppers { // macvlan_forward_source
		if u.mode == "source" && u.up && slices.Contains(u.sources, src) {
			c := *f
			if f.dst() == u.mac {
				c.kind = toHost
			}
			d.node.w.arrive(u, c)
		}
	}
	if f.group() {
		return d.macvlanGroup(f, d.upper(src))
	}
	var to *device
	if len(d.uppers) > 0 && d.uppers[0].mode == "passthru" {
		to = d.uppers[0]
	} else {
		to = d.upper(f.dst())
	}
	if to == nil || to.mode == "source" {
		return true
	}
	if to.up {
		c := *f
		c.kind = toHost
		d.node.w.arrive(to, c)
	}
	return false
}

// macvlanGroup hands a frame to a group to those above (macvlan_multicast_rx). One from an upper interface has come
// back from a switch: what its mode let out of reach of siblings they get now. Of mode private, passthru and source
// only the sender itself meets it again.
func (d *device) macvlanGroup(f *frame, from *device) (pass bool) {
	switch {
	case from == nil:
		d.macvlanCopies(*f, nil, "private", "vepa", "passthru", "bridge")
	case from.mode == "vepa":
		d.macvlanCopies(*f, from, "vepa", "bridge")
	case from.mode == "bridge":
		d.macvlanCopies(*f, from, "vepa")
	default:
		c := *f
		c.kind = c.kindAt(from.mac)
		d.node.w.arrive(from, c)
		return false
	}
	return true
}

// macvlanCopies hands copies to the upper interfaces of some modes.
func (d *device) macvlanCopies(f frame, except *device, modes ...string) {
	for _, u := range d.uppers {
		if u == except || !u.up || !slices.Contains(modes, u.mode) {
			continue
		}
		c := f
		c.kind = c.kindAt(u.mac)
		d.node.w.arrive(u, c)
	}
}

// longForUppers doubts a frame that is longer than one of those takes that are stacked on an interface: which of them
// the kernel measures is not modelled.
func (d *device) longForUppers(f *frame) {
	for _, u := range append([]*device{d}, d.uppers...) {
		if len(f.data)-etherLen > u.mtu {
			d.node.w.doubt(NotModelled, "a frame of %d bytes comes to %s:%s, which takes %d", len(f.data), u.node.name,
				u.name, u.mtu)
		}
	}
}
