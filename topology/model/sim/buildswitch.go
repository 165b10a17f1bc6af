package sim

import (
	"fmt"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/state"
)

// addSwitch makes a virtual switch. Its guests are not plugged in yet.
func (w *World) addSwitch(n *node, s *state.Switch) error {
	core, err := switchcore.New(s.Config)
	if err != nil {
		return fmt.Errorf("%s: %w", n.name, err)
	}
	n.sw = &vswitch{node: n, core: core, byID: map[switchcore.PortID]*switchPort{}}
	n.sw.plan(w, s)
	return nil
}

// plan gives a switch its ports.
func (v *vswitch) plan(w *World, s *state.Switch) {
	v.conf = s.Config
	v.ports = nil
	clear(v.byID)
	for i, p := range s.Ports {
		q := &switchPort{sw: v, name: p.Name, id: v.core.Lookup(p.Name), at: w.device(p.At.Node, p.At.Interface),
			far: w.device(p.Far.Node, p.Far.Interface), uplink: s.Config.Ports[i].Uplink, shared: p.Shared}
		v.ports, v.byID[q.id] = append(v.ports, q), q
		q.attached = q.at != nil && !(s.Config.Ports[i].Down && q.at.node != v.node)
	}
}

// attach opens the interfaces of all ports, and plugs the guests in: first all the interfaces, since who is plugged in
// may make the switch send.
func (v *vswitch) attach() {
	for _, p := range v.ports {
		if p.attached {
			p.open()
		}
	}
	for _, p := range v.ports {
		if p.attached {
			p.observe()
		}
	}
}

// open takes the interface of a port. A state knows of the promiscuity that this means.
func (p *switchPort) open() {
	d := p.at
	d.socket, d.shared = p, p.shared
	d.guarded = !p.shared && d.node != p.sw.node
	p.findInlet()
}

// findInlet finds the port of a shared bridge that the switch sends into; see [topology.InletOf].
func (p *switchPort) findInlet() {
	if d := p.at; p.shared && d.bridge != nil {
		p.inlet = d.node.byName[topology.InletOf(topology.End{Node: d.node.name, Interface: d.name}).Outer]
	}
}

// close lets go of the interface of a port.
func (p *switchPort) close() {
	d := p.at
	p.unplug()
	if d == nil || d.socket != p {
		return
	}
	d.socket, d.shared, d.guarded, p.inlet = nil, false, false, nil
}

// comeUp plugs all guests in and lets bridges say what they say when they come up.
func (w *World) comeUp() {
	for _, n := range w.nodes {
		if n.sw != nil {
			n.sw.attach()
		}
	}
	w.flow()
	for _, n := range w.nodes {
		for _, d := range n.devices {
			d.joinSnoopers()
		}
	}
	w.flow()
}

// joinSnoopers is the report of a bridge that it is a member of the group of all snoopers
// (br_ip4_multicast_join_snoopers, net/bridge/br_multicast.c; RFC 4286), by which others learn its address.
func (d *device) joinSnoopers() {
	if d.bridge == nil || !d.bridge.McastSnooping || !d.running() || d.node.kind == topology.VSwitch {
		return
	}
	var src uint32
	if len(d.addrs) > 0 {
		src = d.addrs[0].ip
	}
	const igmp, allRouters, allSnoopers = 2, 0xe0000016, 0xe000006a
	report := []byte{0x22, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0xe0, 0, 0, 0x6a}
	sumICMP(report)
	p := newPacket(src, allRouters, 1, igmp, report)
	d.transmit(ethernet(switchcore.MAC{0x01, 0x00, 0x5e, 0, 0, 0x16}, d.mac, typeIP, p))
	_ = uint32(allSnoopers)
}
