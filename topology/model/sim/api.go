package sim

import (
	"fmt"
	"time"
)

// Doubts are what packets have met since the last call that the model cannot decide.
func (w *World) Doubts() []Doubt {
	out := w.met
	w.met = nil
	return out
}

// Stained is the first doubt that there was: from then on the tables of the lab may be others. Its Reason is "" if
// there was none.
func (w *World) Stained() Doubt { return w.stains }

// Stain notes that something has happened to the lab that is not modelled.
func (w *World) Stain(r Reason, format string, args ...any) {
	if w.stains.Reason == "" {
		w.stains = Doubt{r, fmt.Sprintf(format, args...)}
	}
}

// Pass lets time pass.
func (w *World) Pass(d time.Duration) {
	end := w.now + d
	for len(w.timers) > 0 && w.timers[0].at <= end && !w.storming {
		w.handled = 0
		w.tick()
	}
	w.now = max(w.now, end)
}

// PassForNeighbours lets time pass but for what bridges and virtual switches know.
func (w *World) PassForNeighbours(d time.Duration) {
	w.Pass(d)
	w.stood += d
}

// Know makes it known which neighbours do not answer when they are doubted; those that are found are added. Trusting:
// none is doubted for its age, as if no time passed.
func (w *World) Know(mute map[Mute]bool, trusting bool) { w.mute, w.ageless = mute, trusting }

// Keep says whether questions are asked from tables that are kept: then what hangs on a neighbour that does not answer
// depends on how long ago that was heard of.
func (w *World) Keep(kept bool) { w.trusts = !kept }

// Now is the time since the lab was made.
func (w *World) Now() time.Duration { return w.now }

// Mark begins to count drops, and what rules meet, from none.
func (w *World) Mark() {
	w.drops = nil
	for _, n := range w.nodes {
		if n.filter != nil {
			n.filter.each(func(r *rule) { r.packets = 0 })
		}
	}
}

// Tables reads the lab as it is whenever it is asked.
func (w *World) Tables() Tables { return Tables{w} }
