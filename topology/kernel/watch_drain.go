//go:build linux

package kernel

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Drain calls changed for every change since, in the order in which they happened, and for every port that was to be
// read again. It never waits for the kernel's configuration, and asks the kernel nothing: the values are those of the
// link messages, and what was read meanwhile.
func (w *Watch) Drain(changed func(key int, s Seen, when When)) {
	w.reports = w.reports[:0]
	answered := w.takeIn()
	for i := range w.reports {
		t := &w.reports[i]
		w.mu.Lock()
		off := t.f.unfollowed
		w.mu.Unlock()
		if !off {
			changed(t.f.key, t.seen, t.when)
		}
	}
	clear(w.reports)
	for _, c := range answered {
		close(c)
	}
}

// takeIn takes in all messages that have arrived, and then what was read.
func (w *Watch) takeIn() (answered []chan struct{}) {
	var lost bool
	w.events, lost = w.listener.take(w.events)
	if len(w.events) > 0 || lost {
		w.mu.Lock()
		for i := range w.events {
			n := &w.events[i]
			w.when = n.when
			w.messageLocked(n.nsid, n.deleted, &n.link)
		}
		if lost {
			w.wantAllLocked()
		}
		w.mu.Unlock()
	}
	if w.pending.Load() {
		answered = w.take()
	}
	return answered
}

// messageLocked takes a link message in.
func (w *Watch) messageLocked(nsid int32, deleted bool, m *linkMessage) {
	// A bridge tells of its ports in the same words (AF_BRIDGE), and there "deleted" means only that they left it.
	if m.family == unix.AF_UNSPEC {
		for _, f := range slices.Clone(w.links[interfaceKey{nsid, m.index}]) {
			w.linkLocked(f, interfaceKey{nsid, m.index}, deleted, m)
		}
	}
	guests := w.guests[nsid]
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
func (w *Watch) linkLocked(f *followed, p interfaceKey, deleted bool, m *linkMessage) {
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
	f.messages++
	w.seeLocked(f, s, false)
}

func running(flags uint32) bool { return flags&unix.IFF_UP != 0 && flags&unix.IFF_RUNNING != 0 }

// seeLocked remembers a port's state and reports it if it is another one, or always.
func (w *Watch) seeLocked(f *followed, s Seen, always bool) {
	if s != f.seen || always {
		w.reports = append(w.reports, report{f, s, w.when})
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
	w.pending.Store(false) // with wakeFD, under the lock: one without the other would leave FD readable for good
	var b [8]byte
	_, _ = unix.Read(w.wakeFD, b[:])
	stale := false
	for _, k := range w.found {
		if k.f.unfollowed {
			continue
		}
		if k.messages != k.f.messages && !k.f.seen.Gone {
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
func (w *Watch) moveLocked(f *followed, to interfaceKey) {
	if f.guest == nil {
		return
	}
	drop(w.links, f.adapter, f)
	f.adapter = to
	if to.nsid >= 0 {
		w.links[to] = append(w.links[to], f)
	}
	if id := f.guest.nsid; !slices.Contains(w.guests[id], f) {
		w.guests[id] = append(w.guests[id], f)
	}
}

// lostLocked takes f off all maps that messages are looked up in.
func (w *Watch) lostLocked(f *followed) {
	drop(w.links, f.port, f)
	if f.guest != nil {
		drop(w.links, f.adapter, f)
		drop(w.guests, f.guest.nsid, f)
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
