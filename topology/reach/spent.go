package reach

import (
	"context"
	"slices"
	"strings"
	"time"
)

// Part is what a piece of a call's time went into: a word or two of the list below.
type Part string

// The parts of a call. They do not overlap.
const (
	PartPings     Part = "pings one by one"
	PartBatches   Part = "pings together"
	PartLimited   Part = "errors that routers limit"
	PartRedirects Part = "redirects that routers limit"
	PartCopies    Part = "copies and late redirects"
	PartCauses    Part = "causes"
	PartSockets   Part = "ports"
	PartAnswers   Part = "answers"
	PartSees      Part = "sees"
	PartOverheard Part = "forged frames"
	PartStreams   Part = "streams"
	PartRead      Part = "reading tables"
)

// Spent is how long a part took, and, where something was waited for to the end because silence could not be proven,
// why not.
type Spent struct {
	Part  Part
	Took  time.Duration
	Waits []string
}

// spentKey is the key of who is told.
type spentKey struct{}

// WithSpent has the Prober's calls with this context tell what each of their parts took. It must not call the Prober's
// methods.
func WithSpent(ctx context.Context, tell func(Spent)) context.Context {
	return context.WithValue(ctx, spentKey{}, tell)
}

func spentOf(ctx context.Context) func(Spent) {
	tell, _ := ctx.Value(spentKey{}).(func(Spent))
	return tell
}

// clock tells how a call's time was spent. Its zero value tells nobody.
type clock struct {
	tell  func(Spent)
	part  Part // that runs now; "" for none
	since time.Time
	waits []string
}

// in begins a part, which ends when the function that it returns is called, and with it the part that it was called in
// goes on.
func (c *clock) in(p Part) (over func()) {
	if c.tell == nil {
		return func() {}
	}
	was := c.part
	c.turn(p)
	return func() { c.turn(was) }
}

func (c *clock) turn(p Part) {
	now := time.Now()
	if c.part != "" {
		c.tell(Spent{c.part, now.Sub(c.since), c.waits})
	}
	c.part, c.since, c.waits = p, now, nil
}

// waited notes that something was waited for as long as patience lasts.
func (c *clock) waited(why string) {
	why = strings.TrimSpace(why)
	if c.tell != nil && why != "" && !slices.Contains(c.waits, why) {
		c.waits = append(c.waits, why)
	}
}
