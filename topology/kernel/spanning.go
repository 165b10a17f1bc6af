//go:build linux

package kernel

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"labctl/topology"
	"labctl/topology/problem"
)

// TreeWait is how a spanning tree comes along: what is waited for, for how long already, and how long at most.
type TreeWait struct {
	What         string
	Passed, Most time.Duration
}

// bridgeID is a bridge's priority and address, as IEEE 802.1D compares them.
type bridgeID [8]byte

// treeBridge is a bridge that takes part in a spanning tree, as the kernel has it.
type treeBridge struct {
	node, name string
	id, root   bridgeID
	cost       uint32        // to the root
	delay, age time.Duration // forward delay and max age, of the root that it believes in
	ports      []treePort
}

// treePort is a port of it with a carrier. What it holds is what it says itself, or else the best that it heard there.
type treePort struct {
	name       string
	id         uint16
	state      uint8
	guard      bool // a BPDU that comes in switches it off
	root, from bridgeID
	cost       uint16 // all that the kernel tells of it
	fromPort   uint16
}

func (b *treeBridge) designated(p *treePort) bool { return p.from == b.id && p.fromPort == p.id }

// treeGrace is what a busy machine may be late with its timers, and what many bridges in a row add: each holds a message back for up
// to a second (net/bridge/br_stp.c, BR_HOLD_TIME).
const treeGrace = 15 * time.Second

// awaitTree waits until the spanning trees of the nodes are what they will be: no port listens or learns any more, and what ports
// hold of other bridges is what those would say now, so that nothing is left to be learnt, or to age. IEEE 802.1D gets there within
// twice the forward delay and the maximum age of the root; a bridge that has not heard it yet goes by its own. What has not changed for longer than that age will not: bridges that do not
// hear each other then never will, since something between them drops what they say.
func (s *Space) awaitTree(ctx context.Context, nodes []*topology.Node, peers map[topology.End][]topology.End, tell func(TreeWait)) error {
	most, age := ownTimes(nodes), time.Duration(0)
	var last []*treeBridge
	began := time.Now()
	changed := began
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for told := time.Duration(-1); ; {
		var bridges []*treeBridge
		for _, k := range nodes {
			bs, err := s.treeBridges(k.Name)
			if err != nil {
				return err
			}
			bridges = append(bridges, bs...)
		}
		for _, b := range bridges {
			most, age = max(most, 2*b.delay+b.age), max(age, b.age)
		}
		if !reflect.DeepEqual(bridges, last) {
			last, changed = bridges, time.Now()
		}
		moving, apart := unfinished(bridges, peers)
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

// unsettledTree is the error of a tree that has not settled in time. Where all ports are through and what bridges hold goes on changing,
// waiting longer would not help: news of the root ages on its way, by up to BR_HOLD_TIME at each bridge, and is dropped when it is older
// than max_age. The bridges behind take themselves for the root until the next message comes in time.
func unsettledTree(waited time.Duration, why string, portsDone bool, age time.Duration) error {
	err := fmt.Errorf("the spanning tree has not settled within %s: %s", waited, why)
	if portsDone {
		return fmt.Errorf("%w; what the bridges know of the root keeps changing: each may hold a message back for 1s, and max_age %s drops older ones, "+
			"so raise max_age or have fewer bridges in a row", err, age)
	}
	return err
}

// ownTimes is twice the forward delay and the maximum age that a bridge has been given, the most of all. A port goes on by its bridge's own
// delay when the root's is heard while it listens (net/bridge/br_stp.c, br_make_forwarding arms the timer), and the kernel shows the root's
// alone by then.
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

// treePeers are the ports that hear what a port says: at the other end of its cable, or beyond bridges without a tree, which pass
// it on.
func treePeers(nodes []*topology.Node) map[topology.End][]topology.End {
	byName := map[string]*topology.Node{}
	for _, n := range nodes {
		byName[n.Name] = n
	}
	out := map[topology.End][]topology.End{}
	for _, n := range nodes {
		for _, i := range n.Interfaces {
			if i.Master != "" && n.Interface(i.Master).Bridge.STP {
				from := topology.End{Node: n.Name, Interface: i.Name}
				out[from] = hearers(byName, from, i.Peer, map[topology.End]bool{})
			}
		}
	}
	return out
}

func hearers(byName map[string]*topology.Node, from, at topology.End, passed map[topology.End]bool) []topology.End {
	n := byName[at.Node]
	if n == nil || n.Interface(at.Interface) == nil || n.Interface(at.Interface).Master == "" {
		return nil
	}
	br := n.Interface(n.Interface(at.Interface).Master)
	if br.Bridge.STP {
		if at == from {
			return nil
		}
		return []topology.End{at}
	}
	bridge := topology.End{Node: n.Name, Interface: br.Name}
	if passed[bridge] {
		return nil
	}
	passed[bridge] = true
	var out []topology.End
	for _, i := range n.Interfaces {
		if i.Master == br.Name && i.Name != at.Interface {
			out = append(out, hearers(byName, from, i.Peer, passed)...)
		}
	}
	return out
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
					return moving, fmt.Sprintf("%s:%s and %s:%s do not agree yet", b.node, p.name, far.b.node, far.p.name)
				}
			}
		}
	}
	return moving, ""
}

// current says whether a port holds what the bridge that told it would say now by that port.
func (p *treePort) current(from []*treeBridge) bool {
	if len(from) == 0 {
		return false // it is gone, and what it said has to age
	}
	b := from[0]
	return p.root == b.root && p.cost == uint16(b.cost) &&
		slices.ContainsFunc(b.ports, func(q treePort) bool { return q.id == p.fromPort && q.state != portDisabled })
}

// treeBridges are the bridges of a node that take part in a spanning tree. One that is down does not, whatever its carrier: while all
// ports of a bridge listen it has none (net/bridge/br_stp.c, br_port_state_selection).
func (s *Space) treeBridges(name string) ([]*treeBridge, error) {
	n, err := s.node(name)
	if err != nil {
		return nil, err
	}
	links, err := s.dump(n, unix.AF_UNSPEC)
	if err != nil {
		return nil, err
	}
	by, carrier := map[int32]*treeBridge{}, map[int32]bool{}
	var out []*treeBridge
	for _, l := range links {
		carrier[l.index] = l.carrier()
		if l.tree != nil && l.flags&unix.IFF_UP != 0 {
			l.tree.node, l.tree.name = name, l.name
			by[l.index] = l.tree
			out = append(out, l.tree)
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	ports, err := s.dump(n, unix.AF_BRIDGE)
	if err != nil {
		return nil, err
	}
	for _, p := range ports {
		if b := by[p.master]; b != nil && p.port && carrier[p.index] {
			p.held.name, p.held.state = p.name, p.state
			b.ports = append(b.ports, p.held)
		}
	}
	return out, nil
}

// stpKernel is BR_KERNEL_STP of net/bridge/br_private.h: it is the kernel that builds the tree.
const stpKernel = 1

// treeOf reads what a bridge says of its tree (linux/if_link.h, IFLA_INFO_DATA); nil if there is none. Times are in hundredths of a
// second.
func treeOf(data []byte) *treeBridge {
	b, on := &treeBridge{}, false
	attributes(data, func(typ uint16, v []byte) {
		switch typ {
		case nl.IFLA_BR_STP_STATE:
			on = number32(v) == stpKernel
		case nl.IFLA_BR_ROOT_ID:
			copy(b.root[:], v)
		case nl.IFLA_BR_BRIDGE_ID:
			copy(b.id[:], v)
		case nl.IFLA_BR_ROOT_PATH_COST:
			b.cost = number32(v)
		case nl.IFLA_BR_FORWARD_DELAY:
			b.delay = time.Duration(number32(v)) * 10 * time.Millisecond
		case nl.IFLA_BR_MAX_AGE:
			b.age = time.Duration(number32(v)) * 10 * time.Millisecond
		}
	})
	if !on {
		return nil
	}
	return b
}

// hold reads one attribute of a bridge port (linux/if_link.h, IFLA_PROTINFO).
func (p *treePort) hold(typ uint16, v []byte) {
	switch typ {
	case nl.IFLA_BRPORT_GUARD:
		p.guard = len(v) == 1 && v[0] != 0
	case nl.IFLA_BRPORT_ROOT_ID:
		copy(p.root[:], v)
	case nl.IFLA_BRPORT_BRIDGE_ID:
		copy(p.from[:], v)
	case nl.IFLA_BRPORT_DESIGNATED_PORT:
		p.fromPort = number16(v)
	case nl.IFLA_BRPORT_DESIGNATED_COST:
		p.cost = number16(v)
	case nl.IFLA_BRPORT_ID:
		p.id = number16(v)
	}
}

func number16(v []byte) uint16 {
	if len(v) < 2 {
		return 0
	}
	return binary.NativeEndian.Uint16(v)
}

func number32(v []byte) uint32 {
	if len(v) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(v)
}
