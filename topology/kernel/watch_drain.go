//go:build linux

package kernel

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Drain calls changed for every change since, in the order in which they happened, and for every port that was to be read again.
// It never waits for the kernel's configuration, and asks the kernel nothing: the values are those of the link messages, and what
// was read meanwhile.
func (w *Watch) Drain(changed func(key int, s Seen, when When)) {
	w.told = w.told[:0]
	answered := w.takeIn()
	for i := range w.told {
		t := &w.told[i]
		w.mu.Lock()
		off := t.f.off
		w.mu.Unlock()
		if !off {
			changed(t.f.key, t.seen, t.when)
		}
	}
	clear(w.told)
	for _, c := range answered {
		close(c)
	}
}

// takeIn takes in all messages that have arrived, and then what was read.
func (w *Watch) takeIn() (answered []chan struct{}) {
	var lost bool
	w.news, lost = w.ear.take(w.news)
	if len(w.news) > 0 || lost {
		w.mu.Lock()
		for i := range w.news {
			n := &w.news[i]
			w.when = n.when
			w.messageLocked(n.ns, n.deleted, &n.link)
		}
		if lost {
			w.wantAllLocked()
		}
		w.mu.Unlock()
	}
	if w.rung.Load() {
		answered = w.take()
	}
	return answered
}

// messageLocked takes a link message in.
func (w *Watch) messageLocked(ns int32, deleted bool, m *linkMessage) {
	// A bridge tells of its ports in the same words (AF_BRIDGE), and there "deleted" means only that they left it.
	if m.family == unix.AF_UNSPEC {
		for _, f := range slices.Clone(w.links[place{ns, m.index}]) {
			w.linkLocked(f, place{ns, m.index}, deleted, m)
		}
	}
	guests := w.guests[ns]
	if len(guests) == 0 && m.stacked {
		// Something like a macvlan whose lower may be an adapter elsewhere, for which nothing is sent.
		for _, f := range w.ports {
			guests = append(guests, f)
		}
	}
	for _, f := range guests {
		w.wantLocked(f, false)
	}
	if deleted && len(guests) > 0 {
		again := slices.Clone(guests)
		time.AfterFunc(afterDelete, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, f := range again {
				w.wantLocked(f, false)
			}
		})
	}
}

// linkLocked takes in what a message says of the adapter of f, or of its own end, or of both.
func (w *Watch) linkLocked(f *followed, p place, deleted bool, m *linkMessage) {
	s := f.seen
	switch {
	case deleted && m.moved:
		w.wantLocked(f, false) // it is looked for by way of the other end
	case deleted:
		s.Gone = true
	default:
		if p == f.port {
			s.Carrier = running(m.flags)
			if f.guest == nil {
				s.Up = m.flags&unix.IFF_UP != 0
			}
		}
		if p == f.adapter && f.guest != nil {
			s.MAC, s.Up = m.mac, m.flags&unix.IFF_UP != 0
			s.Promiscuity, s.AllMulti = min(m.promiscuity, 1), min(m.allMulti, 1)
		}
	}
	f.heard++
	w.seeLocked(f, s, false)
}

func running(flags uint32) bool { return flags&unix.IFF_UP != 0 && flags&unix.IFF_RUNNING != 0 }

// seeLocked remembers a port's state and reports it if it is another one.
func (w *Watch) seeLocked(f *followed, s Seen, report bool) {
	if s != f.seen || report {
		w.told = append(w.told, told{f, s, w.when})
	}
	f.seen = s
	if s.Gone {
		w.lostLocked(f) // its number and index may be another's soon
	}
}

// take takes in what was read, after all messages that came before it.
func (w *Watch) take() (answered []chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rung.Store(false) // with the bell, under the lock: one without the other would leave FD readable for good
	var b [8]byte
	_, _ = unix.Read(w.bell, b[:])
	stale := false
	for _, k := range w.found {
		if k.f.off {
			continue
		}
		if k.heard != k.f.heard && !k.f.seen.Gone {
			w.wantLocked(k.f, k.report) // a message came while it was being read: who was first?
			stale = true
			continue
		}
		if k.f.seen.Gone {
			k.seen = k.f.seen
		} else if k.adapter != k.f.adapter {
			w.moveLocked(k.f, k.adapter)
		}
		w.when = When{From: k.from, By: k.by}
		w.seeLocked(k.f, k.seen, k.report)
	}
	w.found = w.found[:0]
	answered, w.answered = w.answered, nil
	if stale {
		w.waiting = append(w.waiting, answered...)
		return nil
	}
	return answered
}

// moveLocked enters where the adapter is, in place of where it was.
func (w *Watch) moveLocked(f *followed, to place) {
	if f.guest == nil {
		return
	}
	drop(w.links, f.adapter, f)
	f.adapter = to
	if to.ns >= 0 {
		w.links[to] = append(w.links[to], f)
	}
	if id := f.guest.id; !slices.Contains(w.guests[id], f) {
		w.guests[id] = append(w.guests[id], f)
	}
}

// lostLocked takes f off all maps that messages are looked up in.
func (w *Watch) lostLocked(f *followed) {
	drop(w.links, f.port, f)
	if f.guest != nil {
		drop(w.links, f.adapter, f)
		drop(w.guests, f.guest.id, f)
	}
}

// drop takes f out of the list under k.
func drop[K comparable](m map[K][]*followed, k K, f *followed) {
	list := slices.DeleteFunc(slices.Clone(m[k]), func(x *followed) bool { return x == f })
	if len(list) == 0 {
		delete(m, k)
		return
	}
	m[k] = list
}

func (w *Watch) wantAllLocked() {
	for _, f := range w.ports {
		w.wantLocked(f, false)
	}
}
