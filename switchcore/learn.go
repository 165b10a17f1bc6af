package switchcore

import (
	"slices"
	"time"
)

const never = time.Duration(1<<63 - 1)

// ageing is how long an address learned on p lives without being a source.
func (s *Switch) ageing(p *port) time.Duration {
	if s.conf.Profile == Learning {
		return s.conf.Ageing
	}
	return p.pol.Learning.Ageing
}

// fresh returns the learned entry of k unless it has aged.
func (s *Switch) fresh(now time.Duration, k key) *slot {
	e := s.learned.find(k)
	if e == nil || now >= s.nextAging && now-e.at >= s.ageing(s.ports[e.val]) {
		return nil
	}
	return e
}

// learn is section 3.2; false: the frame shall be dropped. In a dry run only the answer counts.
func (s *Switch) learn(w *passage) bool {
	p := w.p
	if w.src == p.own || s.isStatic(w, w.src) {
		return true
	}
	k := keyOf(w.fdb, w.src)
	e := s.fresh(w.now, k)
	if e != nil && e.val == int32(p.id) {
		w.known = true
		if !w.dry {
			e.at = w.now
		}
		return true
	}
	if s.full(w, e) {
		if s.conf.Profile != Learning && p.pol.Learning.Drop.Value {
			if !w.dry {
				p.counters.MACNotLearnedDropped++
			}
			return false
		}
		if !w.dry {
			p.counters.MACNotLearnedAllowed++
		}
		return true
	}
	w.known = true
	if w.dry {
		return true
	}
	if e != nil {
		s.move(e, p, w.now)
		return true
	}
	s.learned.put(k, int32(p.id), w.now)
	s.nextAging = min(s.nextAging, w.now+s.ageing(p))
	p.entries++
	p.counters.MACsLearned++
	s.event(EventMACLearned, p, "", k.mac().String(), "")
	return true
}

// full says whether there is no room for one more entry. One that moves takes no room in the table, but it does on the port: else
// two ports that take each other's addresses in turn could fill it without bound.
func (s *Switch) full(w *passage, moving *slot) bool {
	if s.conf.Profile == Learning {
		return moving == nil && s.conf.FDBSize > 0 && s.learned.n >= s.conf.FDBSize && s.alive(w.now, nil) >= s.conf.FDBSize
	}
	limit := w.p.pol.Learning.Limit
	return w.p.entries >= limit && s.alive(w.now, w.p) >= limit
}

// alive counts the entries that have not aged, of one port or of all. Entries are removed as they age, but not by Explain.
func (s *Switch) alive(now time.Duration, of *port) int {
	if now < s.nextAging {
		if of == nil {
			return s.learned.n
		}
		return of.entries
	}
	n := 0
	for i := range s.learned.slots {
		e := &s.learned.slots[i]
		if e.key != 0 && (of == nil || e.val == int32(of.id)) && now-e.at < s.ageing(s.ports[e.val]) {
			n++
		}
	}
	return n
}

// isStatic says whether the address is one that a leaf port has without learning, this one or another: then it is not learned,
// and static wins.
func (s *Switch) isStatic(w *passage, addr uint64) bool {
	e := s.static.find(keyOf(0, addr))
	if e == nil {
		return false
	}
	for i := e.val; i >= 0; i = s.holders[i].next {
		if q := s.holders[i].p; s.conf.ConflictHostWide || q.carries(w) {
			return true
		}
	}
	return false
}

// move rebinds an entry to the port that spoke last.
func (s *Switch) move(e *slot, p *port, now time.Duration) {
	q := s.ports[e.val]
	q.entries--
	p.entries++
	e.val, e.at = int32(p.id), now
	s.nextAging = min(s.nextAging, now+s.ageing(p))
	s.event(EventMACMoved, p, q.conf.Name, e.key.mac().String(), "")
}

// age removes what nobody has heard of for long enough and finds out when that is next.
func (s *Switch) age(now time.Duration) {
	s.nextAging = never
	s.remove(func(e *slot) bool {
		end := e.at + s.ageing(s.ports[e.val])
		if now >= end {
			return true
		}
		s.nextAging = min(s.nextAging, end)
		return false
	}, EventMACAged)
}

// remove deletes the learned entries that match; kind, if not empty, is the event of each.
func (s *Switch) remove(match func(*slot) bool, kind string) {
	keys := s.learned.keys(match)
	slices.Sort(keys)
	for _, k := range keys {
		p := s.ports[s.learned.find(k).val]
		p.entries--
		if kind != "" {
			s.event(kind, p, k.mac().String(), "", "")
		}
		s.learned.remove(k)
	}
}

// forget removes all that was learned on p.
func (s *Switch) forget(p *port) {
	if p.entries > 0 {
		s.remove(func(e *slot) bool { return e.val == int32(p.id) }, "")
	}
}

// FlushTable forgets all learned addresses; static ones are what the adapters say and stay.
func (s *Switch) FlushTable(now time.Duration) {
	s.remove(func(*slot) bool { return true }, "")
}

// Table returns all known addresses: first the static ones in the order of the ports, then the learned ones by VLAN and address.
// A learning switch has no static ones.
func (s *Switch) Table(now time.Duration) []Entry {
	var t []Entry
	for _, p := range s.order {
		if !p.leaf || s.conf.Profile == Learning {
			continue
		}
		for _, m := range p.addresses() {
			t = append(t, Entry{MAC: m, VLAN: p.home(), Port: p.id, Static: true})
		}
	}
	keys := s.learned.keys(func(e *slot) bool { return now-e.at < s.ageing(s.ports[e.val]) })
	slices.Sort(keys)
	for _, k := range keys {
		e := s.learned.find(k)
		t = append(t, Entry{MAC: k.mac(), VLAN: k.vlan(), Port: PortID(e.val), Age: now - e.at})
	}
	return t
}
