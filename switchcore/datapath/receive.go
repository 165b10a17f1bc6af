//go:build linux

package datapath

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"

	"labctl/switchcore"
)

// A batch is what is taken from a port at once. The buffers belong to the whole switch, so the largest batch of the
// largest frames is what a switch takes of memory, however many ports it has; pages that no frame was long enough for
// are never there.
const (
	batch     = 32
	longBatch = 8 // while frames are longer than longFrame: they are still cached when they are sent
	longFrame = 1 << 14
	frameRoom = 1<<16 + 64 // the longest frame that offloads make (GSO_LEGACY_MAX_SIZE), its header and tags
	frameAt   = 32         // where a frame begins in its buffer
	slotSize  = frameAt + frameRoom
	auxSpace  = 40 + 32 // a cmsghdr and struct tpacket_auxdata, and one and struct __kernel_timespec
)

// receiver is where frames come in.
type receiver struct {
	taken   uint64 // frames
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

// open makes room for a batch, which is only there as far as frames were long enough for it.
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

// close gives the room back, if there is any.
func (r *receiver) close() {
	if r.slab != nil {
		_ = unix.Munmap(r.slab)
		r.slab = nil
	}
}

// slot is the buffer of one frame.
func (r *receiver) slot(i int) []byte { return r.slab[i*slotSize : (i+1)*slotSize] }

// from takes a batch from a port.
func (r *receiver) from(p *port) (frames []received, e unix.Errno) {
	if p.tap {
		frames, e = r.tap(p)
	} else {
		frames, e = r.socket(p)
	}
	r.taken += uint64(len(frames))
	return frames, e
}

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
			if f.stamp > 0 && p.timestampsFrom > 0 && after >= p.timestampsFrom {
				f.at, f.by = f.stamp, f.stamp
			}
		}
		if len(f.raw) >= vnetLen {
			fixHeader(f.raw, len(f.raw)-vnetLen)
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
		fixHeader(f.raw, len(f.raw)-vnetLen)
		r.frames[n] = f
	}
	return r.frames[:n], 0
}

// frame is the frame for the switch, without the header in front.
func (r *received) frame() switchcore.Frame {
	if len(r.raw) < vnetLen {
		return switchcore.Frame{}
	}
	data := r.raw[vnetLen:]
	return switchcore.Frame{Data: data, TCI: r.tci, Tagged: r.tagged, Segment: segment(r.raw, data, r.tagged)}
}
