//go:build linux

package datapath

import (
	"slices"

	"labctl/switchcore"
)

// Observer tells a loop what the guests behind its ports have programmed into their adapters. The loop calls it from
// its owner only, except for FD, which it also calls once in Start.
type Observer interface {
	// FD is readable while something may have changed; the same as long as the loop runs. -1: nothing is observed.
	FD() int
	// Drain hands over what changed, in order, and never blocks. It is called after frames were received and before
	// they are judged, so that a change that was finished before a frame was sent is known when the frame is judged.
	Drain(each func(port switchcore.PortID, seen Seen))
	// Reread asks for a fresh look at a port, by another thread. Its result arrives through Drain, also if nothing has
	// changed.
	Reread(port switchcore.PortID)
}

// Seen is what an observer saw at a port.
type Seen struct {
	Filter switchcore.Filter // of the guest's adapter; unused at an uplink
	Up     bool              // the switch's own end has a carrier
	Gone   bool              // there is no adapter any more, and the rest says nothing
	// After and By say when it became so, in nanoseconds of Unix time: later than After and not later than By. Frames
	// are judged by what was so when they were sent. After is zero if nobody knows since when it is so, as after a look
	// at the adapter; By is zero if it has been so for longer than any frame was on its way.
	After, By int64
	// From is when the look at the adapter began that has found this; zero if it was told otherwise.
	From int64
}

// same tells whether two filters take the same frames.
func same(a, b switchcore.Filter) bool {
	return a.MAC == b.MAC && a.Promiscuous == b.Promiscuous && a.AllMulti == b.AllMulti &&
		slices.Equal(a.Groups, b.Groups)
}
