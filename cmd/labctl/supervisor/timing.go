//go:build linux

package supervisor

import (
	"slices"
	"time"

	"labctl/cmd/labctl/wire"
	"labctl/topology/reach"
)

// timing collects where the time of a verification goes, step by step. One goroutine uses it.
type timing struct {
	step  string
	spans []wire.Span
}

// add adds to a part of the current step, which has one span for all of its turns.
func (t *timing) add(part string, took time.Duration, waits []string) {
	i := slices.IndexFunc(t.spans, func(s wire.Span) bool { return s.Step == t.step && s.Part == part })
	if i < 0 {
		i = len(t.spans)
		t.spans = append(t.spans, wire.Span{Step: t.step, Part: part})
	}
	s := &t.spans[i]
	s.Seconds += took.Seconds()
	for _, w := range waits {
		if !slices.Contains(s.Waits, w) {
			s.Waits = append(s.Waits, w)
		}
	}
}

// since adds what has passed since a moment.
func (t *timing) since(part string, began time.Time) { t.add(part, time.Since(began), nil) }

func (t *timing) spent(s reach.Spent) { t.add(string(s.Part), s.Took, s.Waits) }
