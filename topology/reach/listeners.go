package reach

import (
	"context"
	"fmt"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"labctl/topology"
)

// listener is a socket that listens for a sees table, or the tap that proves that a frame left its sender.
type listener struct {
	*tap
	node        string
	name        string // of the interface
	promiscuous bool
	arrived     map[uint32]int  // copies of marked requests
	sent        map[uint32]int  // those that the node itself sent
	taken       map[uint32]bool // one that arrived was not for another MAC
	requests    map[request]int
}

// request is one request of a stream, arriving or leaving.
type request struct {
	key      uint32
	outgoing bool
}

// listeners are those that are open at the same time, one for each interface.
type listeners struct {
	b      *bench
	own    *owners
	filter []bpf.Instruction
	open   map[interfaceKey]*listener
}

func newListeners(b *bench, own *owners, filter []bpf.Instruction) *listeners {
	return &listeners{b: b, own: own, filter: filter, open: map[interfaceKey]*listener{}}
}

// close closes all listeners; the switches have noticed when it returns.
func (l *listeners) close(ctx context.Context) error {
	if len(l.open) == 0 {
		return nil
	}
	closeTaps(func(yield func(*tap) bool) {
		for _, e := range l.open {
			if !yield(e.tap) {
				return
			}
		}
	})
	clear(l.open)
	return l.b.machine.Quiet(ctx)
}

// column is who listens in a column of a sees table.
type column struct {
	listeners []*listener
	through   bool // a port of a switch: a frame that leaves by it is as much there as one that comes in
}

// column opens the sockets of a column: all interfaces of a node, or one. They are promiscuous if that is asked for,
// but for those on a virtual switch's own ends: these are not a guest's, and all frames pass there anyway.
func (l *listeners) column(text string, promiscuous bool) (column, error) {
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
		e, err := l.listen(node, k, promiscuous && !own)
		if err != nil {
			return column{}, err
		}
		out.listeners = append(out.listeners, e)
	}
	if len(out.listeners) == 0 {
		return column{}, fmt.Errorf("%s has no interface that is up to listen on", text)
	}
	return out, nil
}

func (l *listeners) listen(node string, k topology.LinkState, promiscuous bool) (*listener, error) {
	at := interfaceKey{node: node, index: k.Index}
	if e := l.open[at]; e != nil {
		return e, nil
	}
	// ETH_P_ALL and not ETH_P_IP: only the former gets what the node itself sends.
	t, err := openTap(l.b.machine, node, k.Index, unix.ETH_P_ALL, promiscuous, l.filter)
	if err != nil {
		return nil, err
	}
	e := &listener{tap: t, node: node, name: k.Name, promiscuous: promiscuous, arrived: map[uint32]int{},
		sent: map[uint32]int{}, taken: map[uint32]bool{},
		requests: map[request]int{}}
	l.open[at] = e
	return e, nil
}

// missedWhy says why a listener may have missed something, "" if it has heard all there was. It asks the kernel for
// what was dropped since it was last asked.
func (e *listener) missedWhy() string {
	switch {
	case e.gone():
		return fmt.Sprintf("the interface %s:%s was removed or rebuilt while it was listened on; send what is to "+
			"be heard in a step of its own", e.node, e.name)
	case e.lost():
		return lostFrames
	}
	return ""
}

const lostFrames = "the listener lost frames"

// taps are the sockets on all interfaces of a node.
func (l *listeners) taps(node string) ([]*listener, error) {
	var out []*listener
	for _, k := range l.own.links[node] {
		if k.Name == "lo" || !k.Up {
			continue
		}
		e, err := l.listen(node, k, false)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

func (l *listeners) pollFds() []unix.PollFd {
	var fds []unix.PollFd
	for _, e := range l.open {
		fds = append(fds, unix.PollFd{Fd: int32(e.fd), Events: unix.POLLIN})
	}
	return fds
}
