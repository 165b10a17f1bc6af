package model

import (
	"slices"

	"labctl/topology/expect"
)

// overhearing is listeners for the forged frames of a step, which are open before the step acts.
type overhearing struct {
	*ears
	columns map[[2]string]column // by the name of the frame and the column
}

// overhear opens the listeners of an expectation that speak of frames which will be sent under the names given, or
// which are being sent.
func (m *Model) overhear(names []string, e *expect.Expectation) {
	o := &overhearing{m.newEars(), map[[2]string]column{}}
	if e != nil {
		for _, t := range e.Tables {
			for _, c := range t.Cells {
				q := c.Question
				if q.Kind != "sees" || q.B != "" || q.With != "" || !c.Judged ||
					m.sent[q.A] == nil && !slices.Contains(names, q.A) {
					continue
				}
				if col, ok := o.column(q.At); ok {
					o.columns[[2]string{q.A, q.At}] = col
				}
			}
		}
	}
	m.over = o
}

// settleOverheard ends the listening; what was heard stays known.
func (m *Model) settleOverheard() {
	if m.over == nil {
		return
	}
	for _, s := range m.sent {
		if s.stop != nil {
			m.world.Pass(0)
		}
	}
	m.over.close()
}

// overheard answers a question about a forged frame, if it is one that was listened for.
func (a *asking) overheard(i int) bool {
	q := a.out[i].Question
	if q.B != "" || a.over == nil {
		return false
	}
	c, ok := a.over.columns[[2]string{q.A, q.At}]
	if !ok {
		return false
	}
	s := a.sent[q.A]
	switch {
	case a.stained(i):
	case s == nil:
		a.fail(i, "no frame of that name was sent")
	case c.copies(s.name, s.node) > 0:
		a.out[i].Got, a.out[i].Detail = "yes", "the frame came by there"
	case !s.left:
		a.fail(i, "the frame never left")
	default:
		a.out[i].Got, a.out[i].Detail = "no", "it left and did not come by there"
	}
	if s != nil {
		count(a, i, c, s.name, s.node, s.stop != nil || a.twins(s))
	}
	return true
}
