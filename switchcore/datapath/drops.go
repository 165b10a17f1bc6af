//go:build linux

package datapath

import (
	"context"
	"errors"
	"sync"
	"time"

	"labctl/switchcore"
)

// The points at which frames are seen, by the names that vSphere gives them.
const (
	PortInput  = "PortInput"  // from a guest into the switch
	PortOutput = "PortOutput" // from the switch to a guest
	UplinkRcv  = "UplinkRcv"  // from outside into the switch
	UplinkSnd  = "UplinkSnd"  // from the switch to the outside
	Drop       = "Drop"       // nowhere
)

// ErrClosed is what is returned to those who wait for something of a loop that has ended.
var ErrClosed = errors.New("the switch has stopped")

// dropData is how much of a dropped frame is kept.
const dropData = 128

// DropRecord is one dropped frame, or one copy of a frame that did not leave by its port.
type DropRecord struct {
	Seq      uint64    // from 1, without gaps
	Time     time.Time // wall clock
	Point    string    // always Drop
	Reason   switchcore.Reason
	Port     switchcore.PortID // the port the frame came from; NoPort: the switch made it itself
	PortName string
	Number   uint32
	Out      switchcore.PortID // of a copy the port it was for; NoPort: the frame was dropped as a whole
	OutName  string
	Length   int  // bytes of the frame, a tag beside it included
	Segment  int  // not 0: the frame would have been cut into pieces with payloads of at most so many bytes (TSO and its like)
	Checksum bool // its checksum was still open, for the adapter to fill in
	Data     []byte
}

// dropLog is a ring of records. The owner writes, anybody reads.
type dropLog struct {
	mu      sync.Mutex
	records []dropped
	size    int
	next    uint64        // the Seq of the record to come
	more    chan struct{} // closed at the next record; nil: nobody waits
	ended   bool
}

type dropped struct {
	DropRecord
	data [dropData]byte
}

func newDropLog(size int) *dropLog { return &dropLog{size: size, next: 1} }

// slot is where the next record goes.
func (d *dropLog) slotLocked() *dropped {
	i := int((d.next - 1) % uint64(d.size))
	if i == len(d.records) {
		d.records = append(d.records, dropped{})
	}
	return &d.records[i]
}

func (d *dropLog) wakeLocked() {
	if d.more != nil {
		close(d.more)
		d.more = nil
	}
}

func (d *dropLog) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	d.wakeLocked()
}

// Drops returns the records after a sequence number, oldest first, what to ask for next time, and how many of those asked for are
// not kept any more. It also works on a closed loop.
func (l *Loop) Drops(after uint64) (records []DropRecord, next uint64, lost uint64) {
	d := l.drops
	d.mu.Lock()
	defer d.mu.Unlock()
	first := d.next - uint64(len(d.records))
	from := after + 1
	if from < first {
		lost = first - from
		from = first
	}
	for ; from < d.next; from++ {
		r := &d.records[(from-1)%uint64(d.size)]
		c := r.DropRecord
		c.Data = append([]byte(nil), r.data[:min(dropData, len(r.Data))]...)
		records = append(records, c)
	}
	return records, d.next - 1, lost
}

// DropWait returns nil as soon as there is a record after a sequence number, the context's error if that ends before, and
// [ErrClosed] if the loop does.
func (l *Loop) DropWait(ctx context.Context, after uint64) error {
	d := l.drops
	for {
		d.mu.Lock()
		if d.next-1 > after {
			d.mu.Unlock()
			return nil
		}
		if d.ended {
			d.mu.Unlock()
			return ErrClosed
		}
		if d.more == nil {
			d.more = make(chan struct{})
		}
		more := d.more
		d.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// logDrops records what a verdict says of drops. It may ask the switch, so the verdict's slices are gone afterwards.
func (l *Loop) logDrops(p *port, raw []byte, f switchcore.Frame, v *switchcore.Verdict) {
	l.lost = append(l.lost[:0], v.Lost...)
	if r := v.Input(); r != switchcore.None {
		l.logDrop(p.id, switchcore.NoPort, r, raw, f)
	}
	for _, lost := range l.lost {
		l.logDrop(p.id, lost.Port, lost.Reason, raw, f)
	}
}

// Oversized counts frames that the kernel threw away on the cable of a port because they were longer than the port takes, and so
// before the switch could see them. Their records have no length and no data. Safe for concurrent use.
func (l *Loop) Oversized(id switchcore.PortID, n uint64) {
	l.do(func() {
		for range n {
			l.core.TxFailed(id, switchcore.MtuExceeded)
			l.logDrop(id, switchcore.NoPort, switchcore.MtuExceeded, nil, switchcore.Frame{})
		}
	})
}

func (l *Loop) logDrop(in, out switchcore.PortID, reason switchcore.Reason, raw []byte, f switchcore.Frame) {
	if len(l.taps) > 0 && raw != nil {
		l.tapDrop(in, out, reason, raw, f)
	}
	from, to := l.identify(in), l.identify(out)
	d := l.drops
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.slotLocked()
	r.DropRecord = DropRecord{
		Seq: d.next, Time: time.Now(), Point: Drop, Reason: reason,
		Port: in, PortName: from.name, Number: from.number, Out: out, OutName: to.name,
		Segment: f.Segment,
	}
	if len(raw) > vnetLen {
		r.Checksum = raw[0]&needsChecksum != 0
		r.Length = len(raw) - vnetLen
		r.Data = r.data[:copyFrame(r.data[:], raw, f.Tagged, f.TCI)]
		if f.Tagged {
			r.Length += tagLen
		}
	}
	d.next++
	d.wakeLocked()
}

// copyFrame writes a frame with the tag beside it put in, as far as there is room, and returns how much.
func copyFrame(to, raw []byte, tagged bool, tci uint16) int {
	data := raw[vnetLen:]
	if !tagged || len(data) < macsLen || len(to) < macsLen+tagLen {
		return copy(to, data)
	}
	n := copy(to, data[:macsLen])
	to[n], to[n+1], to[n+2], to[n+3] = typeVLAN>>8, typeVLAN&0xff, byte(tci>>8), byte(tci)
	n += tagLen
	return n + copy(to[n:], data[macsLen:])
}

// identity is what people call a port.
type identity struct {
	name   string
	number uint32
	known  bool
}

// identify tells a port's name and number. They are kept until somebody may have changed the configuration.
func (l *Loop) identify(id switchcore.PortID) identity {
	if id < 0 {
		return identity{}
	}
	for int(id) >= len(l.names) {
		l.names = append(l.names, identity{})
	}
	n := &l.names[id]
	if !n.known {
		st := l.core.Status(id)
		*n = identity{st.Name, st.Number, true}
	}
	return *n
}
