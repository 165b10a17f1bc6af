//go:build linux

package datapath

import (
	"context"
	"sync"
	"time"

	"labctl/switchcore"
)

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
	Segment  int  // not 0: of a frame to be cut (TSO and its like), the longest payload of a piece in bytes
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

// dropped is a record with its room for data.
type dropped struct {
	DropRecord
	data [dropData]byte
}

// newDropLog is a log that keeps so many records.
func newDropLog(size int) *dropLog { return &dropLog{size: size, next: 1} }

// slotLocked is where the next record goes.
func (d *dropLog) slotLocked() *dropped {
	i := int((d.next - 1) % uint64(d.size))
	if i == len(d.records) {
		d.records = append(d.records, dropped{})
	}
	return &d.records[i]
}

// wakeLocked lets those go who wait for a record.
func (d *dropLog) wakeLocked() {
	if d.more != nil {
		close(d.more)
		d.more = nil
	}
}

// end lets those go who wait for records that will not come.
func (d *dropLog) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	d.wakeLocked()
}

// add keeps a record of a frame, or of the copy of it for out, with the tag beside it put in.
func (d *dropLog) add(from, out identity, reason switchcore.Reason, raw []byte, f switchcore.Frame) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.slotLocked()
	r.DropRecord = DropRecord{
		Seq: d.next, Time: time.Now(), Point: Drop, Reason: reason,
		Port: from.id, PortName: from.name, Number: from.number, Out: out.id, OutName: out.name,
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

// after is [Loop.Drops].
func (d *dropLog) after(seq uint64) (records []DropRecord, next uint64, lost uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	first := d.next - uint64(len(d.records))
	from := seq + 1
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

// wait is [Loop.DropWait].
func (d *dropLog) wait(ctx context.Context, after uint64) error {
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
