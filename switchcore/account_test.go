package switchcore

import (
	"fmt"
	"slices"
)

// account counts what the verdict, which the twin has agreed with, should have counted.
func (w *world) account(in string, size int, v Verdict) {
	at := func(id PortID) *Counters {
		name := w.c.Ports[slices.Index(w.s.Ports(), id)].Name
		if w.count[name] == nil {
			w.count[name] = &Counters{}
		}
		return w.count[name]
	}
	from := at(w.s.Lookup(in))
	from.RxFrames++
	from.RxBytes += uint64(size)
	for _, o := range v.Out {
		at(o.Port).TxFrames++
		at(o.Port).TxBytes += uint64(size)
	}
	for _, l := range v.Lost {
		at(l.Port).Drops[l.Reason]++
	}
	if len(v.Out) == 0 && len(v.Lost) == 0 {
		from.Drops[v.Drop]++
	}
}

// miscounted names a port whose counters are not what they should be.
func (w *world) miscounted() error {
	for i, id := range w.s.Ports() {
		got, want := w.s.Status(id).Counters, Counters{}
		if c := w.count[w.c.Ports[i].Name]; c != nil {
			want = *c
		}
		want.MACsLearned, want.MACNotLearnedAllowed, want.MACNotLearnedDropped = got.MACsLearned, got.MACNotLearnedAllowed, got.MACNotLearnedDropped
		if got != want {
			return w.fail(w.c.Ports[i].Name, Frame{}, fmt.Sprintf("counted %+v, should be %+v", got, want))
		}
	}
	return nil
}
