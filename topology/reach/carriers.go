package reach

import (
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sys/unix"

	"labctl/topology"
)

// carriers is every interface of the lab.
type carriers map[interfaceKey]topology.Carrier

// Of linux/if.h.
const (
	operUnknown = 0 // IF_OPER_UNKNOWN
	operUp      = 6 // IF_OPER_UP
)

// sameCarrier reports whether nothing can have been lost between two readings on account of the interface. A bridge
// forwards and sends as soon as it is open and a port of it forwards; that its own state, unknown since it was made,
// comes to be up while its carrier stays loses nothing. The kernel leaves that for up to a second
// (net/core/link_watch.c), so most bridges that have just been made do it.
func sameCarrier(was, now topology.Carrier) bool {
	const carrier = unix.IFF_UP | unix.IFF_LOWER_UP
	if was.Bridge && was.Flags&carrier == carrier && was.State == operUnknown && now.State == operUp {
		was.State = now.State
	}
	return was == now
}

// carriers reads those of some nodes.
func (b *bench) carriers(nodes ...string) (carriers, error) {
	out := carriers{}
	for _, n := range nodes {
		list, err := b.machine.Carriers(n)
		if err != nil {
			return nil, fmt.Errorf("read the carriers of %s: %w", n, err)
		}
		for i, c := range list {
			out[interfaceKey{node: n, index: i}] = c
		}
	}
	return out, nil
}

// nodeNames are all nodes of the lab.
func (b *bench) nodeNames() []string {
	out := make([]string, len(b.lab.Nodes))
	for i, n := range b.lab.Nodes {
		out[i] = n.Name
	}
	return out
}

// moved lists the interfaces that are not as they were, by their names, in order.
func (o *owners) moved(before, now carriers) (places map[interfaceKey]bool, names []string) {
	places = map[interfaceKey]bool{}
	for _, one := range []carriers{before, now} {
		for at := range maps.Keys(one) {
			was, had := before[at]
			is, has := now[at]
			if had == has && sameCarrier(was, is) || places[at] {
				continue
			}
			places[at] = true
			name := fmt.Sprintf("%s:%d", at.node, at.index)
			if l, ok := o.linkAt(at.node, at.index); ok {
				name = at.node + ":" + l.Name
			}
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return places, names
}
