package sim

import (
	"container/heap"
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

// after has something done later. Urgent: who asks waits for it.
func (q *queue) after(d time.Duration, urgent bool, do func()) {
	q.serial++
	heap.Push(&q.timers, timer{q.now + d, q.serial, urgent, do})
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
		if w.timers[i].urgent {
			return true
		}
	}
	return false
}

// tick lets time pass until the next timer.
func (w *World) tick() {
	t := heap.Pop(&w.timers).(timer)
	w.now = max(w.now, t.at)
	t.do()
	w.flow()
}
