package switchcore

import (
	"slices"
	"time"
)

// copies is a frame on its way through the twin: who is to have it, and who nearly had it.
type copies struct {
	t        *twin
	now      time.Duration
	from     *twinPort
	f        twinFrame
	vlan     int // as a tag; of a private VLAN the primary
	role     int // of the sender in a private VLAN
	to       []*twinPort
	hits     []*twinPort // of unicast: who has the destination
	isolated []*twinPort
	reverse  bool // somebody does not get it only because it came in by another uplink than his
	noUplink bool // it should have left by an uplink, and none is usable
}

func (t *twin) forward(now time.Duration, name string, f Frame) twinVerdict {
	if now != t.pruned {
		t.prune(now)
	}
	p := t.byName(name)
	if !t.enabled(p) {
		return twinVerdict{drop: PortBlocked}
	}
	w, ok := takeApart(f)
	if !ok {
		return twinVerdict{drop: Malformed}
	}
	c := &copies{t: t, now: now, from: p, f: w}
	if why := c.admit(); why != None {
		return twinVerdict{drop: why}
	}
	switch {
	case t.c.Profile == Learning:
		return c.learningSwitch()
	case p.Uplink:
		return c.fromUplink()
	}
	return c.fromLeaf()
}

// admit is what comes before the choice of receivers, learning included.
func (c *copies) admit() Reason {
	t, p := c.t, c.from
	admits := t.c.Profile == NSX
	if t.c.LearningAdmits != nil {
		admits = *t.c.LearningAdmits
	}
	leaf := !p.Uplink || t.c.Profile == Learning
	if leaf && !t.accepts(p, func(s *Spec) *bool { return s.ForgedTransmits }) && !(admits && t.c.Profile != Learning && t.learns(p)) && !t.mayUse(p, c.f.src) {
		return MacForgery
	}
	if leaf && t.c.BlockGuestBPDU && !p.Uplink {
		if (c.f.dst == MAC{1, 0x80, 0xc2}) || t.c.BlockPVST && (c.f.dst == MAC{1, 0, 0x0c, 0xcc, 0xcc, 0xcd}) {
			return GuestBPDU
		}
	}
	linkLocal := t.c.LinkLocal && t.c.Profile == Learning && [5]byte(c.f.dst[:5]) == [5]byte{1, 0x80, 0xc2} && c.f.dst[5] < 16
	if linkLocal && !t.c.LearnBeforeLinkLocal {
		return LinkLocal
	}
	if !c.classify() {
		return VlanMismatch
	}
	if why := c.learn(); why != None {
		return why
	}
	if linkLocal {
		return LinkLocal
	}
	return None
}

func (t *twin) mayUse(p *twinPort, src MAC) bool {
	switch c := t.check(p); c.Mode {
	case CheckInitial:
		return src == p.Initial
	case CheckAllowed:
		return src == p.Initial || slices.Contains(c.Allowed, src)
	}
	return src == p.asked.MAC
}

// classify finds the VLAN of the frame; false is a mismatch.
func (c *copies) classify() bool {
	t, p := c.t, c.from
	tag := 0
	if c.f.tagged {
		tag = int(c.f.tci & 0xfff)
	}
	if !t.aware() {
		return true
	}
	if p.Uplink {
		c.vlan = tag
		if primary, role := t.pvlan(tag); role != 0 {
			c.vlan, c.role = primary, role
		}
		return t.c.Profile == Learning || slices.ContainsFunc(t.ports, func(q *twinPort) bool { return !q.Uplink && t.in(q, c.vlan) })
	}
	v := t.vlanOf(p)
	if v.Mode == Trunk {
		c.vlan = tag
		return t.in(p, tag)
	}
	c.vlan, c.role = v.ID, t.roleOf(p)
	if v.Mode == PrivateVLAN {
		c.vlan, _ = t.pvlan(v.ID)
	}
	return tag == 0
}

// learn keeps where the source is.
func (c *copies) learn() Reason {
	t, p, src := c.t, c.from, c.f.src
	if !t.learns(p) || t.ageing(p) == 0 {
		return None
	}
	if t.c.Profile != Learning {
		if src == p.asked.MAC {
			return None
		}
		for _, q := range t.ports {
			if t.static(q, src, c.vlan) || q != p && t.c.ConflictHostWide && t.uses(q, src) {
				return None
			}
		}
	}
	e := t.find(src, c.vlan)
	if e != nil && (e.port == p.Name || t.c.Profile == Learning) {
		e.port, e.seen = p.Name, c.now
		return None
	}
	count := 0
	for _, e := range t.learned {
		if e.port == p.Name {
			count++
		}
	}
	switch {
	case t.c.Profile == Learning:
		if t.c.FDBSize != 0 && len(t.learned) >= t.c.FDBSize {
			return None
		}
	case count >= ask(t, p, func(s *Spec) *int { return s.Learning.Limit }, 4096):
		if ask(t, p, func(s *Spec) *bool { return s.Learning.Drop }, false) {
			return LearnLimit
		}
		return None
	}
	if e != nil { // it moves, and takes its room with it
		e.port, e.seen = p.Name, c.now
		return None
	}
	t.learned = append(t.learned, twinEntry{src, c.vlan, p.Name, c.now})
	return None
}

// candidates are the leaf ports that could have the frame.
func (c *copies) candidates() []*twinPort {
	var list []*twinPort
	for _, q := range c.t.ports {
		if c.t.c.Profile != Learning && q.Uplink || q == c.from && !q.Hairpin || !c.t.in(q, c.vlan) || !c.t.up(q) {
			continue
		}
		list = append(list, q)
	}
	return list
}

func (c *copies) parted(q *twinPort) bool {
	return !talks(c.role, c.t.roleOf(q)) || c.from.Isolated && q.Isolated
}

func (c *copies) give(q *twinPort) {
	if c.parted(q) {
		if !slices.Contains(c.isolated, q) {
			c.isolated = append(c.isolated, q)
		}
	} else if !slices.Contains(c.to, q) {
		c.to = append(c.to, q)
	}
}

func (c *copies) has(q *twinPort) bool {
	e := c.t.find(c.f.dst, c.vlan)
	return c.t.static(q, c.f.dst, c.vlan) || e != nil && e.port == q.Name
}

// wants: a multicast address is on the list of a guest, or the guest has none.
func (c *copies) wants(q *twinPort) bool {
	return q.asked.AllMulti || slices.Contains(q.asked.Groups, c.f.dst)
}

// hears: the port is granted what is not for it, all of its VLAN or what its own port group sends and receives.
func (c *copies) hears(q *twinPort) bool {
	if !c.t.enabled(q) || !c.t.promiscuous(q) || c.closed(q) {
		return false
	}
	inGroup := func(h *twinPort) bool { return h.Group == q.Group }
	if c.t.c.PromiscuousPortGroup && c.f.dst[0]&1 == 0 && len(c.hits) > 0 {
		return inGroup(c.from) && !c.from.Uplink || slices.ContainsFunc(c.hits, func(h *twinPort) bool { return inGroup(h) && !c.parted(h) && !c.tooLong(h) && !c.closed(h) })
	}
	return !c.t.c.PromiscuousPortGroup || inGroup(c.from) || c.from.Uplink
}

// closed: the port receives unicast for the addresses on its list only, and this is none.
func (c *copies) closed(q *twinPort) bool {
	policies := !q.Uplink || c.t.c.Profile == Learning
	return policies && c.f.dst[0]&1 == 0 && c.t.check(q).Mode == CheckAllowed && c.f.dst != q.Initial && !slices.Contains(c.t.check(q).Allowed, c.f.dst)
}

func (c *copies) fromLeaf() twinVerdict {
	t, dst := c.t, c.f.dst
	cand := c.candidates()
	uplink := true
	switch {
	case dst == MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}:
		for _, q := range cand {
			c.give(q)
		}
	case dst[0]&1 == 1:
		for _, q := range cand {
			if c.wants(q) || c.hears(q) {
				c.give(q)
			}
		}
	default:
		c.deliver(cand)
		if len(c.hits) == 0 && c.has(c.from) {
			return twinVerdict{drop: SamePort}
		}
		uplink = len(c.hits) == 0
		for _, q := range cand {
			if (c.hears(q) || len(c.hits) == 0 && t.enabled(q) && t.flooded(q) && !c.closed(q)) && !c.parted(q) {
				c.give(q)
			}
		}
	}
	if uplink || t.c.TransmitToUplink {
		c.toUplink()
	}
	return c.finish()
}

// deliver gives unicast to all who have the destination.
func (c *copies) deliver(cand []*twinPort) {
	for _, q := range cand {
		if c.has(q) {
			c.give(q)
			c.hits = append(c.hits, q)
		}
	}
}

func (c *copies) toUplink() {
	team, size, any := c.t.team(c.from)
	if !any {
		return
	}
	if u := c.t.choose(c.from, team, size, c.f); u != nil {
		c.to = append(c.to, u)
	} else {
		c.noUplink = true
	}
}

func (c *copies) fromUplink() twinVerdict {
	t, u, dst := c.t, c.from, c.f.dst
	group := dst[0]&1 == 1
	if group && t.c.ReversePathCheck {
		if t.find(c.f.src, c.vlan) != nil || slices.ContainsFunc(t.ports, func(q *twinPort) bool { return t.static(q, c.f.src, c.vlan) }) {
			return twinVerdict{drop: ReversePath}
		}
	}
	cand := c.candidates()
	if !group {
		c.deliver(cand)
	}
	for _, q := range cand {
		right := t.reverseOK(q, u, c.f)
		var want bool
		switch {
		case !group:
			want = len(c.hits) == 0 && t.enabled(q) && t.flooded(q) && !c.closed(q)
		default:
			want = dst == MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff} || c.wants(q)
		}
		switch {
		case !group && c.parted(q):
		case want && right || c.hears(q) && (right || !t.c.ReversePathCheckPromiscuous):
			c.give(q)
		case want || c.hears(q):
			c.reverse = c.reverse || t.enabled(q) && !c.parted(q)
		}
	}
	return c.finish()
}

func (c *copies) learningSwitch() twinVerdict {
	cand := c.candidates()
	if c.f.dst[0]&1 == 0 {
		if e := c.t.find(c.f.dst, c.vlan); e != nil {
			q := c.t.byName(e.port)
			if q == c.from && !q.Hairpin {
				return twinVerdict{drop: SamePort}
			}
			cand = []*twinPort{q}
		}
	}
	for _, q := range cand {
		if !c.closed(q) || len(cand) == 1 {
			c.give(q)
		}
	}
	return c.finish()
}

func (c *copies) tooLong(q *twinPort) bool { return q.MTU != 0 && c.f.payload > q.MTU }

// finish is the output of each copy.
func (c *copies) finish() twinVerdict {
	var v twinVerdict
	for _, q := range c.isolated {
		v.lost = append(v.lost, Loss{q.id, PvlanIsolation})
	}
	for _, q := range c.to {
		switch {
		case !c.t.enabled(q):
			v.lost = append(v.lost, Loss{q.id, PortBlocked})
		case c.closed(q):
			v.lost = append(v.lost, Loss{q.id, ReceiveFilter})
		case c.tooLong(q):
			v.lost = append(v.lost, Loss{q.id, MtuExceeded})
		default:
			v.out = append(v.out, c.output(q))
		}
	}
	slices.SortFunc(v.out, func(a, b Output) int { return int(a.Port - b.Port) })
	slices.SortFunc(v.lost, func(a, b Loss) int { return int(a.Port - b.Port) })
	if len(v.out) == 0 {
		switch {
		case len(v.lost) > 0:
			v.drop = v.lost[0].Reason
		case c.noUplink:
			v.drop = UplinkDown
		case c.reverse:
			v.drop = ReversePath
		default:
			v.drop = UnknownUnicast
		}
	}
	return v
}

// output is the tag that the frame has behind q.
func (c *copies) output(q *twinPort) Output {
	o := Output{Port: q.id}
	trunk := q.Uplink || c.t.vlanOf(q).Mode == Trunk
	switch from := c.t.vlanOf(c.from); {
	case !c.t.aware() || trunk && (from.Mode == Trunk || c.from.Uplink):
		o.Tagged, o.TCI = c.f.tagged, c.f.tci
	case trunk:
		o.Tagged, o.TCI = c.vlan != 0, uint16(c.vlan)
		if from.Mode == PrivateVLAN {
			o.TCI = uint16(from.ID)
		}
		if c.f.tagged && o.Tagged {
			o.TCI |= c.f.tci & 0xf000 // the priority of a priority tag
		}
	}
	return o
}
