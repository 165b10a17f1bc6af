package reach

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"labctl/topology/expect"
)

// flow is one A->B of a sees table, with its marked request.
type flow struct {
	pr      *pair
	key     uint32
	stream  *Stream     // running already: any of its requests is the marked one
	from    []*listener // what leaves the sender
	to      []*listener // what arrives at the target
	unknown error
	// the interfaces whose carriers changed while its marked request was lost, each time that it was sent
	moved string
}

// watch is the sees questions of one table.
type watch struct {
	*listeners
	a        *asking
	m        *exchange
	steering *steering
	flows    map[[2]string]*flow
	asked    []*watched

	joined carriers // as they were last read

	// Of fresh tables: before the first flow, and why neighbours must not be given up early.
	before losses
	keeps  string
}

func newWatch(ctx context.Context, a *asking) *watch {
	m := newExchange(ctx, a.b, a.own)
	return &watch{listeners: newListeners(a.b, a.own, marked(a.b.cookie)), a: a, m: m, steering: &steering{exchange: m},
		flows: map[[2]string]*flow{}}
}

// watched is one question.
type watched struct {
	index   int
	flow    *flow
	counted bool // how many copies came is asked
	column
}

// sees opens the listeners, then for each flow lets both sides exchange an echo and sends one marked request. A frame
// is seen where it arrives, and at its sender, where it leaves; a router that sends it on has seen it come. All flows
// whose request got lost share one wait at the end: their marks tell them apart.
//
// Who is not promiscuous listens while nobody of us is who is: a promiscuous socket opens the filter of its interface,
// of what is under it, and of a virtual switch's port, for all.
func (a *asking) sees(ctx context.Context, at []int) {
	var plain, promiscuous []int
	for _, i := range at {
		switch {
		case a.overheard(i):
		case a.out[i].Question.Promiscuous():
			promiscuous = append(promiscuous, i)
		default:
			plain = append(plain, i)
		}
	}
	a.listen(ctx, plain)
	a.listen(ctx, promiscuous)
}

// listen asks sees questions whose listeners are alike.
func (a *asking) listen(ctx context.Context, at []int) {
	if len(at) == 0 || ctx.Err() != nil {
		return
	}
	w := newWatch(ctx, a)
	defer func() {
		if err := w.close(ctx); err != nil {
			a.fail(at, err)
		}
	}()
	for _, i := range at {
		q := a.out[i].Question
		c, err := w.column(q.At, q.Promiscuous())
		if err != nil {
			a.fail([]int{i}, err)
			continue
		}
		w.asked = append(w.asked, &watched{index: i, counted: a.counts(i), column: c})
	}
	for _, k := range w.asked {
		q := a.out[k.index].Question
		at := [2]string{q.A, q.B}
		if w.flows[at] == nil {
			w.flows[at] = w.flow(q)
		}
		k.flow = w.flows[at]
	}
	if len(w.open) > 0 {
		if err := a.b.machine.Quiet(ctx); err != nil {
			a.fail(at, err)
			return
		}
	}
	var err error
	if w.before, err = a.b.losses(); err != nil {
		a.fail(at, err)
		return
	}
	w.joined = w.before.carriers
	if !a.kept {
		w.keeps = a.b.repeats(nil)
	}
	for _, k := range w.asked {
		switch f := k.flow; {
		case f.unknown != nil:
		case f.stream != nil:
			w.follow(f)
		case f.key == 0:
			f.unknown = w.run(f)
		}
	}
	w.settle()
	for _, k := range w.asked {
		a.out[k.index].Got, a.out[k.index].Detail, a.out[k.index].Exact = w.answer(k)
	}
}

// flow resolves A->B, by IPv6 if B has nothing else, or the name of a stream, and opens the taps that prove that its
// request leaves and arrives. All listeners are open by now, so a promiscuous one that is there already serves as well;
// the others change nothing.
func (w *watch) flow(q expect.Question) *flow {
	f := &flow{}
	if q.B == "" {
		if f.stream = w.a.bg.streamOf(q.A); f.stream == nil {
			return &flow{unknown: fmt.Errorf("no stream called %q is running, and nothing of that name was sent "+
				"while there were listeners", q.A)}
		}
		q.A, q.B = f.stream.from.Text, f.stream.to.Text
		f.key = f.stream.id
	}
	_, to, err := w.b.ends(q)
	if err != nil {
		return &flow{unknown: err}
	}
	if f.pr, err = newPair(w.m.b, w.m.own, q, !to.IP.IsValid()); err != nil {
		return &flow{unknown: err}
	}
	pr := f.pr
	w.m.pairs = append(w.m.pairs, pr) // what settle listens on for depends on how long they took
	if f.from, err = w.taps(pr.sock.node); err == nil && to.Node != "" {
		f.to, err = w.taps(to.Node)
	}
	if err != nil {
		return &flow{unknown: err}
	}
	return f
}

// introduction is how long the echo before the marked one may take: longer than a neighbour takes to fail.
const introduction = time.Second

// run sends the marked request of a flow, again if it may have been lost for a reason that is not the lab's.
func (w *watch) run(f *flow) error {
	for try := 0; ; try++ {
		if err := w.once(f); err != nil {
			return err
		}
		lost, err := w.lost(f)
		if err != nil || !lost || try == lostTries {
			return err
		}
	}
}

// once lets the two sides exchange an echo and then sends the marked request. When the sender itself gives the first
// up, it would only try the same again: then that one is the marked one.
func (w *watch) once(f *flow) error {
	m := w.m
	if err := w.a.start(m.ctx); err != nil {
		return err
	}
	d := min(introduction, m.b.patience)
	if m.b.lab.KernelTimers {
		d = m.b.patience
	}
	if err := w.mark(f, func(asks *asks) error { return m.quiet(f.pr, d, asks) }); err != nil {
		return err
	}
	if f.pr.word != "" && f.pr.word != "ok" && !heard(f.from, f.key) {
		return m.ctx.Err()
	}
	return w.mark(f, func(asks *asks) error {
		m.await(f.pr, quick)
		if w.drain(); heard(f.to, f.key) {
			return m.ctx.Err()
		}
		return m.quiet(f.pr, m.b.patience, asks)
	})
}

// mark sends a request, which is then the marked one, and waits for what becomes of it. Where tables are kept it steers
// its sender as a lone one would.
func (w *watch) mark(f *flow, wait func(*asks) error) error {
	m := w.m
	f.pr.again()
	if m.drain(f.pr.sock); m.turned > 0 {
		clear(m.ways) // an accepted redirect changes them
	}
	m.tracePair(f.pr)
	if w.a.kept {
		w.steering.unlimited(f.pr)
	}
	var asks *asks
	if !w.a.kept {
		asks = asksOf([]*pair{f.pr}, w.before, w.keeps)
	}
	m.send(f.pr)
	f.key = f.pr.key
	err := wait(asks)
	if err == nil && w.a.kept {
		err = w.steering.insist(f.pr)
		f.key = f.pr.key
	}
	w.drain()
	if err != nil {
		return err
	}
	return m.ctx.Err()
}

// follow listens until the stream has sent as many requests as make a verdict, from now on, or until all who are asked
// about have one of them.
func (w *watch) follow(f *flow) {
	w.m.tracePair(f.pr)
	base, hurry := f.stream.Sent(), f.stream.mayHurry(w.b)
	for w.m.ctx.Err() == nil && f.stream.Sent() < base+enough && !w.allCaptured(f) {
		if f.stream.stopped() {
			f.unknown = errors.New("the stream was stopped meanwhile")
			return
		}
		if hurry = hurry && f.stream.once(w.m.ctx, w.b); !hurry {
			poll(w.pollFds(), min(f.stream.every, maxNap))
		}
		w.drain()
	}
	f.pr.sent = time.Now()
}

func (w *watch) drain() {
	var buf [256]byte
	for _, e := range w.open {
		for {
			frame, outgoing, ok := e.next(buf[:])
			if !ok {
				break
			}
			key, ok := markOf(frame, w.a.b.cookie)
			if !ok {
				if key, ok = markOf(frame, streamCookie(w.a.b.cookie)); ok {
					e.requests[request{key, outgoing}]++
				}
				key &^= 0xffff // any request of the stream
			}
			if ok && outgoing {
				e.sent[key]++
			} else if ok {
				e.arrived[key]++
				e.taken[key] = e.taken[key] || !e.forOthers
			}
		}
	}
}

// heard reports whether one of a node's sockets has the request, coming or going.
func heard(ears []*listener, key uint32) bool {
	return slices.ContainsFunc(ears, func(e *listener) bool { return e.arrived[key]+e.sent[key] > 0 })
}

// settle listens on for a moment, since a copy may be behind the answer; and as long as patience lasts for a request
// that got lost somewhere, or that something in the lab may hold, if that matters to a listener.
func (w *watch) settle() {
	fds := w.pollFds()
	_ = w.m.b.machine.Idle(w.m.ctx) // its error is the context's, which ends the loop too
	wait := w.b.await(w.m.ctx)
	for w.m.ctx.Err() == nil {
		left := wait.left(w.m.lingering())
		w.drain()
		for _, k := range w.asked {
			if k.flow.unknown != nil || k.captured() && !k.counted {
				continue
			}
			pr, lost := k.flow.pr, false
			if k.flow.stream == nil {
				w.m.drain(pr.sock)
				lost = pr.word == "" && !heard(k.flow.to, k.flow.key)
			}
			if lost || wait.holds != "" && !pr.unsent() {
				left = max(left, w.m.b.patience-time.Since(pr.sent))
			}
		}
		if wait.proven || left <= 0 {
			return
		}
		poll(fds, min(left, wait.next(), maxNap))
	}
}

// allCaptured reports whether all listeners that are asked about have the marked request of a flow, and nobody asks how
// often it comes.
func (w *watch) allCaptured(f *flow) bool {
	return !slices.ContainsFunc(w.asked, func(k *watched) bool { return k.flow == f && (k.counted || !k.captured()) })
}

// lost reports whether the marked request of a flow may have been lost for a reason that is not the lab's. From kept
// tables only what the kernel has certainly thrown away counts.
func (w *watch) lost(f *flow) (bool, error) {
	m := w.m
	if f.pr.word != "" || heard(f.to, f.key) {
		return false, m.ctx.Err()
	}
	if w.a.kept {
		return m.thrownAway(f.pr, w.joined)
	}
	now, err := m.b.carriers(m.b.nodeNames()...)
	if err != nil {
		return false, err
	}
	_, names := m.own.moved(w.joined, now)
	w.joined = now
	if f.moved = strings.Join(names, ", "); f.moved != "" {
		return true, nil
	}
	if heard(f.from, f.key) {
		return false, nil
	}
	return m.vanished(f.pr, now)
}
