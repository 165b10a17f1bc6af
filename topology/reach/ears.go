package reach

import (
	"context"
	"fmt"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"labctl/topology"
)

// ear is a listener of a sees table, or the tap that proves that a frame left its sender.
type ear struct {
	*tap
	node    string
	name    string          // of the interface
	nosy    bool            // promiscuous
	arrived map[uint32]bool // marked requests
	left    map[uint32]bool // sent by the node itself
}

// audience is the ears that are open at the same time, one for each interface.
type audience struct {
	b      *bench
	own    *owners
	filter []bpf.Instruction
	ears   map[place]*ear
}

func newAudience(b *bench, own *owners, filter []bpf.Instruction) *audience {
	return &audience{b: b, own: own, filter: filter, ears: map[place]*ear{}}
}

// close closes all ears; the switches have noticed when it returns.
func (l *audience) close(ctx context.Context) error {
	if len(l.ears) == 0 {
		return nil
	}
	for _, e := range l.ears {
		e.close()
	}
	clear(l.ears)
	return l.b.machine.Quiet(ctx)
}

// column is who listens in a column of a sees table.
type column struct {
	ears    []*ear
	through bool // a port of a switch: a frame that leaves by it is as much there as one that comes in
}

// listeners opens the sockets of a column: all interfaces of a node, or one. They are promiscuous, as a person's would
// be, but for those on a virtual switch's own ends: these are not a guest's, and all frames pass there anyway.
func (l *audience) listeners(text string) (column, error) {
	node, ifname, isPort := l.b.port(text)
	if !isPort {
		t, ok := l.b.target(text)
		if !ok || t.Node == "" {
			return column{}, fmt.Errorf("%q is not a node of this lab", text)
		}
		node, ifname = t.Node, t.Interface
	}
	own := isPort
	out := column{through: isPort}
	if n := l.b.lab.Node(node); n != nil {
		own = own || n.Kind == topology.VSwitch
		if i := n.Interface(ifname); i != nil && i.Master != "" {
			out.through = true
		}
	}
	for _, k := range l.own.links[node] {
		if k.Name == "lo" || !k.Up || ifname != "" && k.Name != ifname {
			continue
		}
		e, err := l.ear(node, k, !own)
		if err != nil {
			return column{}, err
		}
		out.ears = append(out.ears, e)
	}
	if len(out.ears) == 0 {
		return column{}, fmt.Errorf("%s has no interface that is up to listen on", text)
	}
	return out, nil
}

func (l *audience) ear(node string, k topology.LinkState, promiscuous bool) (*ear, error) {
	at := place{node: node, index: k.Index}
	if e := l.ears[at]; e != nil {
		return e, nil
	}
	// ETH_P_ALL and not ETH_P_IP: only the former gets what the node itself sends.
	t, err := openTap(l.b.machine, node, k.Index, unix.ETH_P_ALL, promiscuous, l.filter)
	if err != nil {
		return nil, err
	}
	e := &ear{tap: t, node: node, name: k.Name, nosy: promiscuous, arrived: map[uint32]bool{}, left: map[uint32]bool{}}
	l.ears[at] = e
	return e, nil
}

// deaf says why an ear may have missed something, "" if it has heard all there was. It asks the kernel for what was
// dropped since it was last asked.
func (e *ear) deaf() string {
	switch {
	case e.gone():
		return fmt.Sprintf("the interface %s:%s was removed or made anew while it was listened on; send what is to "+
			"be heard in a step of its own", e.node, e.name)
	case e.lost():
		return lostFrames
	}
	return ""
}

const lostFrames = "the listener lost frames"

// taps are the sockets on all interfaces of a node.
func (l *audience) taps(node string) ([]*ear, error) {
	var out []*ear
	for _, k := range l.own.links[node] {
		if k.Name == "lo" || !k.Up {
			continue
		}
		e, err := l.ear(node, k, false)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

func (l *audience) pollFds() []unix.PollFd {
	var fds []unix.PollFd
	for _, e := range l.ears {
		fds = append(fds, unix.PollFd{Fd: int32(e.fd), Events: unix.POLLIN})
	}
	return fds
}
