package reach

import "context"

// asking is one call of Ask.
type asking struct {
	b    *bench
	bg   *background
	own  *owners
	kept bool
	look bool // take what is known, send nothing

	counted []bool // questions of which a number is wanted; nil: none
	out     []Result

	afterPings []int // questions that are answered by what pings leave behind
}

// fail says of some questions that they could not be asked.
func (a *asking) fail(at []int, err error) {
	for _, i := range at {
		a.out[i].Got, a.out[i].Detail = Unknown, err.Error()
	}
}

// counts reports whether a number is wanted of a question.
func (a *asking) counts(i int) bool { return i < len(a.counted) && a.counted[i] }

// start makes the lab forget, unless its tables are to be kept.
func (a *asking) start(ctx context.Context) error {
	if a.kept {
		return nil
	}
	return a.b.forgetAll(ctx)
}
