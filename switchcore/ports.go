package switchcore

// portList has the ports of a switch. An id is given to the next port when its port is gone, so that the list by id
// stays short.
type portList struct {
	byID    []*port // nil where none is
	order   []*port // as configured
	leaves  []*port // ports with a client; with profile Learning all ports
	uplinks []*port // empty with profile Learning
}

// port returns the port with that id, or nil.
func (l *portList) port(id PortID) *port {
	if id < 0 || int(id) >= len(l.byID) {
		return nil
	}
	return l.byID[id]
}

// named returns the port with that name, or nil.
func (l *portList) named(name string) *port {
	for _, p := range l.order {
		if p.conf.Name == name {
			return p
		}
	}
	return nil
}

// match makes the list that of a new configuration: what has kept its name stays. It returns the ports that are gone.
func (l *portList) match(want []Port) (gone []*port) {
	old := map[string]*port{}
	for _, p := range l.order {
		old[p.conf.Name] = p
	}
	kept := make([]*port, len(want))
	for i, c := range want {
		// A port that becomes an uplink, or ceases to be one, is another port.
		if p := old[c.Name]; p != nil && p.conf.Uplink == c.Uplink {
			kept[i] = p
			delete(old, c.Name)
		}
	}
	for _, p := range l.order {
		if old[p.conf.Name] == p {
			gone = append(gone, p)
			l.byID[p.id] = nil
		}
	}
	for i, c := range want {
		if kept[i] == nil {
			kept[i] = &port{id: l.freeID(), link: true, connected: c.Uplink}
			l.byID[kept[i].id] = kept[i]
		}
		kept[i].configure(c)
	}
	l.order = kept
	return gone
}

// freeID is the lowest id that no port has.
func (l *portList) freeID() PortID {
	for i, p := range l.byID {
		if p == nil {
			return PortID(i)
		}
	}
	l.byID = append(l.byID, nil)
	return PortID(len(l.byID) - 1)
}

// configure gives the port its own part of a configuration. Where nobody gives an initial address it is the first one
// seen.
func (p *port) configure(c Port) {
	if p.conf.Initial != c.Initial {
		p.initial = MAC{}
	}
	p.conf = c
	if p.initial == (MAC{}) {
		p.initial = c.Initial
		if c.Initial == (MAC{}) && p.connected {
			p.initial = p.requested.MAC
		}
	}
}

// divide finds out which ports have clients.
func (l *portList) divide(profile Profile) {
	l.leaves, l.uplinks = nil, nil
	for _, p := range l.order {
		p.leaf = !p.conf.Uplink || profile == Learning
		if p.leaf {
			l.leaves = append(l.leaves, p)
		} else {
			l.uplinks = append(l.uplinks, p)
		}
	}
}

// uplinksNamed are the uplinks of those names, as far as there are any.
func (l *portList) uplinksNamed(names []string) []*port {
	var list []*port
	for _, n := range names {
		if p := l.named(n); p != nil && p.conf.Uplink && !p.leaf {
			list = append(list, p)
		}
	}
	return list
}
