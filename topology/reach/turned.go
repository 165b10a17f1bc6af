package reach

import (
	"fmt"
	"slices"
)

// turnedRounds is how often a question is asked again to see who turns it away: a counter does not say whose packets
// it has counted, but one that moves each time has counted the question's.
const turnedRounds = 3

// turned is how much each node's kernel has turned away because nobody listened, when that was last read. It is the
// control of what is refused or lost: there was a listener, and the question did not come to another port than it
// speaks of, as it does where it is translated.
type turned map[string]uint64

// countTurned reads the counters of some nodes, and returns those in which they have moved.
func (d *dialing) countTurned(t transport, nodes []string) (moved []string, err error) {
	for _, node := range nodes {
		n, err := d.b.turnedAway(node, t)
		if err != nil {
			return nil, err
		}
		if n != d.turned[node] {
			d.turned[node], moved = n, append(moved, node)
		}
	}
	return moved, nil
}

// controlled makes an answer unknown if the question has come to a kernel where nobody listens.
func (d *dialing) controlled(t *attempt) error {
	if t.real {
		return nil
	}
	if t.word != "refused" && t.word != "silent" {
		// What ends a connection that was made is a reset too (tcp_send_active_reset).
		_, err := d.countTurned(t.transport, append(slices.Clone(t.heardIn), t.from.Node))
		return err
	}
	nodes, err := d.countTurned(t.transport, d.b.nodeNames())
	for range turnedRounds {
		if err != nil || len(nodes) == 0 {
			return err
		}
		again := *t
		again.again()
		if err := d.once(&again); err != nil {
			return err
		}
		t.tries = again.tries
		nodes, err = d.countTurned(t.transport, nodes)
	}
	if err == nil && len(nodes) > 0 {
		t.word, t.detail = Unknown, fmt.Sprintf("%s; it came to where nobody listens, in %s: where it is translated, "+
			"name who is to listen (listen: [NODE:PORT])", t.detail, where(nodes))
	}
	return err
}
