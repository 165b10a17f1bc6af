//go:build linux

package supervisor

import (
	"labctl/topology/kernel"
	"labctl/topology/reach"
)

// losses counts what the machine has failed to do for the lab; while they grow, what did not arrive proves nothing.
type losses struct {
	overflows uint64 // the neighbour table was full. It is one for all namespaces (arp(7), gc_thresh3), so any program may fill it
	overruns  uint64 // frames that the kernel threw away before a virtual switch had taken them
}

func (c *call) losses() losses {
	l := losses{overruns: c.switches.overruns()}
	if c.arpCache != nil {
		if n, err := kernel.NeighbourOverflows(c.arpCache); err == nil {
			l.overflows = n
		}
	}
	return l
}

// since says what has grown from l to now, "" if nothing has.
func (l losses) since(now losses) string {
	switch {
	case now.overflows != l.overflows:
		return "the machine's neighbour table was full meanwhile (net.ipv4.neigh.default.gc_thresh3)"
	case now.overruns != l.overruns:
		return "more came to a virtual switch meanwhile than it could take (labctl ports: overruns)"
	}
	return ""
}

// doubt takes back an answer that such a loss may have caused: that something did not come.
func doubt(r *reach.Result, why string) bool {
	if r.Got != "no-arp" && r.Got != "silent" && r.Got != "failed" && r.Got != "no" {
		return false
	}
	r.Got, r.Exact = reach.Unknown, nil
	r.Detail = why + ", so this may be its doing: " + r.Detail
	return true
}
