package reach

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"labctl/topology"
	"labctl/topology/silence"
)

// A lab is looked at again after glance while something is held, which grows to longGlance.
const (
	glance     = 200 * time.Microsecond
	longGlance = 5 * time.Millisecond
	// glanceAtNode is what a glance takes for each node.
	glanceAtNode = 5 * time.Microsecond
)

// waiting is one wait for something that may never come: until it has come, until it is proven that it will not, or,
// where that cannot be proven, as long as the caller's patience lasts.
type waiting struct {
	b      *bench
	ctx    context.Context
	proof  silence.Proof
	proven bool
	nap    time.Duration
	began  time.Time
	why    string // why it cannot be proven, "" while it may be
	holds  string // what in the lab may hold a frame back, or send late; "" if nothing is known
	asks   *asks  // whose neighbours may be given up; nil: nobody's
}

// asks is what a wait knows of the pairs whose requests it waits for, so that it may have the kernels give up their
// neighbours early. It is made before the requests are sent.
type asks struct {
	entries map[entry]bool // of the pairs: the next hops there and back
	before  losses
	keeps   string // why the kernels go on asking, "" while nothing is known that forces it
}

// asksOf is what a wait for traced pairs knows of them.
func asksOf(prs []*pair, before losses, keeps string) *asks {
	a := &asks{entries: map[entry]bool{}, before: before, keeps: keeps}
	for _, pr := range prs {
		for _, w := range []*path{pr.path, pr.back} {
			if w == nil {
				continue
			}
			for _, h := range w.hops {
				a.entries[entry(h)] = true
			}
		}
	}
	return a
}

// await begins a wait; what is waited for has been sent.
func (b *bench) await(ctx context.Context) *waiting {
	w := &waiting{b: b, ctx: ctx, began: time.Now(), holds: b.late()}
	if w.why = w.holds; b.lab.KernelTimers {
		w.why = "the lab has \"timers: kernel\""
	}
	return w
}

// manyNodes is from how many nodes on it takes less time to listen for a moment than to prove that nothing comes.
const manyNodes = 200

// awaitMoment begins a wait that is over after a moment where nothing can be proven.
func (b *bench) awaitMoment(ctx context.Context) *waiting {
	if len(b.lab.Nodes) >= manyNodes {
		return &waiting{b: b, ctx: ctx, began: time.Now(), why: "a proof takes longer"}
	}
	return b.await(ctx)
}

// left is how long a wait for what has no answer goes on: not any more once it is proven that nothing comes, as long as
// lingerAtMost while that may still be proven, since a machine that is busy takes its time, and else a moment of its
// own. What waits for a neighbour that is being asked for does not count.
func (w *waiting) left(moment time.Duration) time.Duration {
	switch {
	case w.proven:
		return 0
	case w.why == "" && len(w.proof.Resolving()) == 0:
		moment = max(moment, lingerAtMost)
	}
	return moment - time.Since(w.began)
}

// late says what may answer late, whatever a look finds; "" if nothing may.
func (b *bench) late() string {
	late, err := b.machine.LateSenders()
	if err != nil {
		return err.Error()
	}
	return firstOf(late)
}

// next looks once, and returns how long to listen before it is called again. It may take as long as a fence does.
func (w *waiting) next() time.Duration {
	step, nap := w.look(w.b.machine.Look)
	switch step {
	case silence.Proven:
		// A program may have come meanwhile.
		w.why = w.b.late()
		w.proven = w.why == ""
		return 0
	case silence.Stuck:
		return w.giveUp()
	case silence.Fence:
	default:
		return nap
	}
	if err := w.b.machine.Fence(); err != nil {
		w.why = err.Error()
		return maxNap
	}
	w.proof.Fenced()
	return 0
}

// worthwhile is how long a wait must have taken before a glance can save time: what the glance takes itself.
func (b *bench) worthwhile() time.Duration {
	return max(glance, time.Duration(len(b.lab.Nodes))*glanceAtNode)
}

// giveUp has the kernels give up the neighbours of the wait's own pairs that nobody has answered for, instead of asking
// for them twice more: what came of the first request will come of the others. Where that is not certain, or where
// others ask too, they are left to go on asking, and the wait goes on.
func (w *waiting) giveUp() time.Duration {
	if w.asks == nil {
		return longGlance
	}
	if w.asks.keeps == "" {
		var wanted []netip.Addr
		for _, e := range w.proof.Resolving() {
			wanted = append(wanted, e.IP)
		}
		w.asks.keeps = w.b.repeats(wanted)
	}
	if w.asks.keeps == "" {
		w.asks.keeps = w.b.late()
	}
	if w.asks.keeps == "" {
		w.asks.keeps = w.b.lostSince(w.asks.before)
	}
	if w.asks.keeps != "" {
		return longGlance
	}
	for _, e := range w.proof.Resolving() {
		if !w.asks.entries[entry{e.Node, e.Index, e.IP}] {
			continue
		}
		err := w.b.machine.FailNeighbours(e.Node, []topology.NeighbourEntry{{Index: e.Index, IP: e.IP}})
		if err != nil {
			w.asks.keeps = err.Error()
			return longGlance
		}
	}
	return w.nap
}

// repeats says why a repeated request for one of these addresses may be answered though the first was not; "" if it
// will not.
func (b *bench) repeats(wanted []netip.Addr) string {
	if mayProxy(b.lab) {
		return "the file speaks of answering for others"
	}
	if b.busy != nil {
		if what := b.busy(); what != "" {
			return what
		}
	}
	found, err := b.machine.Forgetful(false)
	if err != nil {
		return err.Error()
	}
	if len(found) > 0 {
		return firstOf(found)
	}
	any, err := b.machine.Anycast()
	if err != nil {
		return err.Error()
	}
	for _, ip := range wanted {
		if any[ip] {
			return ip.String() + " is an anycast address, which is answered for after a while"
		}
	}
	return ""
}

// firstOf is the first of a list, and how many more there are.
func firstOf(list []string) string {
	switch len(list) {
	case 0:
		return ""
	case 1:
		return list[0]
	}
	return fmt.Sprintf("%s, and %d more like it", list[0], len(list)-1)
}

// glance looks once, as next does, but proves nothing.
func (w *waiting) glance() time.Duration {
	_, nap := w.look(w.b.machine.Glance)
	return nap
}

func (w *waiting) look(from func(context.Context) (silence.Look, error)) (silence.Next, time.Duration) {
	if w.why != "" || w.ctx.Err() != nil {
		return silence.Wait, maxNap
	}
	l, err := from(w.ctx)
	if err != nil {
		w.why = err.Error()
		return silence.Wait, maxNap
	}
	step := w.proof.Take(l)
	switch {
	case step == silence.Fence, step == silence.Proven:
		w.nap = 0
	case w.nap == 0 && step == silence.Again:
		w.nap = glance / 4 // the second look follows at once
		return step, 0
	default:
		w.nap = min(max(2*w.nap, glance), longGlance)
	}
	return step, w.nap
}

// long is what a wait takes that a person would wonder about.
const long = 100 * time.Millisecond

// note tells the clock of a wait that took long, although nothing came or only what the kernels themselves gave up.
func (w *waiting) note() {
	if !w.proven && time.Since(w.began) > long {
		w.b.clock.waited(w.unproven())
	}
}

// unproven says why there is no proof, "" where there is.
func (w *waiting) unproven() string {
	switch waits := w.proof.Waits(); {
	case w.proven:
		return ""
	case w.why != "":
		return w.why
	case w.asks != nil && w.asks.keeps != "":
		return "neighbours are asked for three times, since " + w.asks.keeps
	case waits != "":
		return waits
	}
	return "frames kept moving"
}
