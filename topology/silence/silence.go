// Package silence decides when nothing more can come of what was sent into a lab. A lab is a closed system: an answer
// can only come while something is on its way, or somebody is going to send. It knows no kernel, clock or goroutine;
// package reach looks and waits.
package silence

import (
	"fmt"
	"net/netip"
)

// Look is what one look at a lab found.
type Look struct {
	// Counted is a digest of everything that the lab counts of its frames: interfaces, and frames that virtual switches
	// have taken.
	Counted uint64
	// Held names what holds a frame at this moment: a queue, a virtual switch.
	Held []string
	// Resolving are the neighbour entries that are being asked for, at which packets wait.
	Resolving []Entry
}

// Entry is one of a node's neighbour table.
type Entry struct {
	Node  string
	Index int // of the interface
	IP    netip.Addr
}

func (e Entry) String() string { return fmt.Sprintf("%s asks for %s", e.Node, e.IP) }

// Next is what to do next.
type Next int

const (
	Again  Next = iota // look again
	Wait               // look again after a moment
	Fence              // have the processors leave what they are doing, say so by [Proof.Fenced], and look again
	Stuck              // nothing moves, but neighbours are being asked for, and nobody has answered
	Proven             // nothing will come
)

// Proof is of one wait for something that may never come. The zero value has seen nothing.
type Proof struct {
	last   Look
	looked bool
	calm   bool // the last two looks found the same, and no frame held
	fenced bool // and the processors have left since then whatever they were doing
}

// Take takes in a look. Two looks that find the same, with nothing held, show that whatever was queued has been worked
// off; what a processor was doing with a packet outside all queues is over after a fence. The look after the fence must
// still find the same: such a packet may have been put somewhere.
func (p *Proof) Take(l Look) Next {
	calm := p.looked && l.Counted == p.last.Counted && len(l.Held) == 0 && len(p.last.Held) == 0
	fenced := p.fenced
	p.last, p.looked, p.calm, p.fenced = l, true, calm, false
	switch {
	case len(l.Held) > 0:
		return Wait
	case calm && fenced && len(l.Resolving) > 0:
		return Stuck
	case calm && fenced:
		return Proven
	case calm:
		return Fence
	}
	return Again
}

// Fenced says that every processor has left, since the last look, whatever it was doing with packets then.
func (p *Proof) Fenced() { p.fenced = p.calm }

// Calm reports whether the last two looks found the same, with no frame held: very likely nothing moves but what
// neighbour entries wait for.
func (p *Proof) Calm() bool { return p.calm }

// Resolving are the neighbour entries of the last look.
func (p *Proof) Resolving() []Entry { return p.last.Resolving }

// Waits names what the last look found that may still send: "" if it found nothing.
func (p *Proof) Waits() string {
	switch {
	case len(p.last.Held) > 0:
		return p.last.Held[0]
	case len(p.last.Resolving) > 0:
		return p.last.Resolving[0].String()
	}
	return ""
}
