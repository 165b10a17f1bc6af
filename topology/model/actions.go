package model

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/labfile"
	"labctl/topology/model/sim"
)

// sending is forged frames that were sent, or are being sent.
type sending struct {
	node string
	name string // by which listeners know the frame
	left bool
	stop func()
}

// do does what an action of a step does. It returns false, with the reason, where the model cannot.
func (m *Model) do(what any) {
	switch do := what.(type) {
	case *labfile.Flush:
		for _, f := range do.Nodes {
			for _, table := range f.What {
				m.flush(f.Node, table)
			}
		}
	case *labfile.RunAction:
		m.world.Stain(sim.Run, "%s runs %q", do.Node, do.Sh)
		m.world.Foreign(do.Node, sim.Run, "a command has run in "+do.Node)
		m.ran[do.Node] = true
	case *labfile.Stream:
		m.stream(do)
	case *topology.Send:
		m.send(do)
	case *labfile.Restart:
		if err := m.Become(m.lab, do.Nodes...); err != nil {
			m.world.Stain(sim.NotModelled, "%s", err)
		}
	case *labfile.Stop:
		m.stop(do)
	case *topology.ARPSpoof:
		m.spoof(do)
	default:
		m.broken = sim.Doubt{Reason: sim.NotModelled, Why: fmt.Sprintf("an action, %T", what)}
	}
}

func (m *Model) flush(node, table string) {
	switch table {
	case "neigh":
		m.world.Tables().ForgetNeighbours(node)
	case "routes":
		m.world.Tables().ForgetRoutes(node)
	case "fdb":
		m.world.Tables().ForgetFDB(node)
	case "conntrack":
		m.world.Tables().ForgetConnections(node)
	}
}

// station is the address of who a frame is from or for.
func (m *Model) station(s topology.Station) switchcore.MAC {
	if s.Node == "" {
		return s.MAC
	}
	name := s.Interface
	if n := m.lab.Node(s.Node); n != nil && name == "" {
		switch {
		case n.Kind == topology.Bridge:
			name = n.Base()
		case len(n.Interfaces) == 1:
			name = n.Interfaces[0].Name
		}
	}
	l, _ := m.own.link(s.Node, name)
	return l.MAC
}

// send forges frames.
func (m *Model) send(a *topology.Send) {
	self, _ := m.own.link(a.From.Node, a.From.Interface)
	src := self.MAC
	if a.Src != (topology.Station{}) {
		src = m.station(a.Src)
	}
	frame := m.forge(a, src)
	s := &sending{node: a.From.Node, name: sim.NameOf(frame)}
	m.sent[a.Name] = s
	count := max(a.Count, 1)
	for k := range count {
		if a.Every > 0 && k > 0 {
			break
		}
		_, s.left = m.world.SendFrame(a.From.Node, a.From.Interface, frame)
	}
	if a.Every > 0 && (a.Endless || count > 1) {
		left := count - 1
		s.stop = m.world.Repeat(a.Every, 0, func() bool {
			m.world.Put(a.From.Node, a.From.Interface, frame)
			left--
			return a.Endless || left > 0
		})
	}
}

// forge builds the frame of a send.
func (m *Model) forge(a *topology.Send, src switchcore.MAC) []byte {
	const minimum, vlanType, arpType, ipType = 60, 0x8100, 0x0806, 0x0800
	dst := m.station(a.Dst)
	typ, payload := a.Type, a.Payload
	switch {
	case a.Echo != nil && a.Echo.From.Is4():
		typ, payload = ipType, sim.BareEcho(a.Echo.From, a.Echo.To)
	case a.Echo != nil:
		m.world.Stain(sim.NotModelled, "echoes of IPv6")
	case a.ARP != nil:
		typ, payload = arpType, m.arpPacket(a.ARP)
	}
	frame := append(append(make([]byte, 0, minimum), dst[:]...), src[:]...)
	if a.VLAN != 0 {
		frame = binary.BigEndian.AppendUint16(frame, vlanType)
		frame = binary.BigEndian.AppendUint16(frame, uint16(a.VLAN))
	}
	frame = append(binary.BigEndian.AppendUint16(frame, typ), payload...)
	if n := minimum - len(frame); n > 0 {
		frame = append(frame, make([]byte, n)...)
	}
	return frame
}

// arpPacket is RFC 826's packet for IPv4 over Ethernet.
func (m *Model) arpPacket(a *topology.ARP) []byte {
	pkt := []byte{0, 1, 8, 0, 6, 4, byte(a.Op >> 8), byte(a.Op)}
	for _, half := range []struct {
		who topology.Station
		ip  netip.Addr
	}{{a.SenderMAC, a.SenderIP}, {a.TargetMAC, a.TargetIP}} {
		mac, ip := m.station(half.who), [4]byte{}
		if half.ip.Is4() {
			ip = half.ip.As4()
		}
		pkt = append(append(pkt, mac[:]...), ip[:]...)
	}
	return pkt
}

// stop ends what goes on in the background.
func (m *Model) stop(a *labfile.Stop) {
	switch {
	case m.streams[a.Name] != nil:
		m.streams[a.Name].stop()
		delete(m.streams, a.Name)
	case m.spoofs[a.Name] != nil:
		m.spoofs[a.Name].end(m, a.Silent)
		delete(m.spoofs, a.Name)
	case m.sent[a.Name] != nil && m.sent[a.Name].stop != nil:
		m.sent[a.Name].stop()
	}
}

// spoof is unsolicited ARP replies that are repeated.
type spoof struct {
	from  topology.Target
	lies  [][]byte
	truth []correction
	stop  func()
}

// correction is a reply that tells a victim where an address is.
type correction struct {
	frame  []byte
	victim string
	ip     netip.Addr
	mac    switchcore.MAC
}

// The times of package reach: how much longer than the others the first pause between lies is, and how the truth is
// told.
const (
	afterLock     = 20 * time.Millisecond
	corrections   = 13
	betweenTruths = 100 * time.Millisecond
)

// spoof begins to lie.
func (m *Model) spoof(a *topology.ARPSpoof) {
	self, _ := m.own.link(a.From.Node, a.From.Interface)
	victim, claimed := m.resident(a.Victim, self), m.resident(a.Claims, self)
	s := &spoof{from: a.From}
	s.forge(self.MAC, victim, claimed)
	if a.Both {
		s.forge(self.MAC, claimed, victim)
	}
	every := a.Every
	if every <= 0 {
		every = time.Second
	}
	for _, f := range s.lies {
		m.world.SendFrame(a.From.Node, a.From.Interface, f)
	}
	s.stop = m.world.Repeat(every, afterLock, func() bool {
		for _, f := range s.lies {
			m.world.Put(a.From.Node, a.From.Interface, f)
		}
		return true
	})
	m.spoofs[a.Name] = s
}

// resident is somebody on a segment.
type resident struct {
	ip   netip.Addr
	mac  switchcore.MAC
	node string
}

// resident finds the address that a target has on the segment of an interface.
func (m *Model) resident(t topology.Target, at sim.Link) resident {
	if e := m.lab.Entry(t.Name); t.Name != "" && e != nil {
		return resident{ip: e.IP, mac: e.MAC}
	}
	for _, l := range m.own.links[t.Node] {
		if t.Interface != "" && l.Name != t.Interface {
			continue
		}
		for _, p := range l.IPs {
			ip := p.Addr()
			if ip.IsLoopback() || len(at.IPs) > 0 &&
				!slices.ContainsFunc(at.IPs, func(s netip.Prefix) bool { return s.Contains(ip) }) {
				continue
			}
			return resident{ip, l.MAC, t.Node}
		}
	}
	return resident{}
}

// forge adds the lie that an address is at liar's, and what corrects it.
func (s *spoof) forge(liar switchcore.MAC, victim, claimed resident) {
	s.lies = append(s.lies, sim.UnaskedReply(liar, liar, victim.mac, claimed.ip, victim.ip))
	if !claimed.mac.IsZero() {
		s.truth = append(s.truth, correction{sim.UnaskedReply(liar, claimed.mac, victim.mac, claimed.ip, victim.ip),
			victim.node, claimed.ip, claimed.mac})
	}
}

// end ends the lies; unless silent, the victims are told the truth until they believe it.
func (s *spoof) end(m *Model, silent bool) {
	s.stop()
	for left := corrections; !silent && len(s.truth) > 0 && left > 0; left-- {
		for _, c := range s.truth {
			m.world.SendFrame(s.from.Node, s.from.Interface, c.frame)
		}
		if s.believed(m) {
			return
		}
		m.world.Pass(betweenTruths)
	}
}

// believed reports whether all victims are nodes whose tables have no lie any more.
func (s *spoof) believed(m *Model) bool {
	for _, c := range s.truth {
		if c.victim == "" {
			return false
		}
		for _, e := range m.world.Tables().Neighbours(c.victim, c.ip) {
			if e.MAC != c.mac {
				return false
			}
		}
	}
	return true
}
