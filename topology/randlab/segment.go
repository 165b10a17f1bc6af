package randlab

import "fmt"

// segment is one network of hosts around a core.
type segment struct {
	number int
	core   []*node // bridges, or one virtual switch
	hosts  []*node
	next   int // the last byte of the next address
}

// segment draws a network: its core and its hosts.
func (d *drawing) segment(number int) *segment {
	s := &segment{number: number + 1, next: 1 + d.IntN(90)}
	if d.IntN(2) == 0 {
		d.bridges(s)
	} else {
		d.virtualSwitch(s)
	}
	for range 2 + d.IntN(3) {
		h := d.add(&node{name: fmt.Sprintf("h%d", len(d.nodes)), seg: s, addr: s.next})
		s.next += 1 + d.IntN(28)
		h.address("eth0", s.ip(h.addr)+"/24")
		if d.v6 {
			h.address("eth0", s.ip6(h.addr)+"/64")
		}
		d.plug(h, "eth0", s)
		s.hosts = append(s.hosts, h)
	}
	return s
}

// address adds one to an interface.
func (n *node) address(iface, prefix string) {
	keys := n.iface(iface)
	if keys["ip"] == "" {
		keys["ip"] = "[" + quoted(prefix) + "]"
		return
	}
	keys["ip"] = keys["ip"][:len(keys["ip"])-1] + ", " + quoted(prefix) + "]"
}

// plug cables an interface to the core.
func (d *drawing) plug(n *node, iface string, s *segment) {
	core := s.core[d.IntN(len(s.core))]
	n.port, n.at = fmt.Sprintf("%s-%s", n.name, iface), core
	d.links = append(d.links, fmt.Sprintf("%s:%s -- %s:%s", n.name, iface, core.name, n.port))
	if core.kind == "vswitch" {
		d.switchPort(core, n.port)
	} else {
		d.bridgePort(core, n.port)
	}
}

// bridges draws a core of bridges.
func (d *drawing) bridges(s *segment) {
	ring := d.some(SpanningTree, 8)
	count := 1
	if ring {
		count = 3
	} else if d.some(BridgeTree, 2) {
		count = 2 + d.IntN(2)
	}
	for i := range count {
		b := d.add(&node{name: fmt.Sprintf("b%d%d", s.number, i), kind: "bridge"})
		if ring {
			b.keys["stp"], b.keys["forward_delay"], b.keys["max_age"] = "true", "4s", "6s"
			b.keys["priority"] = fmt.Sprint(4096 * (1 + d.IntN(8)))
		}
		if d.IntN(6) == 0 {
			b.keys["mcast_snooping"] = "false"
		}
		s.core = append(s.core, b)
		if i > 0 {
			d.cable(s.core[d.IntN(i)], b)
		}
	}
	if ring { // a chain or a star so far
		d.cable(s.core[1], s.core[2])
		d.cable(s.core[0], s.core[2])
	}
}

// cable joins two bridges.
func (d *drawing) cable(a, b *node) {
	n := len(d.links)
	d.links = append(d.links, fmt.Sprintf("%s:t%d -- %s:t%d", a.name, n, b.name, n))
}

// bridgePort says something of a port, seldom.
func (d *drawing) bridgePort(b *node, port string) {
	switch {
	case d.some(Isolated, 10):
		b.iface(port)["isolated"] = "true"
	case d.some(PortFlags, 10):
		b.iface(port)[pick(d, "learning", "flood", "bcast_flood", "mcast_flood")] = "false"
	case d.IntN(20) == 0:
		b.iface(port)["hairpin"] = "true"
	}
}

// virtualSwitch draws a core that is one switch.
func (d *drawing) virtualSwitch(s *segment) {
	w := d.add(&node{name: fmt.Sprintf("sw%d", s.number), kind: "vswitch"})
	profile, feature := "standard", Standard
	switch d.IntN(4) {
	case 0:
		profile, feature = "distributed", Distributed
	case 1:
		profile, feature = "nsx", Segment
	case 2:
		profile, feature = "learning", Physical
	}
	d.has[feature] = true
	w.keys["profile"] = profile
	if profile != "learning" {
		for _, policy := range []string{"promiscuous", "mac_changes", "forged_transmits"} {
			if d.some(Policies, 4) {
				w.keys[policy] = "accept"
			}
		}
	}
	if (profile == "distributed" || profile == "nsx") && d.IntN(2) == 0 {
		w.keys["mac_learning"] = pick(d, "true", "{unicast_flooding: false}", "{limit: 1, limit_policy: drop}")
	}
	s.core = []*node{w}
}

// switchPort says something of a port, seldom. A port of a standard switch has no policies of its own.
func (d *drawing) switchPort(w *node, port string) {
	if w.keys["profile"] != "learning" && w.keys["profile"] != "standard" {
		if d.some(AccessVLAN, 5) {
			w.iface(port)["vlan"] = pick(d, "10", "10", "trunk")
		}
		if d.some(Blocked, 12) {
			w.iface(port)["blocked"] = "true"
		}
	}
	switch {
	case d.some(Isolated, 10):
		w.iface(port)["isolated"] = "true"
	case d.some(Blocked, 16):
		w.iface(port)["up"] = "false"
	}
}
