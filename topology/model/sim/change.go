package sim

import (
	"reflect"
	"slices"

	"labctl/topology"
	"labctl/topology/state"
)

// Become turns the lab into another state of the same file, as "up" does with a running one: what is the same keeps
// what traffic has taught it. Rebuilt names the nodes whose namespaces are made again.
func (w *World) Become(s *state.State, rebuilt []string) error {
	old := w.byName
	w.nodes, w.byName = nil, map[string]*node{}
	fresh := map[*device]bool{}
	for i := range s.Nodes {
		to := &s.Nodes[i]
		n := old[to.Name]
		if n == nil || slices.Contains(rebuilt, to.Name) || kindDiffers(n.was, to) {
			if n != nil && n.sw != nil {
				n.sw.retire()
			}
			n = w.addNode(to)
			for _, d := range n.devices {
				fresh[d] = true
			}
		} else {
			n.become(to, fresh, rebuilt)
		}
		w.nodes, w.byName[n.name] = append(w.nodes, n), n
	}
	w.rejoin(s, fresh)
	for i := range s.Nodes {
		w.nodes[i].relay(&s.Nodes[i], fresh)
		w.nodes[i].was = &s.Nodes[i]
	}
	for i := range s.Nodes {
		if err := w.changeSwitch(w.nodes[i], s.Nodes[i].Switch); err != nil {
			return err
		}
	}
	w.flow()
	for d := range fresh {
		d.joinSnoopers()
	}
	w.flow()
	return nil
}

// kindDiffers reports whether a node cannot be changed in place.
func kindDiffers(was, to *state.Node) bool {
	return was.Kind != to.Kind && (was.Switch != nil || to.Switch != nil || was.Kind == topology.Bridge ||
		to.Kind == topology.Bridge) || was.IPv6 != to.IPv6
}

// become changes a node in place.
func (n *node) become(to *state.Node, fresh map[*device]bool, rebuilt []string) {
	was := n.byName
	n.devices, n.byName = nil, map[string]*device{}
	for k := range to.Interfaces {
		i := &to.Interfaces[k]
		d, before := was[i.Name], n.was.Interface(i.Name)
		if d == nil || makeupDiffers(before, i) || slices.Contains(rebuilt, i.Peer.Node) ||
			slices.Contains(rebuilt, i.Lower.Node) {
			if d != nil {
				n.forgetOn(d, true)
			}
			d = &device{node: n}
			fresh[d] = true
		}
		mac, running := d.mac, d.running()
		d.set(i)
		if moved := d.mac != mac; moved || running && !d.running() {
			n.forgetOn(d, moved || !d.up)
		}
		n.devices, n.byName[d.name] = append(n.devices, d), d
	}
	for name, d := range was {
		if n.byName[name] != d {
			n.forgetOn(d, true)
		}
	}
	n.configure(to)
}

// makeupDiffers reports whether an interface has to be made again.
func makeupDiffers(a, b *state.Interface) bool {
	return a.Kind != b.Kind || a.Peer != b.Peer || a.Lower != b.Lower || a.Mode != b.Mode ||
		!slices.Equal(a.Sources, b.Sources) || a.VLANID != b.VLANID || a.Master != b.Master
}

// rejoin joins interfaces again. A bridge that was there keeps what it has learned, but behind ports that do not
// forward any more (br_stp_disable_port).
func (w *World) rejoin(s *state.State, fresh map[*device]bool) {
	known := map[*device]*bridge{}
	for _, n := range w.nodes {
		for _, d := range n.devices {
			if d.bridge != nil && !fresh[d] {
				known[d] = d.bridge
			}
			d.bridge = nil
		}
	}
	w.connect(s)
	for d, was := range known {
		if d.bridge == nil {
			continue
		}
		d.keepStatic(was, s.Node(d.node.name).Interface(d.name).Bridge, fresh)
		for mac, e := range was.fdb {
			if e.local || e.static || e.port == nil || d.node.byName[e.port.name] != e.port || !e.port.running() ||
				!e.port.port.learns() || d.bridge.fdb[mac] != nil {
				continue
			}
			d.bridge.fdb[mac] = e
		}
	}
}

// keepStatic leaves static entries where frames have moved them, if the file says the same of them as before. One that
// has moved to a port that is gone went with it.
func (d *device) keepStatic(was *bridge, to *state.Bridge, fresh map[*device]bool) {
	before := d.node.was.Interface(d.name)
	if before == nil || before.Bridge == nil {
		return
	}
	for _, e := range to.FDB {
		given := d.node.byName[e.Port]
		if !e.Static || given == nil || fresh[given] || !slices.ContainsFunc(before.Bridge.FDB, func(o state.FDB) bool {
			return o.MAC == e.MAC && o.Port == e.Port && o.Static
		}) {
			continue
		}
		now := was.fdb[e.MAC]
		if now == nil || now.port == nil || d.node.byName[now.port.name] != now.port {
			delete(d.bridge.fdb, e.MAC)
		} else {
			d.bridge.fdb[e.MAC] = now
		}
	}
}

// relay gives a node its routing rules, and, where "up" writes them, its routes and permanent neighbours: if they, an
// address or the state of an interface differ, or one is new. What redirects have taught is forgotten with them, with
// another MAC, and when forwarding is switched (rt_cache_flush, net/ipv4/route.c).
func (n *node) relay(to *state.Node, fresh map[*device]bool) {
	was := n.was
	equal := func(same func(x, y *state.Interface) bool) bool {
		return slices.EqualFunc(was.Interfaces, to.Interfaces,
			func(x, y state.Interface) bool { return same(&x, &y) })
	}
	laid := was != to && reflect.DeepEqual(was.Routes, to.Routes) && slices.Equal(was.Neighbours, to.Neighbours) &&
		equal(func(x, y *state.Interface) bool {
			return x.Name == y.Name && x.Up == y.Up && slices.Equal(x.Addresses, y.Addresses)
		}) && !slices.ContainsFunc(n.devices, func(d *device) bool { return fresh[d] })
	if !laid || n.forwards != (was.Sysctl(topology.ForwardKey) == "1") ||
		!equal(func(x, y *state.Interface) bool { return x.MAC == y.MAC }) {
		clear(n.turned)
	}
	if !laid {
		n.lay(to)
	}
	layPolicies(n, to)
}

// changeSwitch gives a virtual switch its new configuration, and its guests. A port whose guest is another one for its
// administrator, or whose interface was made again, is plugged in again.
func (w *World) changeSwitch(n *node, to *state.Switch) error {
	if to == nil {
		return nil
	}
	if n.sw == nil {
		if err := w.addSwitch(n, to); err != nil {
			return err
		}
		n.sw.attach()
		return nil
	}
	v := n.sw
	was, before := v.ports, v.conf
	if !reflect.DeepEqual(before, to.Config) {
		if err := v.core.Configure(w.aged(), to.Config); err != nil {
			return err
		}
	}
	v.plan(w, to)
	for i, p := range v.ports {
		k := slices.IndexFunc(was, func(o *switchPort) bool { return o.name == p.name })
		if k < 0 {
			continue
		}
		o := was[k]
		if o.at == p.at && o.far == p.far && o.shared == p.shared && o.attached == p.attached &&
			before.Ports[k].Initial == to.Config.Ports[i].Initial && p.at != nil && p.at.socket == o {
			*o = switchPort{sw: v, name: p.name, id: p.id, at: p.at, far: p.far, uplink: p.uplink, shared: p.shared,
				plugged: o.plugged, attached: p.attached}
			o.findInlet()
			v.ports[i], v.byID[p.id] = o, o
			continue
		}
		o.close()
	}
	v.reattach()
	return nil
}

// reattach opens what is not open, and looks at all guests.
func (v *vswitch) reattach() {
	for _, p := range v.ports {
		if p.attached && p.at.socket != p {
			p.open()
		}
	}
	for _, p := range v.ports {
		p.observe()
	}
}

// retire ends a switch.
func (v *vswitch) retire() {
	for _, p := range v.ports {
		p.close()
	}
}
