//go:build linux

package datapath

import (
	"slices"
	"time"

	"labctl/switchcore"
)

// clock is the time that all calls of the switch are given.
type clock struct{ start time.Time }

// now is the time since the loop was started.
func (c clock) now() time.Duration { return time.Since(c.start) }

// attached are the ports that something is attached to. They belong to the owner.
type attached struct {
	ports []*port // by PortID, nil: nothing attached
}

// port is an attached port, nil if nothing is attached.
func (a *attached) port(id switchcore.PortID) *port {
	if id < 0 || int(id) >= len(a.ports) {
		return nil
	}
	return a.ports[id]
}

// is tells whether the port is still attached.
func (a *attached) is(p *port) bool { return a.port(p.id) == p }

// add makes a port attached.
func (a *attached) add(p *port) {
	for int(p.id) >= len(a.ports) {
		a.ports = append(a.ports, nil)
	}
	a.ports[p.id] = p
}

// waitlist has the ports that are looked at again at their time: those with parked frames, or with an interface that is
// down.
type waitlist struct{ ports []*port }

// add has a port looked at again when its time has come.
func (w *waitlist) add(p *port, due time.Duration) {
	p.due = due
	if !slices.Contains(w.ports, p) {
		w.ports = append(w.ports, p)
	}
}

// remove makes a new list: somebody may be walking along the old one.
func (w *waitlist) remove(p *port) {
	if i := slices.Index(w.ports, p); i >= 0 {
		w.ports = append(w.ports[:i:i], w.ports[i+1:]...)
	}
}

// first is when the first port is to be looked at, at most a limit away.
func (w *waitlist) first(limit time.Duration) time.Duration {
	for _, p := range w.ports {
		limit = min(limit, p.due)
	}
	return limit
}

// names are what people call the ports. They are kept until somebody may have changed the configuration.
type names struct {
	core *switchcore.Switch
	list []identity
}

// identity is what people call a port.
type identity struct {
	id     switchcore.PortID
	name   string
	number uint32
	known  bool
}

// of tells a port's name and number. It asks the switch, so slices of a verdict may be gone afterwards.
func (n *names) of(id switchcore.PortID) identity {
	if id < 0 {
		return identity{id: id}
	}
	for int(id) >= len(n.list) {
		n.list = append(n.list, identity{})
	}
	one := &n.list[id]
	if !one.known {
		st := n.core.Status(id)
		*one = identity{id, st.Name, st.Number, true}
	}
	return *one
}

// forget has the names asked for again.
func (n *names) forget() { n.list = n.list[:0] }
