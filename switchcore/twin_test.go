package switchcore

import (
	"encoding/binary"
	"slices"
	"time"
)

// twin is a switch written down a second time, from the description and not from the code: no tables, no indexes,
// nothing kept that can be computed again. It answers each frame by walking over everything.
type twin struct {
	c       Config
	ports   []*twinPort
	learned []twinEntry
	pruned  time.Duration
}

type twinPort struct {
	Port
	id      PortID
	plugged bool
	carrier bool
	asked   Filter
	vlan    VLAN // as it was when its entries were learned
}

type twinEntry struct {
	mac  MAC
	vlan int
	port string
	seen time.Duration
}

type twinVerdict struct {
	out  []Output
	lost []Loss
	drop Reason
}

// newTwin follows s, which has just been made, and has the same PortIDs.
func newTwin(c Config, s *Switch) *twin {
	t := &twin{}
	t.configure(0, c, s)
	return t
}

func (t *twin) configure(now time.Duration, c Config, s *Switch) {
	old, aware := t.ports, t.ports != nil && t.aware()
	t.c, t.ports = c, nil
	for _, p := range c.Ports {
		n := &twinPort{Port: p, id: s.Lookup(p.Name), carrier: true, plugged: p.Uplink}
		for _, o := range old {
			if o.Name == p.Name {
				n.plugged, n.carrier, n.asked, n.vlan = o.plugged, o.carrier, o.asked, o.vlan
			}
		}
		t.ports = append(t.ports, n)
	}
	if t.aware() != aware {
		t.learned = nil // what was learned without looking at tags may be in any VLAN
	}
	t.prune(now)
}

func (t *twin) byName(name string) *twinPort {
	for _, p := range t.ports {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// ask is what the nearest level says: port, group, switch.
func ask[T any](t *twin, p *twinPort, key func(*Spec) *T, otherwise T) T {
	levels := [3]*Spec{&p.Spec, &t.c.Spec, &t.c.Spec}
	for i := range t.c.Groups {
		if t.c.Groups[i].Name == p.Group {
			levels[1] = &t.c.Groups[i].Spec
		}
	}
	for _, l := range levels {
		if v := key(l); v != nil {
			return *v
		}
	}
	return otherwise
}

func (t *twin) accepts(p *twinPort, key func(*Spec) *bool) bool {
	return ask(t, p, key, t.c.Profile == Learning)
}

func (t *twin) promiscuous(p *twinPort) bool {
	return (p.asked.Promiscuous || t.c.PromiscuousAssumed) && t.accepts(p, func(s *Spec) *bool { return s.Promiscuous })
}

func (t *twin) learns(p *twinPort) bool {
	return t.c.Profile == Learning || !p.Uplink && ask(t, p, func(s *Spec) *bool { return s.Learning.Enabled }, false)
}

func (t *twin) flooded(p *twinPort) bool {
	return t.learns(p) && ask(t, p, func(s *Spec) *bool { return s.Learning.Flooding }, true)
}

func (t *twin) vlanOf(p *twinPort) VLAN {
	return ask(t, p, func(s *Spec) *VLAN { return s.VLAN }, VLAN{})
}

func (t *twin) check(p *twinPort) SourceCheck {
	return ask(t, p, func(s *Spec) *SourceCheck { return s.SourceCheck }, SourceCheck{})
}

// blocked: by the administrator, or because the guest changed its address and may not.
func (t *twin) blocked(p *twinPort) bool {
	if p.Uplink {
		return ask(t, p, func(s *Spec) *bool { return s.Blocked }, false)
	}
	return ask(t, p, func(s *Spec) *bool { return s.Blocked }, false) ||
		p.asked.MAC != p.Initial && !t.accepts(p, func(s *Spec) *bool { return s.MACChanges })
}

func (t *twin) up(p *twinPort) bool { return p.plugged && p.carrier && !p.Down }

func (t *twin) enabled(p *twinPort) bool { return t.up(p) && !t.blocked(p) }

// aware: somebody has said something of VLANs; else a learning switch lets tags pass.
func (t *twin) aware() bool {
	if t.c.Profile != Learning {
		return true
	}
	for _, p := range t.ports {
		if t.vlanOf(p).Mode != Untagged || t.vlanOf(p).ID != 0 {
			return true
		}
	}
	return false
}

// pvlan is the private VLAN of a secondary or primary id, and what that id is in it: 'p', 'i', or the community.
func (t *twin) pvlan(id int) (primary, role int) {
	for _, v := range t.c.PVLANs {
		if v.Primary == id {
			return id, 'p'
		}
		if v.Isolated == id && id != 0 {
			return v.Primary, 'i'
		}
		if slices.Contains(v.Community, id) {
			return v.Primary, 1000 + id
		}
	}
	return 0, 0
}

// roleOf is the part that a port plays in a private VLAN, or 0.
func (t *twin) roleOf(p *twinPort) int {
	if v := t.vlanOf(p); v.Mode == PrivateVLAN && !p.Uplink {
		_, role := t.pvlan(v.ID)
		return role
	}
	return 0
}

// in: the port is a member of the VLAN.
func (t *twin) in(p *twinPort, vlan int) bool {
	if !t.aware() || p.Uplink {
		return true
	}
	switch v := t.vlanOf(p); v.Mode {
	case Trunk:
		return slices.ContainsFunc(v.Ranges, func(r VLANRange) bool { return r.First <= vlan && vlan <= r.Last })
	case PrivateVLAN:
		primary, _ := t.pvlan(v.ID)
		return primary == vlan
	default:
		return v.ID == vlan
	}
}

// talks: a private VLAN lets from send to to; 0 is not a role.
func talks(from, to int) bool {
	return from == 0 || to == 0 || from == 'p' || to == 'p' || from == to && from != 'i'
}

// static: the port is known to have this address in this VLAN without having learned it.
func (t *twin) static(p *twinPort, mac MAC, vlan int) bool {
	return t.in(p, vlan) && t.uses(p, mac)
}

// uses: the port has the address, in whatever VLAN.
func (t *twin) uses(p *twinPort, mac MAC) bool {
	if t.c.Profile == Learning || p.Uplink || !t.enabled(p) {
		return false
	}
	if c := t.check(p); c.Mode == CheckAllowed {
		return mac == p.Initial || slices.Contains(c.Allowed, mac)
	}
	return p.asked.MAC == mac
}

func (t *twin) find(mac MAC, vlan int) *twinEntry {
	for i := range t.learned {
		if e := &t.learned[i]; e.mac == mac && e.vlan == vlan {
			return e
		}
	}
	return nil
}

func (t *twin) ageing(p *twinPort) time.Duration {
	if t.c.Profile == Learning {
		return t.c.Ageing
	}
	return ask(t, p, func(s *Spec) *time.Duration { return s.Learning.Ageing }, 600*time.Second)
}

// prune forgets what must not be known any longer.
func (t *twin) prune(now time.Duration) {
	t.learned = slices.DeleteFunc(t.learned, func(e twinEntry) bool {
		p := t.byName(e.port)
		return p == nil || !t.enabled(p) || !t.learns(p) || now-e.seen >= t.ageing(p) || !sameVLAN(p.vlan, t.vlanOf(p)) || t.taken(e.mac, e.vlan)
	})
	for _, p := range t.ports {
		p.vlan = t.vlanOf(p)
	}
	t.pruned = now
}

func sameVLAN(a, b VLAN) bool {
	return a.Mode == b.Mode && a.ID == b.ID && slices.Equal(a.Ranges, b.Ranges)
}

// taken: the address is known without learning.
func (t *twin) taken(mac MAC, vlan int) bool {
	return slices.ContainsFunc(t.ports, func(p *twinPort) bool { return t.static(p, mac, vlan) || t.c.ConflictHostWide && t.uses(p, mac) })
}

func (t *twin) connect(now time.Duration, name string, f Filter) {
	p := t.byName(name)
	p.plugged, p.carrier, p.asked = true, true, f
	t.prune(now)
}

func (t *twin) disconnect(now time.Duration, name string) {
	t.byName(name).plugged = false
	t.prune(now)
}

func (t *twin) filter(now time.Duration, name string, f Filter) {
	t.byName(name).asked = f
	t.prune(now)
}

func (t *twin) link(now time.Duration, name string, up bool) {
	t.byName(name).carrier = up
	t.prune(now)
}

// twinFrame is a frame taken apart.
type twinFrame struct {
	dst, src MAC
	tagged   bool
	tci      uint16
	payload  int
	data     []byte
}

func takeApart(f Frame) (w twinFrame, ok bool) {
	inside := !f.Tagged && len(f.Data) >= 14 && binary.BigEndian.Uint16(f.Data[12:]) == 0x8100
	if len(f.Data) < 14 || inside && len(f.Data) < 18 {
		return w, false
	}
	w = twinFrame{dst: MAC(f.Data[:6]), src: MAC(f.Data[6:12]), tagged: f.Tagged, tci: f.TCI, payload: len(f.Data) - 14, data: f.Data}
	if inside {
		w.tagged, w.tci, w.payload = true, binary.BigEndian.Uint16(f.Data[14:]), w.payload-4
		w.data = append(slices.Clone(f.Data[:12]), f.Data[16:]...)
	}
	if f.Segment != 0 {
		w.payload = f.Segment
	}
	return w, w.src[0]&1 == 0 && w.src != MAC{}
}
