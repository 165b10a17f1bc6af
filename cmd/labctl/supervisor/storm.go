//go:build linux

package supervisor

import (
	"time"

	"labctl/topology"
	"labctl/topology/cause"
	"labctl/topology/expect"
)

// stormRate is more frames a second than anything in a lab asks for: a frame that circles comes back within
// microseconds, and each round floods another.
const stormRate = 20000

// ringCount is how many frames the ports of the lab's rings had received at a moment.
type ringCount struct {
	at     time.Time
	rings  []topology.Ring
	frames map[topology.End]uint64
}

func (c *call) countRings() ringCount {
	out := ringCount{rings: c.current().Rings(), frames: map[topology.End]uint64{}}
	for _, r := range out.rings {
		for _, e := range r {
			if n, err := c.space.Tables().FramesReceived(e); err == nil {
				out.frames[e] = n
			}
		}
	}
	out.at = time.Now()
	return out
}

// storm is a ring in which frames circle.
type storm struct {
	ring    topology.Ring
	port    topology.End
	rate    float64 // frames a second that came in there
	flooded map[string]bool
}

// storms are the rings that were busy between two counts.
func (r ringCount) storms(now ringCount, lab *topology.Lab) []storm {
	var out []storm
	seconds := max(now.at.Sub(r.at).Seconds(), 0.001)
	for _, ring := range now.rings {
		s := storm{ring: ring}
		for _, e := range ring {
			was, ok := r.frames[e]
			n, still := now.frames[e]
			if ok && still && n > was && float64(n-was)/seconds > s.rate {
				s.port, s.rate = e, float64(n-was)/seconds
			}
		}
		if s.rate > stormRate {
			s.flooded = lab.Flooded(ring)
			out = append(out, s)
		}
	}
	return out
}

func (s storm) cause() cause.Cause {
	return cause.Cause{Kind: cause.Storm, Where: s.port.String(), Rule: s.ring.String(), Sure: true,
		Frames: int(s.rate)}
}

// about says whether the storm reaches somebody of whom a question is, and answers it whatever the lab is like.
func (s storm) about(lab *topology.Lab, q expect.Question) bool {
	if !expect.KindOf(q.Kind).Carried {
		return false
	}
	for _, text := range q.Ends() {
		if t, ok := lab.Target(text); text != "" && ok && s.flooded[t.Node] {
			return true
		}
	}
	return false
}
