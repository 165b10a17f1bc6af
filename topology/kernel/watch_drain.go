//go:build linux

package kernel

import (
	"encoding/binary"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Drain calls changed for every port that has changed since, or that was to be read again, once, with what it is now. It never
// blocks, and asks the kernel nothing: the values are those of the link messages, and what was read meanwhile.
func (w *Watch) Drain(changed func(key int, s Seen)) {
	w.out = w.out[:0]
	w.hear()
	var answered []chan struct{}
	if w.rung.Load() {
		answered = w.take()
	}
	for _, f := range w.out {
		w.mu.Lock()
		seen, off := f.seen, f.off
		f.changed = false
		w.mu.Unlock()
		if !off {
			changed(f.key, seen)
		}
	}
	for _, c := range answered {
		close(c)
	}
}

// hear takes all messages that have arrived.
func (w *Watch) hear() {
	for {
		n, o, err := w.receive()
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.ENOBUFS:
			w.mu.Lock()
			w.wantAllLocked() // messages were lost
			w.mu.Unlock()
			continue
		case err != 0:
			return
		}
		ns := originOf(w.oob[:o])
		for b := w.buf[:n]; len(b) >= unix.NLMSG_HDRLEN; {
			size := int(binary.NativeEndian.Uint32(b))
			if size < unix.NLMSG_HDRLEN || size > len(b) {
				break
			}
			typ, body := binary.NativeEndian.Uint16(b[4:]), b[unix.NLMSG_HDRLEN:size]
			b = b[min(len(b), (size+3)&^3):]
			if typ != unix.RTM_NEWLINK && typ != unix.RTM_DELLINK || len(body) < unix.SizeofIfInfomsg {
				continue
			}
			m := readLink(body)
			w.mu.Lock()
			w.messageLocked(ns, typ == unix.RTM_DELLINK, &m)
			w.mu.Unlock()
		}
	}
}

// receive is recvmsg(2) into buf and oob. It is done by hand because it is done for every batch of frames: unix.Recvmsg
// allocates. A message that is longer than buf is cut off, and read as far as it goes.
func (w *Watch) receive() (n, o int, err unix.Errno) {
	w.iov.Base = &w.buf[0]
	w.iov.SetLen(len(w.buf))
	w.hdr = unix.Msghdr{Iov: &w.iov, Control: &w.oob[0]}
	w.hdr.SetIovlen(1)
	w.hdr.SetControllen(len(w.oob))
	r, _, err := unix.Syscall(unix.SYS_RECVMSG, uintptr(w.ear), uintptr(unsafe.Pointer(&w.hdr)), unix.MSG_DONTWAIT)
	return int(r), int(w.hdr.Controllen), err
}

// originOf is the number of the namespace that a message came from; negative: the socket's own, or one without a number.
func originOf(oob []byte) int32 {
	for len(oob) >= unix.CmsgLen(0) {
		h, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			break
		}
		if h.Level == unix.SOL_NETLINK && h.Type == unix.NETLINK_LISTEN_ALL_NSID && len(data) >= 4 {
			return int32(binary.NativeEndian.Uint32(data))
		}
		oob = rest
	}
	return -1
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
	if (s != f.seen || report) && !f.changed {
		f.changed = true
		w.out = append(w.out, f)
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
