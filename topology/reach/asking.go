package reach

import "context"

// asking is one call of Ask.
type asking struct {
	b    *bench
	bg   *background
	own  *owners
	kept bool
	look bool // take what is known, send nothing
	out  []Result

	afterPings []int // questions that are answered by what pings leave behind
}

// fail says of some questions that they could not be asked.
func (a *asking) fail(at []int, err error) {
	for _, i := range at {
		a.out[i].Got, a.out[i].Detail = Unknown, err.Error()
	}
}

// start makes the lab forget, unless its tables are to be kept.
func (a *asking) start(ctx context.Context) error {
	if a.kept {
		return nil
	}
	return a.b.forgetAll(ctx)
}
