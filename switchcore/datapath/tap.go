//go:build linux

package datapath

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"labctl/switchcore"
)

// TapFilter chooses what a [Tap] copies. The zero filter is everything.
type TapFilter struct {
	Points []string            // of the constants; nil: all
	Ports  []switchcore.PortID // frames from and copies to these; nil: all
	Snap   int                 // bytes kept of a frame; 0: all
	Queue  int                 // frames kept until they are fetched; 0: 4096
}

// TapFrame is one frame at one point.
type TapFrame struct {
	Time    time.Time // wall clock
	Point   string
	Port    switchcore.PortID // it came in by, or is about to leave by; of a copy that was dropped, the one it was for
	Name    string
	Number  uint32
	Verdict string // what was decided about it, such as "static: to b" or "dropped: MacForgery"
	Length  int    // of the frame
	Segment int    // as in DropRecord
	Data    []byte // with the tag that it has at this point; the first Snap bytes
}

// Tap is a copy of what passes. It changes no filter, no verdict and no counter of the switch.
type Tap struct {
	filter TapFilter
	remove func() // from the loop's list

	mu    sync.Mutex
	queue []TapFrame
	lost  uint64
	ended bool
	more  chan struct{} // has room for one wake-up
}

// Close ends the copying. Frames that were not fetched are gone, and whoever waits in Next is told ErrClosed.
func (t *Tap) Close() {
	t.remove()
	t.end()
}

// end lets those go who wait for frames.
func (t *Tap) end() {
	t.mu.Lock()
	t.ended = true
	t.mu.Unlock()
	t.wake()
}

// wake lets Next look again.
func (t *Tap) wake() {
	select {
	case t.more <- struct{}{}:
	default:
	}
}

// Next returns all frames that wait, and waits for some if there are none. Its error is the context's or [ErrClosed].
// One goroutine at a time may call it.
func (t *Tap) Next(ctx context.Context) ([]TapFrame, error) {
	for {
		t.mu.Lock()
		frames, ended := t.queue, t.ended
		t.queue = nil
		t.mu.Unlock()
		switch {
		case len(frames) > 0:
			return frames, nil
		case ended:
			t.wake() // for the next call
			return nil, ErrClosed
		}
		select {
		case <-t.more:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Lost counts the frames that were not copied because nobody fetched those before them.
func (t *Tap) Lost() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lost
}

// wants tells whether the filter lets a frame at this point through.
func (t *Tap) wants(point string, port switchcore.PortID) bool {
	f := &t.filter
	return (f.Points == nil || slices.Contains(f.Points, point)) && (f.Ports == nil || slices.Contains(f.Ports, port))
}

// put copies a frame.
func (t *Tap) put(f TapFrame, raw []byte, tagged bool, tci uint16) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queue) >= t.filter.Queue {
		t.lost++
		return
	}
	f.Length = max(len(raw)-vnetLen, 0)
	if tagged {
		f.Length += tagLen
	}
	keep := f.Length
	if t.filter.Snap > 0 {
		keep = min(keep, t.filter.Snap)
	}
	f.Data = make([]byte, max(keep, macsLen+tagLen))
	if len(raw) > vnetLen {
		copyFrame(f.Data, raw, tagged, tci)
	}
	f.Data = f.Data[:keep]
	t.queue = append(t.queue, f)
	t.wake()
}

// tapList has the taps of a loop. It belongs to the owner.
type tapList struct {
	taps     []*Tap
	names    *names
	attached *attached
}

// remove takes a tap off the list.
func (l *tapList) remove(t *Tap) {
	l.taps = slices.DeleteFunc(l.taps, func(o *Tap) bool { return o == t })
}

// end ends all taps.
func (l *tapList) end() {
	for _, t := range l.taps {
		t.end()
	}
}

// at shows a frame to the taps that want to see this port at this point.
func (l *tapList) at(point string, at switchcore.PortID, text string, raw []byte, tagged bool, tci uint16,
	segment int) {
	var f TapFrame
	for _, t := range l.taps {
		if !t.wants(point, at) {
			continue
		}
		if f.Point == "" {
			who := l.names.of(at)
			f = TapFrame{Time: time.Now(), Point: point, Port: at, Name: who.name, Number: who.number, Verdict: text,
				Segment: segment}
		}
		t.put(f, raw, tagged, tci)
	}
}

// verdict shows the taps a frame that came in and the copies of it that leave. The ports of a verdict are named without
// asking the switch, or its slices would be gone.
func (l *tapList) verdict(p *port, raw []byte, f switchcore.Frame, v *switchcore.Verdict) {
	v.Out, v.Lost = slices.Clone(v.Out), slices.Clone(v.Lost)
	text := l.verdictText(v)
	point := PortInput
	if p.uplink {
		point = UplinkRcv
	}
	l.at(point, p.id, text, raw, f.Tagged, f.TCI, f.Segment)
	for _, o := range v.Out {
		l.output(raw, f, o, text)
	}
}

// drop shows a frame, or a copy of one, where the drop log puts it: at the port that the copy was for, else at the one
// that the frame came from.
func (l *tapList) drop(in, out switchcore.PortID, reason switchcore.Reason, raw []byte, f switchcore.Frame) {
	at, text := in, dropText(reason)
	if out != switchcore.NoPort {
		at = out
		if from := l.names.of(in).name; from != "" {
			text += ", a copy from " + from
		}
	}
	l.at(Drop, at, text, raw, f.Tagged, f.TCI, f.Segment)
}

// output shows a copy as it leaves.
func (l *tapList) output(raw []byte, f switchcore.Frame, out switchcore.Output, text string) {
	point := PortOutput
	if p := l.attached.port(out.Port); p != nil && p.uplink {
		point = UplinkSnd
	}
	var head [headLen]byte
	if len(raw) < vnetLen+headerLen {
		return
	}
	if n, rest := rewrite(&head, raw, f.Tagged, out); n > 0 {
		raw = append(head[:n:n], raw[rest:]...)
	}
	l.at(point, out.Port, text, raw, false, 0, f.Segment)
}

// dropText is a reason with what ESXi says of it, where that is known.
func dropText(r switchcore.Reason) string {
	text, _, function := r.ESXi()
	switch {
	case text != "":
		return "dropped: " + r.String() + " (" + text + ", " + function + ")"
	default:
		return "dropped: " + r.String()
	}
}

// verdictText says in a line what was decided.
func (l *tapList) verdictText(v *switchcore.Verdict) string {
	if v.Drop != switchcore.None {
		return dropText(v.Drop)
	}
	names := make([]string, len(v.Out))
	for i, o := range v.Out {
		names[i] = l.names.of(o.Port).name
	}
	return v.Rule.String() + ": to " + strings.Join(names, ", ")
}
