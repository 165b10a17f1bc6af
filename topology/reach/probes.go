package reach

import (
	"cmp"
	"context"
)

// probe is how the questions of one kind are asked. What else there is to know of a kind has [expect.Kind].
type probe struct {
	kind  string
	part  Part
	phase phase
	// alone: each table by itself, because what one needs open would be part of the experiment of another.
	alone bool
	// afterPings: where tables are not kept, the answer is what pings leave behind, and is read with them.
	afterPings bool
	ask        func(a *asking, ctx context.Context, at []int)
}

// phase orders what [Prober.Judge] asks together.
type phase int

const (
	phasePing phase = iota
	phaseMTU
	phaseSockets
	phaseAnswers
	phaseSees
	phaseStreams
	phaseRead
)

// probes are all, in the order in which one call of [Prober.Ask] asks them.
var probes = []probe{
	{kind: "ping", part: PartPings, phase: phasePing,
		ask: func(a *asking, ctx context.Context, at []int) { a.echoes(ctx, at, false) }},
	{kind: "ping6", part: PartPings, phase: phasePing,
		ask: func(a *asking, ctx context.Context, at []int) { a.echoes(ctx, at, true) }},
	{kind: "mtu", part: PartPings, phase: phaseMTU,
		ask: func(a *asking, ctx context.Context, at []int) { a.mtus(ctx, at, false) }},
	{kind: "mtu6", part: PartPings, phase: phaseMTU,
		ask: func(a *asking, ctx context.Context, at []int) { a.mtus(ctx, at, true) }},
	{kind: "tcp", part: PartSockets, phase: phaseSockets,
		ask: func(a *asking, ctx context.Context, at []int) { a.attempts(ctx, at, transport{}) }},
	{kind: "udp", part: PartSockets, phase: phaseSockets,
		ask: func(a *asking, ctx context.Context, at []int) { a.attempts(ctx, at, transport{udp: true}) }},
	{kind: "tcp6", part: PartSockets, phase: phaseSockets,
		ask: func(a *asking, ctx context.Context, at []int) { a.attempts(ctx, at, transport{v6: true}) }},
	{kind: "udp6", part: PartSockets, phase: phaseSockets,
		ask: func(a *asking, ctx context.Context, at []int) { a.attempts(ctx, at, transport{udp: true, v6: true}) }},
	{kind: "answers", part: PartAnswers, phase: phaseAnswers, ask: (*asking).answers},
	{kind: "sees", part: PartSees, phase: phaseSees, alone: true, ask: (*asking).sees},
	{kind: "streams", part: PartStreams, phase: phaseStreams, ask: (*asking).readStreams},
	{kind: "arp", part: PartRead, phase: phaseRead, afterPings: true, ask: (*asking).readARP},
	{kind: "route", part: PartRead, phase: phaseRead, ask: (*asking).readRoutes},
	{kind: "fdb", part: PartRead, phase: phaseRead, ask: (*asking).readFDB},
	{kind: "mdb", part: PartRead, phase: phaseRead, ask: (*asking).readMDB},
	{kind: "port", part: PartRead, phase: phaseRead, ask: (*asking).readPorts},
	{kind: "drops", part: PartRead, phase: phaseRead, ask: (*asking).readDrops},
	{kind: "hits", part: PartRead, phase: phaseRead, ask: (*asking).readHits},
}

// probeOf is the probe of a kind; nil if there is none.
func probeOf(kind string) *probe {
	for i := range probes {
		if probes[i].kind == kind {
			return &probes[i]
		}
	}
	return nil
}

// turn names the questions that are asked at once: those of a phase, or of one table in it.
type turn struct {
	phase phase
	table int // its place in the expectation; 0 for those of all tables
}

// turnOf says with what a question of that table is asked.
func (p *probe) turnOf(table int, kept bool) turn {
	switch {
	case p.afterPings && !kept:
		return turn{phase: phasePing}
	case p.alone:
		return turn{p.phase, table}
	}
	return turn{phase: p.phase}
}

// compareTogether orders what is asked at once by phases, and tables of one phase as they are in the file.
func compareTurns(a, b turn) int {
	return cmp.Or(cmp.Compare(a.phase, b.phase), cmp.Compare(a.table, b.table))
}
