//go:build linux

package datapath

import (
	"time"

	"labctl/switchcore"
)

// forwarder asks the switch about frames, sends the copies, and shows all of it to taps and drop log. It belongs to the
// owner.
type forwarder struct {
	core  *switchcore.Switch
	names names
	taps  tapList
	drops *dropLog
	tx    transmitter
	lost  []switchcore.Loss
}

// judge asks the switch about one frame, and queues what it says.
func (d *forwarder) judge(now time.Duration, p *port, raw []byte, f switchcore.Frame) {
	v := d.core.Forward(now, p.id, f)
	if v.Data != nil {
		raw = replaced(raw, v.Data)
	}
	if len(d.taps.taps) > 0 {
		d.taps.verdict(p, raw, f, &v)
	}
	for i := range v.Out {
		d.tx.queue(p, raw, &f, v.Out[i])
	}
	if v.Drop != switchcore.None || len(v.Lost) > 0 {
		d.logDrops(p, raw, f, &v)
	}
	if len(d.tx.failed) > 0 {
		d.reportFailures()
	}
}

// flush sends what waits. The frames that were judged must be as they were until then.
func (d *forwarder) flush() {
	d.tx.flush()
	if len(d.tx.failed) > 0 {
		d.reportFailures()
	}
}

// reportFailures tells the switch, and whoever reads the drops, which copies did not leave.
func (d *forwarder) reportFailures() {
	for _, f := range d.tx.failed {
		d.core.TxFailed(f.out.id, f.reason)
		in := switchcore.NoPort
		if f.in != nil {
			in = f.in.id
		}
		d.logDrop(in, f.out.id, f.reason, f.raw, switchcore.Frame{TCI: f.tci, Tagged: f.tagged, Segment: f.segment})
	}
	clear(d.tx.failed)
	d.tx.failed = d.tx.failed[:0]
}

// announce sends frames of the switch itself.
func (d *forwarder) announce(list []switchcore.Announcement) {
	for _, a := range list {
		raw, f := make([]byte, vnetLen+len(a.Frame)), switchcore.Frame{}
		copy(raw[vnetLen:], a.Frame)
		for _, out := range a.Outputs {
			if len(d.taps.taps) > 0 {
				d.taps.output(raw, f, out, "announcement of the switch")
			}
			d.tx.queue(nil, raw, &f, out)
		}
	}
	d.flush()
}

// logDrops records what a verdict says of drops. It may ask the switch, so the verdict's slices are gone afterwards.
func (d *forwarder) logDrops(p *port, raw []byte, f switchcore.Frame, v *switchcore.Verdict) {
	d.lost = append(d.lost[:0], v.Lost...)
	if r := v.Input(); r != switchcore.None {
		d.logDrop(p.id, switchcore.NoPort, r, raw, f)
	}
	for _, lost := range d.lost {
		d.logDrop(p.id, lost.Port, lost.Reason, raw, f)
	}
}

// logDrop records a frame, or a copy of one, that was dropped.
func (d *forwarder) logDrop(in, out switchcore.PortID, reason switchcore.Reason, raw []byte, f switchcore.Frame) {
	if len(d.taps.taps) > 0 && raw != nil {
		d.taps.drop(in, out, reason, raw, f)
	}
	d.drops.add(d.names.of(in), d.names.of(out), reason, raw, f)
}

// replaced is a hook's frame with a header in front of it. As long as the frame was only overwritten, what was open in
// it still is; a frame of another length must be complete.
func replaced(raw, data []byte) []byte {
	out := make([]byte, vnetLen+len(data))
	if len(raw) == len(out) {
		copy(out, raw[:vnetLen])
	}
	copy(out[vnetLen:], data)
	return out
}
