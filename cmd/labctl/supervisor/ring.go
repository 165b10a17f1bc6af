//go:build linux

package supervisor

import "sync"

// kept is how much a ring remembers.
const kept = 4096

// ring remembers the last of what came, in order, and any number of readers follow at their own pace. What comes has a
// number, from 1 on.
type ring[T any] struct {
	mu   sync.Mutex
	list []T
	seq  uint64
	more chan struct{} // closed when there is something new, and then replaced
}

func newRing[T any]() *ring[T] { return &ring[T]{more: make(chan struct{})} }

// add appends what numbered makes of the next number; it is called under the ring's lock, so that times come in order
// too.
func (r *ring[T]) add(numbered func(seq uint64) T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seq++
	if e := numbered(r.seq); len(r.list) < kept {
		r.list = append(r.list, e)
	} else {
		r.list[(r.seq-1)%kept] = e
	}
	close(r.more)
	r.more = make(chan struct{})
}

// after returns what has a number above seq and is still kept, and a channel that is closed when there is more.
func (r *ring[T]) after(seq uint64) ([]T, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := seq + 1
	if r.seq > kept {
		first = max(first, r.seq-kept+1)
	}
	var out []T
	for n := first; n <= r.seq; n++ {
		out = append(out, r.list[(n-1)%kept])
	}
	return out, r.more
}

// last is the number of what came last.
func (r *ring[T]) last() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seq
}
