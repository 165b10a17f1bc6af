package cause

import (
	"fmt"
	"slices"
	"strings"

	"labctl/topology/problem"
)

const (
	Refused Kind = "refused" // by a rule of node Where: Rule is SET/NAME
	// by a virtual switch at port Where, for the reason Rule; Frames of the ping
	Dropped Kind = "dropped"
	// packets that are longer than interface Where, on their way, takes: Rule is its MTU, "mtu 1400"
	TooLong Kind = "too-long"
	// to a request for the address Where, from the MACs in Rule; Frames of them
	SeveralAnswers    Kind = "several-answers"
	NotInvestigated   Kind = "not-investigated"     // there was no time to find out what stopped the ping
	Storm             Kind = "storm"                // frames circle in the ring Rule, so many a second at port Where
	NeighbourOverflow Kind = "neighbour-table-full" // of the whole machine (arp(7), gc_thresh3)
	Overrun           Kind = "overrun"              // port Where got more frames than its switch could take
)

// kind is how causes of a sort are put in words.
type kind struct {
	name   Kind
	text   func([]Cause) string // of one or more, all of this kind
	doubts string               // not "": it makes the answer unknown; this joins it to what was measured
	isSaid bool                 // the sentence about the answer says it already
	varies bool                 // the number of frames differs between pairs, and runs, that have the same cause
}

// kinds are all sorts of causes, in the order in which they are said.
var kinds = []kind{
	{name: Storm, doubts: "; what drowns is not measured ", text: each(func(c Cause) string {
		return fmt.Sprintf("storm: frames circle in a ring without a spanning tree (%s), %s a second at %s", c.Rule,
			many(c.Frames), c.Where)
	})},
	{name: NeighbourOverflow, doubts: ", so this may be its doing: ", text: each(func(Cause) string {
		return "the machine's neighbour table was full meanwhile (net.ipv4.neigh.default.gc_thresh3)"
	})},
	{name: Overrun, doubts: ", so this may be its doing: ", text: each(func(c Cause) string {
		return c.Where + " got more frames meanwhile than its switch could take (labctl ports: overruns)"
	})},
	{name: Refused, text: func(list []Cause) string {
		return surely("refused by ", "refuse", "packets", list, func(c Cause) string { return c.Where + "/" + c.Rule })
	}},
	{name: Dropped, varies: true, text: func(list []Cause) string {
		return surely("dropped: ", "drop", "frames", list, func(c Cause) string {
			if c.Frames > 1 {
				return fmt.Sprintf("%s %s (%s)", c.Where, c.Rule, problem.Count(c.Frames, "frame"))
			}
			return c.Where + " " + c.Rule
		})
	}},
	{name: TooLong, text: func(list []Cause) string {
		return "too long for " + strings.Join(sorted(list, func(c Cause) string {
			return c.Where + " (" + c.Rule + ")"
		}), ", ")
	}},
	{name: SeveralAnswers, isSaid: true, text: each(func(c Cause) string {
		return fmt.Sprintf("%s: %s is at %s", problem.Count(c.Frames, "answer"), c.Where, c.Rule)
	})},
	{name: NotInvestigated, text: func([]Cause) string {
		return `not investigated, to save time: "labctl ping A B" says what stopped it`
	}},
}

// each says one cause after the other, the same only once.
func each(text func(Cause) string) func([]Cause) string {
	return func(list []Cause) string { return strings.Join(sorted(list, text), "; ") }
}

// surely says which causes are sure; only where none is, which perhaps are one.
func surely(by, verb, what string, list []Cause, text func(Cause) string) string {
	sure := slices.DeleteFunc(slices.Clone(list), func(c Cause) bool { return !c.Sure })
	if len(sure) > 0 {
		return by + strings.Join(sorted(sure, text), ", ")
	}
	perhaps := sorted(list, text)
	if len(perhaps) == 1 {
		verb += "s"
	}
	return "perhaps " + by + strings.Join(perhaps, ", ") + ", which also " + verb + " other " + what +
		" at the same time"
}

func sorted(list []Cause, text func(Cause) string) []string {
	var out []string
	for _, c := range list {
		out = append(out, text(c))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// many is a great number of frames.
func many(n int) string {
	if n >= 1e6 {
		return fmt.Sprintf("%.1f million", float64(n)/1e6)
	}
	return fmt.Sprintf("%.0f thousand", float64(n)/1e3)
}
