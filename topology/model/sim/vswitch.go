package sim

import (
	"slices"

	"labctl/switchcore"
)

// minFrame is what a virtual switch pads to on its uplinks (IEEE 802.3, 3.2.8).
const minFrame = 60

// take has the switch judge a frame.
func (p *switchPort) take(f frame) {
	if !p.attached {
		return
	}
	s, w := p.sw, p.at.node.w
	v := s.core.Forward(w.aged(), p.id, switchcore.Frame{Data: f.data, TCI: f.tci, Tagged: f.tagged})
	for _, out := range v.Out {
		s.byID[out.Port].put(f.data, out)
	}
	if r := v.Input(); r != switchcore.None {
		w.dropped(s, p.name, r, &f)
	}
	for _, lost := range v.Lost {
		w.dropped(s, s.byID[lost.Port].name, lost.Reason, &f)
	}
	s.announce()
}

// dropped notes a frame that a switch has dropped.
func (w *World) dropped(s *vswitch, port string, r switchcore.Reason, f *frame) {
	_, _, function := r.ESXi()
	length := len(f.data)
	if f.tagged {
		length += 4
	}
	w.drops = append(w.drops, Drop{Node: s.node.name, Port: port, Reason: r.String(), Function: function,
		Length: length, Src: f.src(), Dst: f.dst()})
}

// put sends a copy by a port.
func (p *switchPort) put(data []byte, out switchcore.Output) {
	if p == nil || !p.attached {
		return
	}
	f := frame{data: data, tci: out.TCI, tagged: out.Tagged}
	if n := minFrame - len(data); p.uplink && n > 0 {
		f.data = append(slices.Clone(data), make([]byte, n)...)
	}
	if len(data)-etherLen > p.at.mtu || p.inlet != nil && len(data)-etherLen > p.inlet.mtu {
		p.at.node.w.doubt(NotModelled, "%s sends a frame of %d bytes by %s, which takes less", p.sw.node.name,
			len(data), p.at.name) // packet_snd (net/packet/af_packet.c)
	}
	switch {
	case p.inlet != nil:
		f.kind, f.own = f.kindAt(p.inlet.mac), p
		p.at.node.w.arrive(p.inlet, f)
	case p.shared:
		p.at.node.w.doubt(NotModelled, "%s shares %s:%s, which is not a bridge", p.sw.node.name, p.at.node.name,
			p.at.name)
	default:
		p.at.transmit(f)
	}
}

// announce sends what the switch itself has to say.
func (s *vswitch) announce() {
	for _, a := range s.core.Announcements() {
		for _, out := range a.Outputs {
			s.byID[out.Port].put(a.Frame, out)
		}
	}
}

// observe tells the switch what the guest behind a port has programmed into its adapter, and whether there is a
// carrier.
func (p *switchPort) observe() {
	s, now := p.sw, p.at.node.w.aged()
	if !p.attached {
		return
	}
	filter := switchcore.Filter{}
	if p.far != nil {
		filter = switchcore.Filter{MAC: p.far.mac, Promiscuous: p.far.promiscuous(), AllMulti: true}
	}
	if p.plugged {
		s.core.SetFilter(now, p.id, filter)
	} else {
		s.core.Connect(now, p.id, filter)
		p.plugged = true
	}
	s.core.SetLink(now, p.id, p.at.running())
	s.announce()
}

// unplug takes the adapter from a port.
func (p *switchPort) unplug() {
	if p.plugged {
		p.sw.core.Disconnect(p.at.node.w.aged(), p.id)
	}
	p.plugged = false
}
