package switchcore

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"
)

// choices is where random worlds come from: seeded numbers in a test, the bytes of the input when fuzzing.
type choices interface{ IntN(n int) int }

// world is a switch and its twin in the same state, with all that led to it.
type world struct {
	r     choices
	c     Config
	s     *Switch
	t     *twin
	now   time.Duration
	log   []func() string
	macs  []MAC
	vlans bool
	count map[string]*Counters // what the counters of each port should be, learning left out
}

func newWorld(r choices) (*world, error) {
	w := &world{r: r, count: map[string]*Counters{}}
	for i := range 9 {
		w.macs = append(w.macs, MAC{0, 0x50, 0x56, 0, byte(i), byte('A' + i)})
	}
	w.c = w.config()
	s, err := New(w.c)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, describe(w.c))
	}
	w.s, w.t = s, newTwin(w.c, s)
	w.note("%v", describer(w.c))
	for _, p := range w.c.Ports {
		if w.chance(95) && !p.Uplink {
			w.connect(p.Name, Filter{MAC: p.Initial, AllMulti: w.chance(50), Promiscuous: w.chance(20)})
		}
	}
	return w, nil
}

func (w *world) chance(percent int) bool { return w.r.IntN(100) < percent }

func (w *world) mac() MAC { return w.macs[w.r.IntN(len(w.macs))] }

// one of the list.
func one[T any](w *world, list ...T) T { return list[w.r.IntN(len(list))] }

func maybe[T any](w *world, percent int, list ...T) *T {
	if !w.chance(percent) {
		return nil
	}
	v := one(w, list...)
	return &v
}

func (w *world) config() Config {
	c := Config{
		Profile: one(w, Standard, Standard, Distributed, Distributed, NSX, Learning), ReversePathCheck: w.chance(70), ReversePathCheckPromiscuous: w.chance(40),
		BlockGuestBPDU: w.chance(30),
	}
	w.vlans = w.chance(50)
	dvs := c.Profile == Distributed || c.Profile == NSX
	if c.Profile == Learning {
		c.BlockGuestBPDU, c.ReversePathCheckPromiscuous = false, false
		c.Ageing, c.FDBSize, c.LinkLocal, c.LearnBeforeLinkLocal = one(w, 0, 20*time.Second, 300*time.Second), one(w, 0, 0, 3), w.chance(40), w.chance(50)
	} else {
		c.PromiscuousAssumed, c.PromiscuousPortGroup, c.BlockPVST = w.chance(5), w.chance(10), w.chance(30)
		c.TransmitToUplink = dvs && w.chance(10)
		c.ConflictHostWide = dvs && w.chance(20)
		if dvs {
			c.LearningAdmits = maybe(w, 10, true, false)
		}
	}
	if dvs && w.vlans {
		c.PVLANs = []PVLAN{{Primary: 100, Isolated: 101, Community: []int{102, 103}}}
	}
	var uplinks []string
	for i := range one(w, 0, 1, 2, 3) {
		uplinks = append(uplinks, fmt.Sprintf("u%d", i+1))
		c.Ports = append(c.Ports, Port{Name: uplinks[i], Uplink: c.Profile != Learning, Initial: w.macs[6+i], MTU: one(w, 0, 0, 0, 80)})
	}
	c.Spec = w.spec(c, uplinks, 60)
	groups := 0
	if c.Profile != Learning {
		groups = 1 + w.r.IntN(3)
	}
	for i := range groups {
		g := Group{Name: fmt.Sprintf("g%d", i+1), Spec: w.spec(c, uplinks, 30)}
		if dvs {
			g.Overrides = Overrides(w.r.IntN(16))
		}
		c.Groups = append(c.Groups, g)
	}
	for i := range 2 + w.r.IntN(5) {
		p := Port{Name: fmt.Sprintf("p%d", i+1), Initial: w.macs[i], MTU: one(w, 0, 0, 0, 80)}
		if groups > 0 {
			p.Group = fmt.Sprintf("g%d", 1+w.r.IntN(groups))
		}
		w.portSpec(&c, &p, uplinks)
		c.Ports = append(c.Ports, p)
	}
	return c
}

// portSpec gives a port what its platform and its group let it say.
func (w *world) portSpec(c *Config, p *Port, uplinks []string) {
	s := w.spec(*c, uplinks, 20)
	switch c.Profile {
	case Learning:
		p.Isolated, p.Hairpin = w.chance(15), w.chance(10)
		p.Spec.VLAN, p.Spec.ForgedTransmits, p.Spec.SourceCheck = s.VLAN, s.ForgedTransmits, s.SourceCheck
	case Distributed, NSX:
		i := slices.IndexFunc(c.Groups, func(g Group) bool { return g.Name == p.Group })
		o := c.Groups[i].Overrides
		if o&OverrideSecurity != 0 {
			p.Spec = Spec{Promiscuous: s.Promiscuous, MACChanges: s.MACChanges, ForgedTransmits: s.ForgedTransmits, Learning: s.Learning, SourceCheck: s.SourceCheck}
		}
		if o&OverrideVLAN != 0 {
			p.Spec.VLAN = s.VLAN
		}
		if o&OverrideTeaming != 0 {
			p.Spec.Teaming = s.Teaming
		}
		if o&OverrideBlocked != 0 {
			p.Spec.Blocked = maybe(w, 10, true, false)
		}
	}
}

func (w *world) spec(c Config, uplinks []string, percent int) Spec {
	var s Spec
	if c.Profile == Learning {
		if w.chance(20) {
			s.ForgedTransmits, s.SourceCheck = maybe(w, 80, true, false), &SourceCheck{Mode: CheckInitial}
		}
		if w.vlans {
			s.VLAN = maybe(w, percent, VLAN{}, VLAN{ID: 10}, VLAN{ID: 20}, VLAN{Mode: Trunk, Ranges: []VLANRange{{0, 4094}}})
		}
		return s
	}
	s = Spec{Promiscuous: maybe(w, percent, true, false), MACChanges: maybe(w, percent, true, false), ForgedTransmits: maybe(w, percent, true, true, false)}
	trunk := VLAN{Mode: Trunk, Ranges: []VLANRange{{0, 4094}}}
	if w.vlans {
		s.VLAN = maybe(w, percent, VLAN{}, VLAN{ID: 10}, VLAN{ID: 20}, trunk)
	}
	if len(uplinks) > 0 {
		s.Teaming.Policy = maybe(w, percent, OriginatingPort, SourceMAC, IPHash, Explicit)
		if w.chance(percent) {
			n := w.r.IntN(len(uplinks) + 1)
			s.Teaming.Active = uplinks[:n]
			if w.chance(60) {
				s.Teaming.Standby = uplinks[n+w.r.IntN(len(uplinks)+1-n):]
			}
		}
	}
	if c.Profile == Standard {
		return s
	}
	s.Learning = LearningSpec{Enabled: maybe(w, percent, true, true, false), Flooding: maybe(w, percent, true, false), Limit: maybe(w, percent, 0, 1, 2, 4096),
		Drop: maybe(w, percent, true, false), Ageing: maybe(w, percent, 5*time.Second, 60*time.Second)}
	if w.vlans && w.chance(percent) {
		v := one(w, VLAN{Mode: Trunk, Ranges: []VLANRange{{0, 0}, {20, 30}}}, VLAN{Mode: PrivateVLAN, ID: 100}, VLAN{Mode: PrivateVLAN, ID: 101},
			VLAN{Mode: PrivateVLAN, ID: 102}, VLAN{Mode: PrivateVLAN, ID: 103}, trunk)
		if v.Mode == Trunk && c.PVLANs != nil && v.Ranges[0].Last > 99 {
			v.Ranges = []VLANRange{{0, 99}}
		}
		s.VLAN = &v
	} else if c.PVLANs != nil && s.VLAN != nil && s.VLAN.Mode == Trunk {
		s.VLAN.Ranges = []VLANRange{{0, 99}} // what a trunk port makes of private VLANs is not specified
	}
	if w.chance(percent / 3) {
		s.SourceCheck = maybe(w, 100, SourceCheck{}, SourceCheck{Mode: CheckInitial}, SourceCheck{Mode: CheckAllowed, Allowed: []MAC{w.macs[7]}}, SourceCheck{Mode: CheckAllowed})
	}
	return s
}

// event changes something at the guests, the links or the configuration.
func (w *world) event() error {
	p := w.c.Ports[w.r.IntN(len(w.c.Ports))]
	id := w.s.Lookup(p.Name)
	switch w.r.IntN(10) {
	case 0:
		if !p.Uplink {
			w.s.Disconnect(w.now, id)
			w.t.disconnect(w.now, p.Name)
			w.note("disconnect %s", p.Name)
		}
	case 1:
		up := w.chance(60)
		w.s.SetLink(w.now, id, up)
		w.t.link(w.now, p.Name, up)
		w.note("link %s %v", p.Name, up)
	case 2:
		w.s.FlushTable(w.now)
		w.t.learned = nil
		w.note("flush")
	case 3, 4:
		return w.reconfigure()
	case 5, 6:
		w.now += time.Duration(w.r.IntN(30)) * time.Second
		w.note("at %v", w.now)
	default:
		if p.Uplink {
			return nil
		}
		f := Filter{MAC: p.Initial, AllMulti: w.chance(50), Promiscuous: w.chance(30)}
		if w.chance(40) {
			f.MAC = w.mac()
		}
		if w.chance(50) {
			f.Groups = []MAC{{1, 0x80, 0xc2}}
		}
		if t := w.t.byName(p.Name); !t.plugged || !t.carrier {
			w.connect(p.Name, f)
			return nil
		}
		w.s.SetFilter(w.now, id, f)
		w.t.filter(w.now, p.Name, f)
		w.note("guest %s %+v", p.Name, f)
	}
	return nil
}

func (w *world) connect(name string, f Filter) {
	w.s.Connect(w.now, w.s.Lookup(name), f)
	w.t.connect(w.now, name, f)
	w.note("connect %s %+v", name, f)
}

// reconfigure takes some settings from another random configuration of the same platform.
func (w *world) reconfigure() error {
	c := w.s.Config()
	var uplinks []string
	for _, p := range c.Ports {
		if p.Uplink {
			uplinks = append(uplinks, p.Name)
		}
	}
	i := w.r.IntN(len(c.Ports))
	p := &c.Ports[i]
	switch w.r.IntN(8) {
	case 0:
		c.Spec = w.spec(c, uplinks, 60)
	case 1:
		if len(c.Groups) > 0 {
			c.Groups[w.r.IntN(len(c.Groups))].Spec = w.spec(c, uplinks, 40)
		}
	case 2:
		if !p.Uplink {
			p.Spec = Spec{}
			w.portSpec(&c, p, uplinks)
		}
	case 3:
		p.Down = !p.Down
	case 4:
		c.ReversePathCheck, c.ReversePathCheckPromiscuous = w.chance(50), c.Profile != Learning && w.chance(50)
	case 5:
		if !p.Uplink { // another port in its place, whose adapter is not plugged yet
			p.Name += "x"
		}
	case 6:
		p.Initial, p.MTU = w.mac(), one(w, 0, 80)
	case 7:
		if c.Profile == Learning {
			c.Ageing, p.Isolated, p.Hairpin = one(w, 0, 20*time.Second), w.chance(20), w.chance(20)
		}
	}
	if err := w.s.Configure(w.now, c); err != nil {
		return fmt.Errorf("%w\n%s", err, describe(c))
	}
	w.c = c
	w.t.configure(w.now, c, w.s)
	w.note("configure %v", describer(c))
	return nil
}

// note keeps what happened; it is put in words only if somebody reads it.
func (w *world) note(format string, args ...any) {
	w.log = append(w.log, func() string { return fmt.Sprintf(format, args...) })
}

// frame is a random one, sensible more often than not.
func (w *world) frame() (PortID, string, Frame) {
	p := w.c.Ports[w.r.IntN(len(w.c.Ports))]
	src, dst := w.t.byName(p.Name).asked.MAC, w.mac()
	if w.chance(40) || p.Uplink {
		src = w.mac()
	}
	if w.chance(25) {
		dst = one(w, MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, MAC{1, 0x80, 0xc2}, MAC{1, 0, 0x5e, 0, 0, 1}, MAC{1, 0, 0x0c, 0xcc, 0xcc, 0xcd}, MAC{1, 0x80, 0xc2, 0, 0, 0x10})
	}
	var f Frame
	d := append(slices.Clone(dst[:]), src[:]...)
	if w.vlans && w.chance(p.tagging()) || w.chance(5) {
		tci := uint16(one(w, 0, 10, 10, 20, 25, 100, 101, 102)) | uint16(one(w, 0, 0, 10, 11))<<12
		if w.chance(50) {
			f.Tagged, f.TCI = true, tci
		} else {
			d = binary.BigEndian.AppendUint16(append(d, 0x81, 0), tci)
		}
		if w.chance(10) {
			d = append(d, 0x81, 0, 0, 7)
		}
	}
	d = append(d, 8, 0)
	for range 10 {
		d = append(d, byte(w.r.IntN(4)), byte(w.r.IntN(4)), 0, byte(w.r.IntN(4)))
	}
	if w.chance(10) {
		d = append(d, make([]byte, 60)...)
		f.Segment = one(w, 0, 60, 90)
	}
	if w.chance(1) {
		d = d[:w.r.IntN(16)]
	}
	if w.chance(1) && len(d) > 11 {
		d[6] |= 1
	}
	f.Data = d
	return w.s.Lookup(p.Name), p.Name, f
}

// tagging is how often a frame of the port has a tag, in percent.
func (p *Port) tagging() int {
	if p.Uplink {
		return 70
	}
	return 35
}

// step sends one frame through both and says how they differ.
func (w *world) step() (twinVerdict, error) {
	id, name, f := w.frame()
	var e Explanation
	asked := w.chance(25)
	if asked {
		e = w.s.Explain(w.now, id, f)
	}
	v := w.s.Forward(w.now, id, f)
	if asked {
		if err := agree(w.s, id, e, v); err != nil {
			return twinVerdict{}, w.fail(name, f, err.Error())
		}
	}
	out, lost := slices.Clone(v.Out), slices.Clone(v.Lost)
	slices.SortFunc(out, func(a, b Output) int { return int(a.Port - b.Port) })
	slices.SortFunc(lost, func(a, b Loss) int { return int(a.Port - b.Port) })
	t := w.t.forward(w.now, name, f)
	drop := t.drop
	if len(t.lost) > 0 && len(t.out) == 0 {
		drop = v.Drop // which of several losses names the whole frame is a matter of order
		if !slices.ContainsFunc(t.lost, func(l Loss) bool { return l.Reason == drop }) {
			drop = t.drop
		}
	}
	if !slices.Equal(out, t.out) || !slices.Equal(lost, t.lost) || v.Drop != drop {
		return t, w.fail(name, f, fmt.Sprintf("core: out %v lost %v drop %v\ntwin: out %v lost %v drop %v\n%s", out, lost, v.Drop, t.out, t.lost, t.drop, strings.Join(e.Steps, "\n")))
	}
	w.account(name, len(f.Data), v)
	return t, nil
}

func (w *world) fail(name string, f Frame, what string) error {
	var ports, log []string
	for _, line := range w.log {
		log = append(log, line())
	}
	for _, id := range w.s.Ports() {
		ports = append(ports, fmt.Sprintf("%d=%s", id, w.s.Status(id).Name))
	}
	return fmt.Errorf("%s\nat %v, %s sends %x tagged %v tci %#x segment %d (ports %s)\n%s", strings.Join(log, "\n"), w.now, name, f.Data, f.Tagged, f.TCI, f.Segment,
		strings.Join(ports, " "), what)
}
