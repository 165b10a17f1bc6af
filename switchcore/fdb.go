package switchcore

import (
	"slices"
	"time"
)

const never = time.Duration(1<<63 - 1)

// fdb is the filtering database of the learned addresses (IEEE 802.1Q 8.8.3, dynamic entries): behind which port a
// source was seen last, by VLAN. A physical switch has one size for all ports; vSphere's MAC learning has a limit for
// each.
type fdb struct {
	learned   table[*port]
	nextAging time.Duration // nothing ages before
	shared    bool          // one table for all ports, of size entries; else each port has a limit of its own
	size      int           // 0: not limited
	events    *eventLog
}

// find returns the entry of k unless it has aged.
func (d *fdb) find(now time.Duration, k key) *slot[*port] {
	e := d.learned.find(k)
	if e == nil || now >= d.nextAging && now-e.at >= e.val.ageing {
		return nil
	}
	return e
}

// learn enters that the source k was seen at p (IEEE 802.1Q 8.7). known: it is in the database afterwards; pass: the
// frame may go on. In a dry run only the answer counts.
func (d *fdb) learn(now time.Duration, p *port, k key, dry bool) (known, pass bool) {
	e := d.find(now, k)
	switch {
	case e != nil && e.val == p:
		if !dry {
			e.at = now
		}
		return true, true
	case d.full(now, p, e):
		return false, d.passUnlearned(p, dry)
	case dry:
		return true, true
	case e != nil:
		d.move(e, p, now)
		return true, true
	}
	d.learned.put(k, p, now)
	d.nextAging = min(d.nextAging, now+p.ageing)
	p.entries++
	p.counters.MACsLearned++
	d.events.add(EventMACLearned, p, "", k.mac().String(), "")
	return true, true
}

// passUnlearned tells whether a frame may go on whose source there is no room for, and counts it.
func (d *fdb) passUnlearned(p *port, dry bool) bool {
	drop := !d.shared && p.pol.Learning.Drop.Value
	switch {
	case dry:
	case drop:
		p.counters.MACNotLearnedDropped++
	default:
		p.counters.MACNotLearnedAllowed++
	}
	return !drop
}

// full tells whether there is no room for one more entry. One that moves takes no room in the table, but it does on the
// port: else two ports that take each other's addresses in turn could fill it without bound.
func (d *fdb) full(now time.Duration, p *port, moving *slot[*port]) bool {
	if d.shared {
		return moving == nil && d.size > 0 && d.learned.n >= d.size && d.alive(now, nil) >= d.size
	}
	limit := p.pol.Learning.Limit
	return p.entries >= limit && d.alive(now, p) >= limit
}

// alive counts the entries that have not aged, of one port or of all. Entries are removed as they age, but not by
// Explain.
func (d *fdb) alive(now time.Duration, of *port) int {
	if now < d.nextAging {
		if of == nil {
			return d.learned.n
		}
		return of.entries
	}
	n := 0
	for i := range d.learned.slots {
		e := &d.learned.slots[i]
		if e.key != 0 && (of == nil || e.val == of) && now-e.at < e.val.ageing {
			n++
		}
	}
	return n
}

// move rebinds an entry to the port that spoke last.
func (d *fdb) move(e *slot[*port], p *port, now time.Duration) {
	q := e.val
	q.entries--
	p.entries++
	e.val, e.at = p, now
	d.nextAging = min(d.nextAging, now+p.ageing)
	d.events.add(EventMACMoved, p, q.conf.Name, e.key.mac().String(), "")
}

// age removes what nobody has heard of for long enough and finds out when that is next.
func (d *fdb) age(now time.Duration) {
	d.nextAging = never
	d.remove(func(e *slot[*port]) bool {
		end := e.at + e.val.ageing
		if now >= end {
			return true
		}
		d.nextAging = min(d.nextAging, end)
		return false
	}, EventMACAged)
}

// remove deletes the entries that match; kind, if not empty, is the event of each.
func (d *fdb) remove(match func(*slot[*port]) bool, kind string) {
	keys := d.learned.keys(match)
	slices.Sort(keys)
	for _, k := range keys {
		p := d.learned.find(k).val
		p.entries--
		if kind != "" {
			d.events.add(kind, p, k.mac().String(), "", "")
		}
		d.learned.remove(k)
	}
}

// forget removes all that was learned on p.
func (d *fdb) forget(p *port) {
	if p.entries > 0 {
		d.remove(func(e *slot[*port]) bool { return e.val == p }, "")
	}
}

// flush forgets everything.
func (d *fdb) flush() { d.remove(func(*slot[*port]) bool { return true }, "") }

// entries are the addresses that have not aged, by VLAN and address.
func (d *fdb) entries(now time.Duration) []Entry {
	var list []Entry
	keys := d.learned.keys(func(e *slot[*port]) bool { return now-e.at < e.val.ageing })
	slices.Sort(keys)
	for _, k := range keys {
		e := d.learned.find(k)
		list = append(list, Entry{MAC: k.mac(), VLAN: k.vlan(), Port: e.val.id, Age: now - e.at})
	}
	return list
}
