// Package schedule decides which pairs of a ping table are asked when, so that each gets the answer that it would get
// alone: in which order one after the other, which at the same time, and which only so many a second. It knows no
// kernel, clock or goroutine; package reach asks.
package schedule

import "slices"

const (
	// MaxSame bounds a batch's pairs of one source: what its socket holds while it resolves.
	MaxSame = 128
	// MaxErrors is how many pairs of a batch may wait for neighbours if one waits at a router. Entries that were made
	// together fail in the same tick, and a processor's one socket for ICMP (icmp_sk, net/ipv4/icmp.c) sends only so
	// many errors before the first has arrived.
	MaxErrors = 128
	// tile is how many senders are asked about how many targets before it is another group's turn: what they leave then
	// lies in few nodes, and each is made to forget with one request.
	tile = 16
)

// Ends are the nodes of a pair. To is "" where the target is not a node's.
type Ends struct{ From, To string }

// Order puts pairs into the order in which they are best asked one after the other; a pair and its opposite, which
// leave the same entries, come apart.
func Order[P any](pairs []P, ends func(P) Ends) []P {
	number := map[string]int{}
	of := func(node string) int {
		n, ok := number[node]
		if !ok {
			n = len(number)
			number[node] = n
		}
		return n
	}
	type placed struct {
		key  [5]int
		pair P
	}
	order := make([]placed, len(pairs))
	for i, p := range pairs {
		e := ends(p)
		a := of(e.From)
		b := a
		if e.To != "" {
			b = of(e.To)
		}
		back := 0
		if a > b {
			a, b, back = b, a, 1
		}
		order[i] = placed{[5]int{a / tile, b / tile, back, a, b}, p}
	}
	slices.SortStableFunc(order, func(x, y placed) int { return slices.Compare(x.key[:], y.key[:]) })
	out := make([]P, len(pairs))
	for i, p := range order {
		out[i] = p.pair
	}
	return out
}

// Wait is what a pair, when it was asked alone, had the nodes do until it was given up.
type Wait struct {
	Source  string   // whose socket it is asked from
	Waiting bool     // some node waited for a neighbour
	Routed  bool     // one of them was a router on the way there, whose error must come
	Wanted  []string // the nodes whose addresses were waited for
	Asking  []string // the nodes that asked for a neighbour
}

// Batch takes from a queue, in its order, pairs that may be under way at the same time, and at least the first: no pair
// waits for a node that another one makes ask, since an incomplete entry is completed by any request of its owner. Room
// is how many fit.
func Batch[P any](queue []P, wait func(P) Wait, room int) (batch, left []P) {
	b := open{wanted: map[string]bool{}, asking: map[string]bool{}, same: map[string]int{}}
	for _, p := range queue {
		if b.take(wait(p), room) {
			batch = append(batch, p)
		} else {
			left = append(left, p)
		}
	}
	return batch, left
}

// open is a batch that is being put together.
type open struct {
	count          int
	wanted, asking map[string]bool
	same           map[string]int // by the source
	waiting        int            // pairs of which some node waits for a neighbour
	routed         bool           // one of them is a router
}

// take adds a pair unless one of it and the batch waits for a node that the other makes ask.
func (b *open) take(w Wait, room int) bool {
	routed := b.routed || w.Routed
	if b.count > 0 && (b.count >= room || b.same[w.Source] >= MaxSame || w.Waiting && routed &&
		b.waiting >= MaxErrors) {
		return false
	}
	if slices.ContainsFunc(w.Wanted, func(n string) bool { return b.asking[n] }) ||
		slices.ContainsFunc(w.Asking, func(n string) bool { return b.wanted[n] }) {
		return false
	}
	for _, n := range w.Wanted {
		b.wanted[n] = true
	}
	for _, n := range w.Asking {
		b.asking[n] = true
	}
	if w.Waiting {
		b.waiting, b.routed = b.waiting+1, routed
	}
	b.same[w.Source]++
	b.count++
	return true
}

// Turns has pairs asked whose answers are limited to so many a second for each source: one of every source in a round,
// again in the next ones when no answer came.
type Turns[P comparable] struct {
	queues  map[string][]P
	sources []string // in the order in which they came
	source  func(P) string
	tries   map[P]int
	most    int
	left    int
}

// NewTurns gives each pair at most so many tries.
func NewTurns[P comparable](pairs []P, source func(P) string, most int) *Turns[P] {
	t := &Turns[P]{queues: map[string][]P{}, source: source, tries: map[P]int{}, most: most, left: len(pairs)}
	for _, p := range pairs {
		s := source(p)
		if len(t.queues[s]) == 0 {
			t.sources = append(t.sources, s)
		}
		t.queues[s] = append(t.queues[s], p)
	}
	return t
}

// Left is how many pairs are not over.
func (t *Turns[P]) Left() int { return t.left }

// Round is the pairs to ask now.
func (t *Turns[P]) Round() []P {
	var round []P
	for _, s := range t.sources {
		if q := t.queues[s]; len(q) > 0 {
			t.tries[q[0]]++
			round = append(round, q[0])
		}
	}
	return round
}

// Over notes how a pair of the round has done, and reports whether it was its last turn.
func (t *Turns[P]) Over(p P, answered bool) bool {
	if !answered && t.tries[p] < t.most {
		return false
	}
	s := t.source(p)
	t.queues[s] = t.queues[s][1:]
	t.left--
	return true
}
