//go:build linux

package supervisor

import (
	"slices"
	"strings"

	"labctl/topology"
	"labctl/topology/cause"
	"labctl/topology/expect"
	"labctl/topology/kernel"
	"labctl/topology/reach"
)

// losses counts what the machine has failed to do for the lab; while they grow, what did not arrive proves nothing.
type losses struct {
	// the neighbour table was full. It is one for all namespaces (arp(7), gc_thresh3), so any program may fill it
	overflows uint64
	// by port of a switch: frames that the kernel threw away before the switch had taken them
	overruns map[topology.End]uint64
	rings    ringCount
}

func (c *call) losses() losses {
	l := losses{overruns: c.switches.overruns(), rings: c.countRings()}
	if c.arpCache != nil {
		if n, err := kernel.NeighbourOverflows(c.arpCache); err == nil {
			l.overflows = n
		}
	}
	return l
}

// doubts is what has been lost between two moments.
type doubts struct {
	lab    *topology.Lab
	full   bool
	ports  []topology.End // that lost frames
	storms []storm
}

// since compares l with later counts.
func (l losses) since(now losses, lab *topology.Lab) doubts {
	d := doubts{lab: lab, full: now.overflows != l.overflows, storms: l.rings.storms(now.rings, lab)}
	for at, n := range now.overruns {
		if n != l.overruns[at] {
			d.ports = append(d.ports, at)
		}
	}
	slices.SortFunc(d.ports, func(a, b topology.End) int { return strings.Compare(a.String(), b.String()) })
	return d
}

// about is what may have kept an answer from coming, nil if nothing has. What a port loses concerns those who are
// behind it.
func (d doubts) about(q expect.Question) *cause.Cause {
	if d.full {
		return &cause.Cause{Kind: cause.NeighbourOverflow}
	}
	for _, at := range d.ports {
		behind := d.lab.Behind(at.Node, at.Interface)
		for _, text := range q.Ends() {
			t, ok := d.lab.Target(text)
			if text != "" && (!ok || behind[t.Node]) {
				return &cause.Cause{Kind: cause.Overrun, Where: at.String()}
			}
		}
	}
	return nil
}

// doubt takes back an answer, that something did not come, which such a loss may have caused, and every answer out of a
// storm.
func (d doubts) doubt(r *reach.Result) bool {
	for _, s := range d.storms {
		if s.about(d.lab, r.Question) {
			r.Detail = "(" + r.Got + ": " + cause.Explain(r.Detail, r.Causes) + ")"
			r.Got, r.Exact, r.Causes = reach.Unknown, nil, []cause.Cause{s.cause()}
			return true
		}
	}
	if r.Got != "no-arp" && r.Got != "silent" && r.Got != "failed" && r.Got != "no" &&
		!strings.HasPrefix(r.Got, "blackhole:") {
		return false
	}
	why := d.about(r.Question)
	if why == nil {
		return false
	}
	r.Detail = cause.Explain(r.Detail, r.Causes)
	r.Got, r.Exact, r.Causes = reach.Unknown, nil, []cause.Cause{*why}
	return true
}
