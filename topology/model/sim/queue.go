package sim

import (
	"container/heap"
	"slices"
	"time"
)

func (t timers) Len() int { return len(t) }
func (t timers) Less(i, j int) bool {
	if t[i].at != t[j].at {
		return t[i].at < t[j].at
	}
	return t[i].serial < t[j].serial
}
func (t timers) Swap(i, j int) { t[i], t[j] = t[j], t[i] }
func (t *timers) Push(x any)   { *t = append(*t, x.(timer)) }
func (t *timers) Pop() any {
	last := (*t)[len(*t)-1]
	*t = (*t)[:len(*t)-1]
	return last
}

// after has something done later, in the background.
func (q *queue) after(d time.Duration, do func()) { q.push(timer{at: q.now + d, do: do}) }

// unless has something done later, if it still means something then. Urgent: who asks waits for it.
func (q *queue) unless(d time.Duration, urgent bool, alive func() bool, do func()) {
	q.push(timer{at: q.now + d, urgent: urgent, alive: alive, do: do})
}

// manyTimers is how many there may be before those that mean nothing any more are taken away.
const manyTimers = 256

func (q *queue) push(t timer) {
	if len(q.timers) > manyTimers {
		q.timers = slices.DeleteFunc(q.timers, func(t timer) bool { return t.alive != nil && !t.alive() })
		heap.Init(&q.timers)
	}
	q.serial++
	t.serial = q.serial
	heap.Push(&q.timers, t)
}

// arrive has an interface take a frame.
func (q *queue) arrive(at *device, f frame) { q.arriving = append(q.arriving, arrival{at: at, f: f}) }

// queueAt puts a frame in front of a virtual switch.
func (q *queue) queueAt(p *switchPort, f frame) { q.waiting = append(q.waiting, arrival{to: p, f: f}) }

// flow moves frames until none is under way, or until there were too many: frames circle.
func (w *World) flow() {
	for {
		switch {
		case w.handled > w.limit:
			w.arriving, w.waiting, w.first, w.next = w.arriving[:0], w.waiting[:0], 0, 0
			w.storming = true
			w.doubt(Storm, "frames circle: after %d of them there is no end", w.limit)
			return
		case w.first < len(w.arriving):
			a := w.arriving[w.first]
			w.arriving[w.first] = arrival{}
			w.first++
			w.handled++
			a.at.receive(a.f)
		case w.next < len(w.waiting):
			w.arriving, w.first = w.arriving[:0], 0
			a := w.waiting[w.next]
			w.waiting[w.next] = arrival{}
			w.next++
			w.handled++
			a.to.take(a.f)
		default:
			w.arriving, w.first, w.waiting, w.next = w.arriving[:0], 0, w.waiting[:0], 0
			return
		}
	}
}

// aged is the time by which bridges and virtual switches forget.
func (q *queue) aged() time.Duration { return q.now - q.stood }

// settle moves frames and lets time pass until nobody waits for anything that can still come.
func (w *World) settle() {
	w.flow()
	for w.pending() && !w.storming {
		w.tick()
	}
}

// pending reports whether an urgent timer runs.
func (w *World) pending() bool {
	for i := range w.timers {
		if t := &w.timers[i]; t.urgent && t.alive() {
			return true
		}
	}
	return false
}

// tick lets time pass until the next timer.
func (w *World) tick() {
	t := heap.Pop(&w.timers).(timer)
	if t.alive != nil && !t.alive() {
		return
	}
	w.now = max(w.now, t.at)
	t.do()
	w.flow()
}
