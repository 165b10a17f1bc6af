//go:build linux

package kernel

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"time"

	"labctl/topology"
	"labctl/topology/problem"
)

// TreeWait is how a spanning tree comes along: what is waited for, for how long already, and how long at most.
type TreeWait struct {
	What         string
	Passed, Most time.Duration
}

// treeWatch waits for the spanning trees of some nodes.
type treeWatch struct {
	space *Space
	nodes []*topology.Node
	peers map[topology.End][]topology.End // see treePeers
}

// treeGrace is what a busy machine may be late with its timers, and what many bridges in a row add: each holds a
// message back for up to a second (net/bridge/br_stp.c, BR_HOLD_TIME).
const treeGrace = 15 * time.Second

// await waits until the spanning trees of the nodes are what they will be: no port listens or learns any more, and what
// ports hold of other bridges is what those would say now, so that nothing is left to be learnt, or to age. IEEE 802.1D
// gets there within twice the forward delay and the maximum age of the root; a bridge that has not heard it yet goes by
// its own. What has not changed for longer than that age will not: bridges that do not hear each other then never will,
// since something between them drops what they say.
func (w *treeWatch) await(ctx context.Context, tell func(TreeWait)) error {
	most, age := ownTimes(w.nodes), time.Duration(0)
	var last []*treeBridge
	began := time.Now()
	changed := began
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for told := time.Duration(-1); ; {
		bridges, err := w.read()
		if err != nil {
			return err
		}
		for _, b := range bridges {
			most, age = max(most, 2*b.delay+b.age), max(age, b.age)
		}
		if !reflect.DeepEqual(bridges, last) {
			last, changed = bridges, time.Now()
		}
		moving, apart := unfinished(bridges, w.peers)
		if moving == "" && (apart == "" || time.Since(changed) > age+time.Second) {
			return nil
		}
		passed, why := time.Since(began), cmp.Or(moving, apart)
		if passed > most+treeGrace {
			return unsettledTree(most+treeGrace, why, moving == "", age)
		}
		if second := passed.Truncate(time.Second); second != told && tell != nil {
			told = second
			tell(TreeWait{why, second, most})
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("not ready: %s: %w", why, context.Cause(ctx))
		}
	}
}

// unsettledTree is the error of a tree that has not settled in time. Where all ports are through and what bridges hold
// goes on changing, waiting longer would not help: news of the root ages on its way, by up to BR_HOLD_TIME at each
// bridge, and is dropped when it is older than max_age. The bridges behind take themselves for the root until the next
// message comes in time.
func unsettledTree(waited time.Duration, why string, portsDone bool, age time.Duration) error {
	err := fmt.Errorf("the spanning tree has not settled within %s: %s", waited, why)
	if portsDone {
		return fmt.Errorf("%w; what the bridges know of the root keeps changing: each may hold a message back for "+
			"1s, and max_age %s drops older ones, "+
			"so raise max_age or have fewer bridges in a row", err, age)
	}
	return err
}

// read is the bridges of all nodes.
func (w *treeWatch) read() (bridges []*treeBridge, err error) {
	for _, k := range w.nodes {
		n, err := w.space.of(k.Name)
		if err != nil {
			return nil, err
		}
		list, err := n.conn.treeBridges()
		if err != nil {
			return nil, err
		}
		bridges = append(bridges, list...)
	}
	return bridges, nil
}

// ownTimes is twice the forward delay and the maximum age that a bridge has been given, the most of all. A port goes on
// by its bridge's own delay when the root's is heard while it listens (net/bridge/br_stp.c, br_make_forwarding arms the
// timer), and the kernel shows the root's alone by then.
func ownTimes(nodes []*topology.Node) (most time.Duration) {
	for _, n := range nodes {
		for _, i := range n.Interfaces {
			if i.Bridge != nil && i.Bridge.STP {
				most = max(most, 2*i.Bridge.ForwardDelay+i.Bridge.MaxAge)
			}
		}
	}
	return most
}

// unfinished says which port is on its way to forward, and who holds what is not true any more.
func unfinished(bridges []*treeBridge, peers map[topology.End][]topology.End) (moving, apart string) {
	type port struct {
		b *treeBridge
		p *treePort
	}
	byID, byEnd := map[bridgeID][]*treeBridge{}, map[topology.End]port{}
	var waiting []string
	for _, b := range bridges {
		byID[b.id] = append(byID[b.id], b)
		for i := range b.ports {
			p := &b.ports[i]
			byEnd[topology.End{Node: b.node, Interface: p.name}] = port{b, p}
			if p.state == portListening || p.state == portLearning || p.state == portDisabled && !p.guard {
				waiting = append(waiting, fmt.Sprintf("%s:%s %s", b.node, p.name, portStates[p.state]))
			}
		}
	}
	if n := len(waiting); n > 0 {
		moving = "port " + waiting[0]
		if n > 1 {
			moving = fmt.Sprintf("%s, as %s", problem.Count(n, "port"), waiting[0])
		}
	}
	for _, b := range bridges {
		for i := range b.ports {
			p := &b.ports[i]
			if p.state == portDisabled {
				continue
			}
			if !b.designated(p) && len(byID[p.from]) < 2 && !p.current(byID[p.from]) {
				return moving, fmt.Sprintf("what %s:%s holds of another bridge is old", b.node, p.name)
			}
			for _, e := range peers[topology.End{Node: b.node, Interface: p.name}] {
				far := byEnd[e]
				if far.p == nil || far.p.state == portDisabled {
					continue
				}
				if b.root != far.b.root || b.designated(p) && far.b.designated(far.p) {
					return moving, fmt.Sprintf("%s:%s and %s:%s do not agree yet", b.node, p.name, far.b.node,
						far.p.name)
				}
			}
		}
	}
	return moving, ""
}
