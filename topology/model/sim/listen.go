package sim

import (
	"net/netip"
	"slices"

	"labctl/switchcore"
	"labctl/topology"
)

// Ear is a listener on an interface.
type Ear struct {
	d       *device
	promisc bool
}

// Listen opens a listener. A promiscuous one is a request to whatever is behind the interface.
func (w *World) Listen(name, iface string, promiscuous bool) (Ear, bool) {
	d := w.device(name, iface)
	if d == nil || !d.up {
		return Ear{}, false
	}
	if !d.hears {
		d.hears, d.arrived, d.left = true, map[string]int{}, map[string]int{}
	}
	e := Ear{d, promiscuous}
	if promiscuous {
		d.wants(1)
	}
	return e, true
}

// Close closes listeners.
func (w *World) Close(ears []Ear) {
	for _, e := range ears {
		e.d.hears = false
		if e.promisc {
			e.d.wants(-1)
		}
	}
}

// Heard is how many frames of a name have come in by the interface, and have left by it, since it is listened on.
func (e Ear) Heard(name string) (arrived, left int) { return e.d.arrived[name], e.d.left[name] }

// Counts reports whether the model knows how often a tap has a frame there: at a veth that nothing is stacked on.
func (e Ear) Counts() bool { return e.d.kind == topology.Veth && len(e.d.uppers) == 0 }

// wants changes how many want an interface to be promiscuous; a macvlan passes it on to what it sits on, unless that
// has to take everything anyway (macvlan_change_rx_flags).
func (d *device) wants(by int) {
	d.listened += by
	for _, n := range d.node.w.nodes {
		if n.sw == nil {
			continue
		}
		for _, p := range n.sw.ports {
			if p.far == d {
				p.observe()
			}
		}
	}
	if d.lower != nil && d.kind != topology.VLAN && d.mode != "passthru" {
		d.lower.wants(by)
	}
}

// SendFrame sends a frame by an interface, as a packet socket does, and moves frames until none is under way. It
// returns by what name listeners know it; left is false if the interface does not send.
func (w *World) SendFrame(name, iface string, data []byte) (known string, left bool) {
	d := w.device(name, iface)
	if d == nil {
		return "", false
	}
	w.handled, w.storming = 0, false
	f := frame{data: data}
	known, left = NameOf(data), d.running()
	d.transmit(f)
	w.settle()
	return known, left
}

// NameOf is by what listeners know a frame.
func NameOf(data []byte) string {
	f := frame{data: data}
	f.untag()
	return nameOf(&f)
}

// WhoHas asks for an address by a broadcast request that a packet socket sends, and returns the MACs of those who
// answer, in their order. ok is false where the interface is down: the socket refuses (ENETDOWN, packet(7)).
func (w *World) WhoHas(name, iface string, src, dst netip.Addr) (macs []switchcore.MAC, ok bool) {
	d := w.device(name, iface)
	if d == nil || !d.up {
		return nil, false
	}
	w.handled, w.storming = 0, false
	w.onARP = func(at *device, f *frame) {
		a := parseARP(f)
		answers := at == d && a.op == arpReply && a.sip == number(dst) && a.tip == number(src)
		if answers && !slices.Contains(macs, a.sha) {
			macs = append(macs, a.sha)
		}
	}
	f := arpFrame(broadcastMAC, d.mac, arp{op: arpRequest, sha: d.mac, sip: number(src), tip: number(dst)})
	f.data = append(f.data, make([]byte, minFrame-len(f.data))...)
	for range 3 {
		d.transmit(f)
		w.settle()
		if len(macs) > 0 {
			break
		}
	}
	w.onARP = nil
	return macs, true
}

// ForgetNeighbours empties the table of one node.
func (t Tables) ForgetNeighbours(name string) {
	if n := t.w.node(name); n != nil {
		n.forgetNeighbours()
	}
}

// ForgetRoutes takes away what redirects have taught a node.
func (t Tables) ForgetRoutes(name string) {
	if n := t.w.node(name); n != nil {
		clear(n.turned)
	}
}

// ForgetFDB empties the tables of the bridges of a node, and of a virtual switch, of what was learned.
func (t Tables) ForgetFDB(name string) {
	n := t.w.node(name)
	if n == nil {
		return
	}
	if n.sw != nil {
		n.sw.core.FlushTable(t.w.aged())
	}
	for _, d := range n.devices {
		if d.bridge == nil {
			continue
		}
		for _, p := range d.bridge.ports {
			d.bridge.forget(p)
		}
	}
}

// ForgetConnections empties the connection tracking of a node.
func (t Tables) ForgetConnections(name string) {
	if n := t.w.node(name); n != nil {
		clear(n.known)
	}
}
