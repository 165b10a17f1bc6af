//go:build linux

package kernel

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// read reads what is wanted, and everything once a second, until the Watch is closed. It is the goroutine that may wait
// for the kernel, never the one that drains.
func (w *Watch) read() {
	defer close(w.done)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-w.wake:
		case <-tick.C:
			w.mu.Lock()
			w.wantAllLocked()
			w.mu.Unlock()
		case <-w.stop:
			return
		}
		w.round()
	}
}

// round reads what is wanted now and wakes whoever drains if there is something in it.
func (w *Watch) round() {
	w.mu.Lock()
	waiting := w.waiting
	w.waiting = nil
	if len(waiting) > 0 {
		w.wantAllLocked()
	}
	jobs := make([]reading, 0, len(w.wanted))
	for f, report := range w.wanted {
		jobs = append(jobs, reading{f: f, messages: f.messages, report: report, seen: f.seen, adapter: f.adapter})
	}
	clear(w.wanted)
	w.mu.Unlock()
	for i := range jobs {
		k := &jobs[i]
		if !k.seen.Gone {
			k.from = time.Now().UnixNano()
			s, at, err := k.f.look(k.adapter)
			if err == nil {
				k.seen, k.adapter = s, at
			}
			// Only what is not there is gone; what cannot be read at the moment, for want of descriptors perhaps, is
			// tried again.
			k.seen.Gone = errors.Is(err, unix.ENODEV)
			k.by = time.Now().UnixNano()
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, k := range jobs {
		if k.report || k.seen != k.f.seen || k.adapter != k.f.adapter || k.messages != k.f.messages {
			w.found = append(w.found, k)
		}
	}
	w.answered = append(w.answered, waiting...)
	if len(w.found) > 0 || len(w.answered) > 0 {
		w.pending.Store(true)
		wake(w.wakeFD)
	}
}
