package switchcore

import (
	"slices"
	"time"
)

// Explain says what Forward would do with the frame, and why, without doing, counting or learning anything.
func (s *Switch) Explain(now time.Duration, in PortID, f Frame) Explanation {
	p := s.port(in)
	if p == nil {
		return Explanation{
			Verdict: Verdict{Drop: PortBlocked},
			Steps:   []string{"port: there is no such port: PortBlocked"},
		}
	}
	s.judge(now, p, &f, true)
	a := advisor{explainer{&s.relay, &s.w}}
	var e Explanation
	s.tell(&e.Verdict)
	e.Out, e.Lost = slices.Clone(e.Out), slices.Clone(e.Lost)
	e.Hint = a.hint(f, &e.Verdict)
	for _, q := range s.order {
		if q != p || p.conf.Hairpin {
			t := a.fate(q, &e.Verdict)
			if t.Hint = a.portHint(q, t); t.Cause == CauseInput {
				t.Hint = e.Hint
			}
			e.Fates = append(e.Fates, t)
		}
	}
	e.Steps = a.narrate(f, &e)
	return e
}
