package randlab

import "fmt"

// routers joins the segments, and gives the hosts ways there.
func (d *drawing) routers() {
	if len(d.segments) < 2 {
		return
	}
	d.has[Routed] = true
	for i := 1; i < len(d.segments); i++ {
		a, b := d.segments[i-1], d.segments[i]
		r := d.add(&node{name: fmt.Sprintf("r%d", i), kind: "router"})
		for k, s := range []*segment{a, b} {
			name := fmt.Sprintf("eth%d", k)
			r.address(name, s.ip(250+k)+"/24")
			if d.v6 {
				r.address(name, s.ip6(250+k)+"/64")
			}
			d.plug(r, name, s)
		}
	}
	for i, s := range d.segments {
		left, right := i > 0, i < len(d.segments)-1
		for _, h := range s.hosts {
			switch {
			case d.some(NoRouteBack, 8):
			case left && right: // a way for each side
				h.routes["default"] = s.ip(251)
				h.routes[fmt.Sprintf("10.0.%d.0/24", d.segments[i+1].number)] = s.ip(250)
			case left:
				h.routes["default"] = s.ip(251)
			default:
				h.routes["default"] = s.ip(250)
			}
			if d.v6 && h.routes["default"] != "" {
				via := 251
				if !left {
					via = 250
				}
				h.routes["default"] = "[" + h.routes["default"] + ", " + quoted(s.ip6(via)) + "]"
			}
		}
	}
	if len(d.segments) == 3 { // the ends know each other through the middle
		one, three := d.segments[0], d.segments[2]
		d.router(1).routes[fmt.Sprintf("10.0.%d.0/24", three.number)] = d.segments[1].ip(250)
		d.router(2).routes[fmt.Sprintf("10.0.%d.0/24", one.number)] = d.segments[1].ip(251)
	}
}

func (d *drawing) router(i int) *node {
	for _, n := range d.nodes {
		if n.name == fmt.Sprintf("r%d", i) {
			return n
		}
	}
	return nil
}

// nesting puts guests behind hosts: macvlans on their NIC, or a bridge of which it is a port.
func (d *drawing) nesting() {
	for _, h := range d.hosts() {
		switch {
		case d.some(Macvlan, 6):
			d.macvlans(h)
		case d.some(GuestBridge, 6):
			d.guestBridge(h)
		}
	}
}

// macvlans puts guests onto the NIC of a host.
func (d *drawing) macvlans(h *node) {
	h.uplinked = true
	mode := pick(d, "bridge", "bridge", "private", "vepa")
	for i := range 1 + d.IntN(2) {
		g := &node{name: fmt.Sprintf("g%d", i), seg: h.seg, addr: h.seg.next}
		h.seg.next += 1 + d.IntN(8)
		d.add(g)
		d.nodes = d.nodes[:len(d.nodes)-1] // it is its holder's
		g.iface("eth0")["macvlan"], g.iface("eth0")["mode"] = h.name+":eth0", mode
		g.address("eth0", g.seg.ip(g.addr)+"/24")
		if h.routes["default"] != "" && !d.v6 {
			g.routes["default"] = h.routes["default"]
		}
		h.children = append(h.children, g)
	}
}

// guestBridge makes a host's NIC a port of a bridge in it, with the host's address, and joins a guest to it.
func (d *drawing) guestBridge(h *node) {
	h.uplinked = true
	nic := h.iface("eth0")
	h.ifaces["br0"] = map[string]string{"bridge": "[eth0, v0]", "ip": nic["ip"]}
	delete(nic, "ip")
	g := &node{name: "vm", seg: h.seg, addr: h.seg.next}
	h.seg.next += 1 + d.IntN(8)
	d.add(g)
	d.nodes = d.nodes[:len(d.nodes)-1]
	g.address("eth0", g.seg.ip(g.addr)+"/24")
	h.children = append(h.children, g)
	d.links = append(d.links, fmt.Sprintf("%s:v0 -- %s.vm:eth0", h.name, h.name))
}
