package sim

import "fmt"

// Reason is why the model cannot say what becomes of a packet. The list is closed: [Reasons].
type Reason string

// The reasons.
const (
	Run         Reason = "run"          // a command of the lab may have changed what the packet meets
	Background  Reason = "background"   // something sends in the background, in its own time
	Rules       Reason = "rules"        // loaded rules that the model cannot read
	Timing      Reason = "timing"       // it depends on when it is asked
	NotModelled Reason = "not-modelled" // a feature that the model does not have
	Storm       Reason = "storm"        // frames circle
)

// Reasons are all reasons, in the order in which they are counted.
func Reasons() []Reason { return []Reason{Run, Background, Rules, Timing, NotModelled, Storm} }

// Doubt is something that a packet has met and that the model cannot decide.
type Doubt struct {
	Reason Reason
	Why    string // what it was, and where
}

// doubts collects what packets have met.
type doubts struct {
	met    []Doubt // since the last question
	stains Doubt   // the first one ever: tables may not be as they would be
}

// doubt notes that what has just happened may happen otherwise.
func (d *doubts) doubt(r Reason, format string, args ...any) {
	if len(d.met) > 0 && d.met[0].Reason == r {
		return
	}
	d.met = append(d.met, Doubt{r, fmt.Sprintf(format, args...)})
	if d.stains.Reason == "" {
		d.stains = d.met[len(d.met)-1]
	}
}
