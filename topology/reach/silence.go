package reach

import (
	"context"
	"fmt"
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
	keeps  string // why the kernels go on asking for neighbours, "" while that is not known
}

// await begins a wait; what is waited for has been sent.
func (b *bench) await(ctx context.Context) *waiting {
	w := &waiting{b: b, ctx: ctx, began: time.Now()}
	if b.lab.KernelTimers {
		w.why = "the lab has \"timers: kernel\""
		return w
	}
	late, err := b.machine.LateSenders()
	if err != nil {
		w.why = err.Error()
	} else {
		w.why = firstOf(late)
	}
	return w
}

// next looks once, and returns how long to listen before it is called again. It may take as long as a fence does.
func (w *waiting) next() time.Duration {
	step, nap := w.look(w.b.machine.Look)
	switch step {
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

// giveUp has the kernels give up the neighbours that nobody has answered for, instead of asking for them twice more:
// what came of the first request will come of the others. Where that is not certain they are left to go on asking, and
// the wait goes on.
func (w *waiting) giveUp() time.Duration {
	if w.keeps == "" {
		w.keeps = w.b.repeats()
	}
	if w.keeps != "" {
		return longGlance
	}
	for _, e := range w.proof.Resolving() {
		err := w.b.machine.FailNeighbours(e.Node, []topology.NeighbourEntry{{Index: e.Index, IP: e.IP}})
		if err != nil {
			w.keeps = err.Error()
			return longGlance
		}
	}
	return 0
}

// repeats says why a repeated request for a neighbour may be answered though the first was not; "" if it will not.
func (b *bench) repeats() string {
	if mayProxy(b.lab) {
		return "the file speaks of answering for others"
	}
	if b.busy != nil {
		if what := b.busy(); what != "" {
			return what
		}
	}
	found, err := b.machine.Forgetful()
	if err != nil {
		return err.Error()
	}
	return firstOf(found)
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
	w.proven = step == silence.Proven
	if step != silence.Wait && step != silence.Stuck {
		w.nap = 0
		return step, 0
	}
	w.nap = min(max(2*w.nap, glance), longGlance)
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
	case w.keeps != "":
		return "neighbours are asked for three times, since " + w.keeps
	case waits != "":
		return waits
	}
	return "frames kept moving"
}
