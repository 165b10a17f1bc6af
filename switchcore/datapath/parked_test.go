//go:build linux

package datapath

import (
	"fmt"
	"testing"
	"time"

	"labctl/switchcore"
)

// Frames that wait for the same look at an adapter go on in the order in which they were sent.
func TestWaitingFramesKeepTheirOrder(t *testing.T) {
	l, o := observed(t)
	a, b := station(t, "g1", "e0"), station(t, "g2", "e0")
	o.answers(func(switchcore.PortID) Seen { return adapter(guestMAC(7)) })
	const frames = batch // all taken at once, and so before the answer
	l.Do(func(time.Duration, *switchcore.Switch) {
		for i := range frames {
			send(t, a, frame(7, 2, fmt.Sprintf("88b5 00%02x", i)))
		}
	})
	for i := range frames {
		hears(t, b, frame(7, 2, fmt.Sprintf("88b5 00%02x", i))) // forgets what comes too early
	}
	if n := o.count(0); n != 1 {
		t.Errorf("%d re-reads", n)
	}
}

// What waits at a port is limited, or whoever forges would fill the memory; when it has gone, there is room again.
func TestWhatWaitsIsLimited(t *testing.T) {
	l, _ := observed(t)
	const size = 1 << 16
	l.do(func() {
		k := &l.owner.intake
		p := k.attached.port(0)
		for range 2 {
			kept := 0
			for k.park(p, &received{raw: make([]byte, size)}) {
				if kept++; kept > 2*parkedBytes/size {
					break
				}
			}
			if kept != parkedBytes/size || p.parkedSize != parkedBytes {
				t.Errorf("%d frames of %d bytes wait, %d bytes in all; want %d", kept, size, p.parkedSize, parkedBytes)
			}
			k.unpark(p, func(*parkedFrame) bool { return true })
		}
	})
}

// A change of which it is known that it came after a frame does not make that right.
func TestAFrameBeforeAChangeIsNotExcused(t *testing.T) {
	l, o := observed(t)
	a := station(t, "g1", "e0")
	l.Do(func(time.Duration, *switchcore.Switch) {
		send(t, a, frame(9, 2, "88b5 0900"))
		o.tell(0, told(9, 500, 501)) // known when the frame is judged, which is sooner
	})
	eventually(t, "the frame is dropped", func() bool { return counters(l, 0).Drops[switchcore.MacForgery] == 1 })
	if n := o.count(0); n != 1 {
		t.Errorf("%d re-reads; the frame was not even suspected", n)
	}
}

// An address that a guest has again is news as long as the switch was not told of the one between.
func TestThereAndBackAgain(t *testing.T) {
	l, o := observed(t)
	a, b := station(t, "g1", "e0"), station(t, "g2", "e0")
	l.Do(func(time.Duration, *switchcore.Switch) {
		o.tell(0, told(9, 0, 0))
		o.tell(0, told(1, 0, 0))
	})
	eventually(t, "both are known", func() bool { n, held := l.Traffic(); return n == 0 && !held })
	send(t, a, frame(1, 2, "88b5 0100"))
	hears(t, b, frame(1, 2, "88b5 0100"))
	if n := counters(l, 0).Drops[switchcore.MacForgery]; n != 0 || o.count(0) != 0 {
		t.Errorf("%d frames were dropped, %d re-reads", n, o.count(0))
	}
	send(t, a, frame(9, 2, "88b5 0900"))
	eventually(t, "the address between is dropped", func() bool { return counters(l, 0).Drops[switchcore.MacForgery] == 1 })
}

// Who sends to an address knows that it is there, even if the switch hears late of the guest that has it now.
func TestAFrameForAnAddressThatIsToldLate(t *testing.T) {
	l, o := observed(t)
	a, b := station(t, "g1", "e0"), station(t, "g2", "e0")
	l.Do(func(time.Duration, *switchcore.Switch) {
		late := told(9, -1, 1000)
		send(t, b, frame(2, 9, "88b5 0200"))
		o.tell(0, late)
	})
	hears(t, a, frame(2, 9, "88b5 0200"))
}

// More than a port's queue holds is lost, and counted once, where it was lost.
func TestOverrunsAreCounted(t *testing.T) {
	guests(t, 3)
	l := start(t, learning(3), Options{})
	a, b := station(t, "g1", "e0"), station(t, "g3", "e0")
	const frames = 3 * queueBytes / 2048 // of more than 2048 bytes with the memory around them
	f := frame(1, 2, fmt.Sprintf("88b5 %02x%02968d", 0, 0))
	if n := l.Overruns(); len(n) != 0 {
		t.Errorf("overruns before anything was sent: %v", n)
	}
	stopped, begin := make(chan bool), make(chan bool)
	go l.Do(func(time.Duration, *switchcore.Switch) { close(stopped); <-begin })
	<-stopped // the switch does nothing
	for range frames {
		send(t, a, f)
	}
	send(t, b, frame(3, 2, "88b5 0300"))
	close(begin)
	eventually(t, "the other port's frame is in", func() bool { return counters(l, 2).RxFrames == 1 })
	lost, port, others := uint64(0), uint64(0), 0
	eventually(t, "all frames are taken", func() bool { n := counters(l, 0).RxFrames; last := port; port = n; return n > 0 && n == last })
	for id, n := range l.Overruns() {
		if id == 0 {
			lost = n
		} else {
			others++
		}
	}
	// The kernel has queues of its own before that of a port, and may lose a few there.
	if taken := counters(l, 0).RxFrames; lost == 0 || others != 0 || taken+lost > frames || taken+lost < frames*9/10 {
		t.Errorf("of %d frames %d were taken and %d are said to be lost, and some at %d other ports", frames, taken, lost, others)
	}
	if n := l.Overruns(); len(n) != 0 {
		t.Errorf("counted again: %v", n)
	}
}
