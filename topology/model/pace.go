package model

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"labctl/topology"
	"labctl/topology/labfile"
	"labctl/topology/model/sim"
)

// Verify judges every expectation of a file, and walks through its steps. Where something of the lab goes by the clock,
// it is walked through several times, each asking at other moments; what then differs is undecided, for its timing.
//
// With all, cells that the file does not judge are asked, too.
func Verify(f *labfile.File, all bool) ([]Step, error) {
	var out []Step
	mute := map[sim.Mute]bool{}
	var paused [][]Step
	for _, p := range pauses() {
		if !keeps(f) {
			break
		}
		steps, _, err := verifyAt(f, p, all, mute)
		if err != nil {
			return nil, err
		}
		paused = append(paused, steps)
	}
	out, timed, err := verifyAt(f, pace{trusting: true}, all, mute)
	if err != nil {
		return nil, err
	}
	for _, steps := range paused {
		compare(out, steps)
	}
	for _, p := range paces() {
		if !timed {
			break
		}
		steps, _, err := verifyAt(f, p, all, mute)
		if err != nil {
			return nil, err
		}
		compare(out, steps)
	}
	return out, nil
}

// pace is how long what is asked at once takes in a walk through a lab. Of neighbours: time passes for their entries
// and for what sends in the background, and stops for what bridges and switches know.
type pace struct {
	takes      time.Duration
	neighbours bool
	pairs      bool // each pair takes as long
	trusting   bool // no neighbour is doubted for its age
}

// pauses are those of the walks by which it is found out which neighbours do not answer when they are doubted, which is
// 5 s after they were last heard of (delay_first_probe_time, arp(7)).
func pauses() []pace {
	const doubted = 6500 * time.Millisecond
	return []pace{{takes: doubted, neighbours: true}, {takes: doubted, neighbours: true, pairs: true}}
}

// paces are those of further walks through labs in which something goes by the clock.
func paces() []pace {
	return []pace{{takes: 37 * time.Millisecond, pairs: true}, {takes: 250 * time.Millisecond, pairs: true}}
}

// keeps reports whether a file has expectations that keep neighbours.
func keeps(f *labfile.File) bool {
	return f.Expect != nil && f.Expect.Kept || slices.ContainsFunc(f.Steps, func(s *labfile.Step) bool {
		return s.Expect != nil && s.Expect.Kept
	})
}

// compare makes undecided what another walk has answered otherwise.
func compare(steps, others []Step) {
	for i := range steps {
		for t := range steps[i].Tables {
			for c := range steps[i].Tables[t].Cells {
				v, o := &steps[i].Tables[t].Cells[c], &others[i].Tables[t].Cells[c]
				if v.Got == o.Got || v.Got == Undecided {
					continue
				}
				if o.Got == Undecided {
					v.Answer, v.OK = o.Answer, o.OK
					continue
				}
				if v.OK && o.OK {
					continue // a count that is as wanted either way
				}
				d := sim.Doubt{Reason: sim.Timing, Why: fmt.Sprintf("%s or %s, as the moment has it", v.Got, o.Got)}
				v.Got, v.Detail, v.Doubt, v.OK = Undecided, string(d.Reason)+": "+d.Why, d, !v.Cell.Judged
			}
		}
	}
}

// rest lets the time of a question pass.
func (w *walker) rest() {
	if w.pace.neighbours {
		w.world.PassForNeighbours(w.pace.takes)
	} else {
		w.world.Pass(w.pace.takes)
	}
}

// soonForgotten is an ageing time that may end between two questions.
const soonForgotten = 10 * time.Second

// clocks notes what goes by the clock in a lab.
func (w *walker) clocks(lab *topology.Lab) {
	for _, n := range lab.Nodes {
		for _, i := range n.Interfaces {
			if i.Bridge != nil && i.Bridge.Ageing > 0 && i.Bridge.Ageing < soonForgotten {
				w.timed = true
			}
		}
		if n.Switch == nil {
			continue
		}
		for _, d := range n.Switch.Config.Departures() {
			w.timed = w.timed || strings.Contains(d.Key, "ageing")
		}
	}
}
