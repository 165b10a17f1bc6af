//go:build linux

package supervisor

import (
	"strconv"

	"labctl/topology"
	"labctl/topology/expect"
	"labctl/topology/kernel"
)

// cable is what is known of the far end of a port's cable.
type cable struct {
	far   topology.End
	takes int // what the port's own end takes, in bytes
	down  bool
	sent  kernel.Sent
	known bool   // sent has been read
	lost  uint64 // frames that were too long for the port
}

// cablesOf notes what is at the ports of a switch, and begins to count at those that are new. Only a veth pair in the
// switch's own namespace throws frames away before the switch can see them.
func (w *switches) cablesOfLocked(v *vswitch, n *topology.Node) {
	now := map[string]*cable{}
	for i, p := range n.Switch.Ports {
		at := n.Interface(p.At.Interface)
		if p.At.Node != n.Name || at == nil || at.Peer.Node == "" {
			continue
		}
		c := v.cables[p.Name]
		if c == nil || c.far != at.Peer {
			c = &cable{far: at.Peer}
		}
		c.takes, c.down = at.MTU, n.Switch.Config.Ports[i].Down
		now[p.Name] = c
	}
	v.cables = now
	w.countOversizedLocked(v)
}

// countOversized counts, at the ports of a switch, the frames that died on their cables because they were too long.
func (w *switches) countOversized(v *vswitch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.countOversizedLocked(v)
}

// countOversizedLocked reads the far ends' counters. A frame that was lost elsewhere, for want of a processor or as the
// port was down, is not taken for one that was too long.
func (w *switches) countOversizedLocked(v *vswitch) {
	backlog, err := kernel.BacklogDrops()
	calm := err == nil && backlog == v.backlog
	v.backlog = backlog
	for name, c := range v.cables {
		now, err := w.space.Tables().Sent(c.far)
		if err != nil {
			c.known = false // it is being made again, or gone
			continue
		}
		was, known := c.sent, c.known
		c.sent, c.known = now, true
		p := v.ports[name]
		if !known || now.Dropped <= was.Dropped || p == nil || c.down || !calm || max(now.MTU, was.MTU) <= c.takes {
			continue
		}
		n := now.Dropped - was.Dropped
		c.lost += n
		v.loop.Oversized(p.id, n)
	}
}

// takes is what a port's end of its cable takes, in bytes; 0 where that is not known.
func (w *switches) takes(v *vswitch, port string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := v.cables[port]; c != nil {
		return c.takes
	}
	return 0
}

// longestOf is the longest packet of a ping without fragments, in bytes; nothing that takes it can have stopped it.
func longestOf(q expect.Question) int {
	size, err := strconv.Atoi(q.Option("size"))
	if err != nil {
		size = 56
	}
	return 40 + 8 + size
}

// oversized is how many frames were too long for a port, of ports that a ping of that length may be too long for. The
// kernel lets 4 bytes more pass than a port takes.
func (w *switches) oversized(longest int) map[topology.End]uint64 {
	out := map[topology.End]uint64{}
	for _, v := range w.list() {
		w.countOversized(v)
		w.mu.Lock()
		for name, c := range v.cables {
			if c.known && c.sent.MTU > c.takes && c.takes+4 < longest {
				out[topology.End{Node: v.node, Interface: name}] = c.lost
			}
		}
		w.mu.Unlock()
	}
	return out
}
