//go:build linux

package datapath

import (
	"bytes"
	"time"
)

// Before the switch punishes a frame for its source, the adapter is looked at again: what netlink tells may be late.
// How often is limited, or whoever forges would keep the observer busy; how long is, as it may never answer; and how
// much waits.
const (
	rereads      = 10 // a second, for one port
	parkedAtMost = 50 * time.Millisecond
	parkedBytes  = 1 << 20
)

// park keeps a suspect frame until the port's adapter was looked at again; false: it was looked at too often, or too
// much is kept already. What comes behind it from the known address does not wait.
func (k *intake) park(p *port, r *received) bool {
	if len(p.parked) == 0 {
		now := k.now()
		p.budget = min(p.budget+rereads*(now-p.refilled).Seconds(), rereads)
		p.refilled = now
		if p.budget < 1 {
			return false
		}
		p.budget--
		k.waiting.add(p, now+parkedAtMost)
		k.observer.Reread(p.id)
	} else if p.parkedSize+len(r.raw) > parkedBytes {
		return false
	}
	c := *r
	c.raw = bytes.Clone(r.raw)
	p.parkedSize += len(c.raw)
	p.parked = append(p.parked, parkedFrame{c, c.frame()})
	return true
}

// unpark judges those of the frames that wait for which nothing more can be learned, by what is known now.
func (k *intake) unpark(p *port, ripe func(*parkedFrame) bool) {
	now := k.now()
	left, size := p.parked[:0], 0
	for _, f := range p.parked {
		if !ripe(&f) {
			left = append(left, f)
			size += len(f.raw)
			continue
		}
		k.fwd.judge(now, p, f.raw, f.frame)
	}
	clear(p.parked[len(left):])
	p.parked, p.parkedSize = left, size
	if len(left) == 0 && p.down == 0 {
		k.waiting.remove(p)
	}
	k.fwd.flush()
}

// proves tells whether the address that was seen was the guest's still, or already, after the frame had been sent:
// nothing better can be learned of it.
func (s *Seen) proves(f *parkedFrame) bool { return s.After == 0 && (s.From == 0 || f.by <= s.From) }
