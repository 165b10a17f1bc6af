//go:build linux

package datapath

import (
	"encoding/binary"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
)

// A batch is what is taken from a port at once. The buffers belong to the whole switch, so the largest batch of the largest frames
// is what a switch takes of memory, however many ports it has; pages that no frame was long enough for are never there.
const (
	batch     = 32
	longBatch = 8 // while frames are longer than longFrame: so that they are still in the processor's cache when they are sent
	longFrame = 1 << 14
	frameRoom = 1<<16 + 64 // the longest frame that segmentation offload makes (GSO_LEGACY_MAX_SIZE), and its header and tags
	frameAt   = 32         // where a frame begins in its buffer
	slotSize  = frameAt + frameRoom
	auxSpace  = 40 + 32 // a cmsghdr and struct tpacket_auxdata, and one and struct __kernel_timespec
)

// receiver is where frames come in.
type receiver struct {
	slab    []byte
	msgs    [batch]unix.Mmsghdr
	iovs    [batch]unix.Iovec
	control [batch][auxSpace]byte
	frames  [batch]received
}

// received is a frame with its header in front.
type received struct {
	raw    []byte
	tci    uint16
	tagged bool
	at, by int64 // when it was sent: not before at, and not after by, Unix nanoseconds
	stamp  int64 // what the kernel says of that; 0: nothing
}

func (r *receiver) open() (err error) {
	r.slab, err = unix.Mmap(-1, 0, batch*slotSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return err
	}
	for i := range r.msgs {
		r.iovs[i].Base = &r.slot(i)[frameAt-vnetLen]
		r.iovs[i].SetLen(vnetLen + frameRoom)
		h := &r.msgs[i].Hdr
		h.Iov = &r.iovs[i]
		h.SetIovlen(1)
		h.Control = &r.control[i][0]
		h.SetControllen(auxSpace)
	}
	return nil
}

func (r *receiver) close() {
	if r.slab != nil {
		_ = unix.Munmap(r.slab)
		r.slab = nil
	}
}

func (r *receiver) slot(i int) []byte { return r.slab[i*slotSize : (i+1)*slotSize] }

// socket takes a batch from a packet socket.
func (r *receiver) socket(p *port) ([]received, unix.Errno) {
	after, before := p.empty, p.clock()
	n, e := recvmmsg(p.fd, r.msgs[:p.batch])
	now := p.clock()
	if n < p.batch {
		p.empty = before
	}
	p.batch = batch
	for i := range n {
		m := &r.msgs[i]
		f := &r.frames[i]
		at := frameAt - vnetLen
		*f = received{raw: r.slot(i)[at : at+int(m.Len)], at: after, by: now}
		if m.Hdr.Flags&unix.MSG_TRUNC != 0 {
			f.raw = f.raw[:vnetLen]
		} else {
			r.auxdata(i, int(m.Hdr.Controllen), f)
			if f.stamp > 0 && p.stampsFrom > 0 && after >= p.stampsFrom {
				f.at, f.by = f.stamp, f.stamp
			}
		}
		if len(f.raw) >= vnetLen {
			clean(f.raw, len(f.raw)-vnetLen)
		}
		m.Hdr.SetControllen(auxSpace)
		if m.Len > longFrame {
			p.batch = longBatch
		}
	}
	return r.frames[:n], e
}

// auxdata takes what the kernel has put beside the frame: the time, and the tag. One that is not 802.1Q goes back in.
func (r *receiver) auxdata(i, n int, f *received) {
	for c := r.control[i][:n]; len(c) >= unix.SizeofCmsghdr; {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&c[0]))
		size := int(h.Len)
		if size < unix.SizeofCmsghdr || size > len(c) {
			return
		}
		data := c[unix.SizeofCmsghdr:size]
		switch {
		case h.Level == unix.SOL_SOCKET && h.Type == unix.SO_TIMESTAMPNS_NEW:
			f.stamp = int64(binary.NativeEndian.Uint64(data))*1e9 + int64(binary.NativeEndian.Uint64(data[8:]))
		case h.Level == unix.SOL_PACKET && h.Type == unix.PACKET_AUXDATA:
			r.tag(i, data, f)
		}
		c = c[min(unix.CmsgSpace(len(data)), len(c)):]
	}
}

// tag takes the tag out of a struct tpacket_auxdata.
func (r *receiver) tag(i int, aux []byte, f *received) {
	status := binary.NativeEndian.Uint32(aux)
	if status&unix.TP_STATUS_VLAN_VALID == 0 {
		return
	}
	tci, tpid := binary.NativeEndian.Uint16(aux[16:]), binary.NativeEndian.Uint16(aux[18:])
	if status&unix.TP_STATUS_VLAN_TPID_VALID == 0 || tpid == typeVLAN {
		f.tagged, f.tci = true, tci
		return
	}
	if len(f.raw) < vnetLen+macsLen {
		return
	}
	end := frameAt - vnetLen + len(f.raw)
	f.raw = r.slot(i)[insertTag(r.slot(i), frameAt-vnetLen, tpid, tci):end]
}

// from takes a batch from a port.
func (l *Loop) from(r *receiver, p *port) (frames []received, e unix.Errno) {
	if p.tap {
		frames, e = r.tap(p)
	} else {
		frames, e = r.socket(p)
	}
	l.taken += uint64(len(frames))
	return frames, e
}

// tap takes a batch from a TAP, which gives one frame at a time.
func (r *receiver) tap(p *port) ([]received, unix.Errno) {
	n := 0
	after, now := p.empty, p.clock()
	for ; n < batch; n++ {
		s := r.slot(n)
		iov := unix.Iovec{Base: &s[frameAt-p.header]}
		iov.SetLen(p.header + frameRoom)
		before := now
		size, e := readv(p.fd, unsafe.Slice(&iov, 1))
		if e != 0 || size < p.header {
			p.empty = before
			return r.frames[:n], e
		}
		now = p.clock()
		// The two bytes between the shorter header and the frame are of no use here.
		copy(s[frameAt-vnetLen:], s[frameAt-p.header:frameAt-p.header+vnetLen])
		f := received{raw: s[frameAt-vnetLen : frameAt-p.header+size], at: after, by: now}
		clean(f.raw, len(f.raw)-vnetLen)
		r.frames[n] = f
	}
	return r.frames[:n], 0
}

// ready takes what a port has.
func (l *Loop) ready(id switchcore.PortID, events uint32) {
	p := l.port(id)
	if p == nil {
		return
	}
	frames, e := l.from(&l.in, p)
	if len(frames) > 0 {
		p.idle = 0
		l.look()
		if l.ports[id] == p { // the observer may have taken it away
			l.judgeBatch(p, frames)
		}
		l.flush()
	}
	if l.ports[id] == p && (e != 0 || len(frames) == 0) {
		l.trouble(p, e, events)
	}
}

// trouble is what a port reports that has no frame. A packet socket says ENETDOWN when its interface goes down, which deletion
// begins with; a TAP without its device is in error for ever.
func (l *Loop) trouble(p *port, e unix.Errno, events uint32) {
	switch e {
	case 0, unix.EAGAIN, unix.EINTR, unix.EIO:
		p.idle++
		if p.tap && events&(unix.EPOLLERR|unix.EPOLLHUP) != 0 || p.idle > 1000 {
			l.vanished(p, "its descriptor is in error")
		}
	case unix.EINVAL, unix.ENOBUFS, unix.ENOMEM, unix.EMSGSIZE:
		// A frame whose kind of segmentation has no header to describe it, or that there was no memory for: lost.
	case unix.ENETDOWN:
		l.doubt(p)
	default:
		l.vanished(p, e.Error())
	}
}

// vanished unplugs a port whose interface is not there any more.
func (l *Loop) vanished(p *port, why string) {
	l.logf("port %s is detached: %s", p.name, why)
	l.unplug(p.id)
}

// doubt has a port's interface looked at soon: it may be on its way down.
func (l *Loop) doubt(p *port) {
	p.down = time.Millisecond
	l.waitFor(p, l.now())
}

// checkDown looks what became of an interface that went down: a socket is not told when it is deleted afterwards, nor when it is
// up again.
func (l *Loop) checkDown(p *port, now time.Duration) {
	up, exists := p.interfaceState()
	switch {
	case !exists:
		l.vanished(p, "its interface is gone")
	case up:
		p.down = 0
		l.stopWaiting(p)
		l.carrier(p, true)
	default:
		l.carrier(p, false)
		p.down = min(2*p.down, time.Second)
		p.due = now + p.down
	}
}

// carrier tells the switch what became of a port's link, unless the observer does.
func (l *Loop) carrier(p *port, up bool) {
	if l.o.Observer == nil {
		l.core.SetLink(l.now(), p.id, up)
	}
}

// judgeBatch judges frames of one port, in their order.
func (l *Loop) judgeBatch(p *port, frames []received) {
	if len(l.pending) > 0 {
		l.judgeInOrder(p, frames)
		return
	}
	now := l.now()
	if l.stampsUntil > 0 && now > l.stampsUntil {
		l.stampFrames(false)
	}
	for i := range frames {
		l.judgeOne(now, p, &frames[i])
	}
}

// judgeOne judges a frame by what was so when it was sent.
func (l *Loop) judgeOne(now time.Duration, p *port, r *received) {
	if len(l.pending) > 0 {
		l.applyUntil(r.at)
		l.applyFor(p, r)
	}
	f := r.frame()
	if l.o.Observer != nil && !p.uplink && l.core.Suspect(p.id, f) && l.park(p, r) {
		return
	}
	l.judge(now, p, r.raw, f)
}

func (r *received) frame() switchcore.Frame {
	if len(r.raw) < vnetLen {
		return switchcore.Frame{}
	}
	data := r.raw[vnetLen:]
	return switchcore.Frame{Data: data, TCI: r.tci, Tagged: r.tagged, Segment: segment(r.raw, data, r.tagged)}
}

// judge asks the switch about one frame, and queues what it says.
func (l *Loop) judge(now time.Duration, p *port, raw []byte, f switchcore.Frame) {
	v := l.core.Forward(now, p.id, f)
	if v.Data != nil {
		raw = replaced(raw, v.Data)
	}
	if len(l.taps) > 0 {
		l.tapVerdict(p, raw, f, &v)
	}
	for i := range v.Out {
		l.queue(p, raw, &f, v.Out[i])
	}
	if v.Drop != switchcore.None || len(v.Lost) > 0 {
		l.logDrops(p, raw, f, &v)
	}
	if len(l.failed) > 0 {
		l.reportFailures()
	}
}

// replaced is a hook's frame with a header in front of it. As long as the frame was only overwritten, what was open in it still is;
// a frame of another length must be complete.
func replaced(raw, data []byte) []byte {
	out := make([]byte, vnetLen+len(data))
	if len(raw) == len(out) {
		copy(out, raw[:vnetLen])
	}
	copy(out[vnetLen:], data)
	return out
}
