package model

import (
	"fmt"
	"time"

	"labctl/topology"
	"labctl/topology/labfile"
	"labctl/topology/model/sim"
)

// stream is echo requests with one identifier until it is stopped.
type stream struct {
	*sim.Stream
	from, to topology.Target
	every    time.Duration
}

// enough requests make a verdict about a stream.
const enough = 3

// stream begins to send.
func (m *Model) stream(a *labfile.Stream) {
	s := m.world.NewStream(a.From.Node, a.From.Interface, a.To.IP, a.Every)
	m.streams[a.Name] = &stream{s, a.From, a.To, a.Every}
}

func (s *stream) stop() { s.Stream.Stop() }

// verdict is the word about the last requests since a moment.
func (s *stream) verdict(since time.Duration) (word, detail string) {
	rounds := s.Rounds(since)
	if len(rounds) < enough {
		return Unknown, "too few requests so far"
	}
	answered, others := 0, 0
	for _, r := range rounds[len(rounds)-enough:] {
		if r.Answered {
			answered++
		}
		if r.Other {
			others++
		}
	}
	detail = fmt.Sprintf("of the last %d, %d answered", enough, answered)
	switch {
	case answered == enough && others > 0:
		return "ok+other", detail
	case answered == enough:
		return "ok", detail
	case answered == 0:
		return "silent", detail
	}
	return "lossy", detail
}

// readStreams says how streams do: those that are judged by what is sent from now on, those that are only looked at by
// what was sent since the step's set.
func (a *asking) readStreams(at []int) {
	since := a.world.Now()
	if a.look {
		since = a.marked
	}
	for _, i := range at {
		s := a.streams[a.out[i].Question.A]
		if s == nil {
			a.fail(i, "no stream of that name is running")
			continue
		}
		a.world.Doubts()
		word, detail := s.verdict(since)
		for k := 0; word == Unknown && !a.look && k < enough+1; k++ {
			a.world.Pass(s.every)
			word, detail = s.verdict(since)
		}
		if !a.doubted(i) && !a.stained(i) {
			a.out[i].Got, a.out[i].Detail = word, detail
		}
	}
}

// follow lets a stream send as many requests as make a verdict, which are what is listened for.
func (a *asking) follow(f *flow, s *stream) {
	f.name = sim.KeyName(s.Key())
	a.world.Doubts()
	a.world.Pass(enough * s.every)
	f.word = "silent"
	if met := a.world.Doubts(); len(met) > 0 {
		f.doubt = met[0]
	}
}
