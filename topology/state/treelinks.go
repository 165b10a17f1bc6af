package state

import (
	"fmt"
	"slices"

	"labctl/switchcore"
	"labctl/topology"
)

// treeBridges are the bridges that take part in spanning trees, with their ports and who hears those.
func (m *maker) treeBridges() []*treeBridge {
	var out []*treeBridge
	at := map[End]*treePort{}
	for _, n := range m.state.Nodes {
		for k := range n.Interfaces {
			br := &n.Interfaces[k]
			if br.Bridge == nil || !br.Bridge.STP || !br.Up {
				continue
			}
			b := &treeBridge{Bridge: br.Bridge}
			for _, name := range slices.Backward(br.Bridge.Ports) {
				i := n.Interface(name)
				if i.Port.State == "disabled" {
					continue
				}
				p := &treePort{at: End{n.Name, name}, of: b, i: i, id: portID(i.Port)}
				p.holds = heard{b.ID, 0, b.ID, p.id}
				b.ports = append(b.ports, p)
				at[p.at] = p
			}
			out = append(out, b)
		}
	}
	m.connect(out, at)
	for _, b := range out {
		b.ports = slices.DeleteFunc(b.ports, func(p *treePort) bool {
			if p.i.Port.Role == "disabled" {
				p.i.Port.State = "disabled"
			}
			return p.i.Port.Role == "disabled"
		})
	}
	return out
}

// portID is the identifier of a port: its priority and its number (br_make_port_id, net/bridge/br_stp_if.c).
func portID(p *Port) string { return fmt.Sprintf("%04x", p.Priority<<10|p.Number) }

// connect finds out which ports hear which. A port that is guarded is switched off by the first message, which comes
// before anybody knows of a better root (br_stp_rcv, net/bridge/br_stp_bpdu.c).
func (m *maker) connect(bridges []*treeBridge, at map[End]*treePort) {
	off := map[*treePort]bool{}
	for _, b := range bridges {
		for _, p := range b.ports {
			for _, e := range m.hearers(p.at) {
				if q := at[e]; q != nil && q.i.Port.BPDUGuard {
					q.i.Port.Role, off[q] = "disabled", true
				} else if q != nil {
					p.hears = append(p.hears, q)
				}
			}
		}
	}
	for _, b := range bridges {
		for _, p := range b.ports {
			if off[p] {
				p.hears = nil
			}
		}
	}
}

// hearers are the ports of bridges with a tree that hear what a port says: at the other end of its cable, or beyond
// bridges without a tree, which pass it on (br_handle_frame, net/bridge/br_input.c), and virtual switches that do.
func (m *maker) hearers(from End) (out []End) {
	passed := map[End]bool{}
	var arrive func(e End)
	leave := func(e End) {
		if i := m.at(e); i != nil && i.Peer != (End{}) {
			arrive(i.Peer)
		}
		for _, far := range m.tunnelPeers[topology.End(e)] {
			arrive(End(far))
		}
	}
	arrive = func(e End) {
		if passed[e] || e == from {
			return
		}
		passed[e] = true
		i := m.at(e)
		if i == nil || !i.Carrier {
			return
		}
		if n := m.lab.Node(e.Node); n.Switch != nil {
			for _, next := range passedOn(n, e) {
				leave(next)
			}
			return
		}
		if i.Master == "" {
			return
		}
		br := m.at(End{e.Node, i.Master})
		switch {
		case br.Bridge.STP:
			out = append(out, e)
		case br.Up:
			for _, name := range br.Bridge.Ports {
				if name != i.Name {
					leave(End{e.Node, name})
				}
			}
		}
	}
	leave(from)
	return out
}

// passedOn are the ends by which a virtual switch sends a message of a spanning tree that came in at one: the switch
// itself is asked.
func passedOn(n *topology.Node, in End) (out []End) {
	s, err := switchcore.New(n.Switch.Config)
	if err != nil {
		return nil
	}
	at := switchcore.NoPort
	for _, p := range n.Switch.Ports {
		id := s.Lookup(p.Name)
		if End(p.At) == in {
			at = id
		}
		s.Connect(0, id, switchcore.Filter{AllMulti: true})
		s.SetLink(0, id, true)
	}
	bpdu := make([]byte, 60)
	copy(bpdu, []byte{0x01, 0x80, 0xc2, 0, 0, 0, 0xfe, 0, 0, 0, 0, 1, 0, 38, 0x42, 0x42, 3})
	for _, o := range s.Forward(0, at, switchcore.Frame{Data: bpdu}).Out {
		for _, p := range n.Switch.Ports {
			if s.Lookup(p.Name) == o.Port {
				out = append(out, End(p.At))
			}
		}
	}
	return out
}
