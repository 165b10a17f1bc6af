package topology

import (
	"fmt"
	"slices"
	"strings"
)

// Change is one line of what a plan does to a running lab, in words.
type Change struct {
	Node string `json:"node"`
	What string `json:"what"`
}

// NewPlan is the plan that builds the whole lab. The order is what makes it fast: namespaces, then what their links
// inherit, then all links, then hosts, and bridges up last, so that nothing is flooded to a thousand ports while they come up.
func NewPlan(lab *Lab, instance string) *Plan {
	plan, _ := Diff(&Lab{Name: lab.Name}, lab, instance)
	return plan
}

// Diff is the plan that turns a running instance of one lab into another. Nodes of both with the same kind, IPv6 and
// commands keep their namespace; what differs in them is changed in place, and only interfaces that must be made anew are.
// Changes is empty exactly if nothing differs. The settings of virtual switches are only among the changes: the kernel knows
// nothing of them.
func Diff(old, new *Lab, instance string) (*Plan, []Change) {
	d := &differ{
		old: index(old), new: index(new), rebuilt: map[string]bool{}, made: map[End]bool{}, bornUp: map[End]bool{}, readdress: map[string]bool{},
		plan: &Plan{Lab: new.Name, Instance: instance},
	}
	d.decide(old, new)
	d.remove(old, new)
	for _, n := range new.Nodes {
		if d.rebuilt[n.Name] {
			d.add(AddNamespace{n.Name})
		}
		if n.Kind == VSwitch && d.rebuilt[n.Name] {
			d.plan.Switches = append(d.plan.Switches, n.Name)
		}
	}
	for _, n := range new.Nodes {
		d.nodeSysctls(n)
	}
	d.links(new)
	d.hosts(new)
	return d.plan, d.changes
}

// Rebuild is the plan that makes the named nodes of a running lab anew, with their links. Others keep their namespaces.
func Rebuild(lab *Lab, instance string, nodes []string) *Plan {
	without := *lab
	without.Nodes = slices.Clone(lab.Nodes)
	for i, n := range without.Nodes {
		if slices.Contains(nodes, n.Name) {
			other := *n
			other.Kind = "gone"
			without.Nodes[i] = &other
		}
	}
	plan, _ := Diff(&without, lab, instance)
	return plan
}

func index(l *Lab) map[string]*Node {
	m := make(map[string]*Node, len(l.Nodes))
	for _, n := range l.Nodes {
		m[n.Name] = n
	}
	return m
}

type differ struct {
	old, new  map[string]*Node
	rebuilt   map[string]bool // nodes whose namespace is made anew
	made      map[End]bool    // interfaces that are made anew
	bornUp    map[End]bool    // interfaces that come up as they are made
	readdress map[string]bool // nodes whose addresses and routes are written anew
	plan      *Plan
	changes   []Change
}

func (d *differ) add(ops ...Op) { d.plan.Ops = append(d.plan.Ops, ops...) }

func (d *differ) say(node, format string, args ...any) {
	d.changes = append(d.changes, Change{node, fmt.Sprintf(format, args...)})
}

// decide finds which nodes and interfaces have to be made anew.
func (d *differ) decide(old, new *Lab) {
	for _, n := range old.Nodes {
		if d.new[n.Name] == nil {
			d.say(n.Name, "removed")
		}
	}
	for _, n := range new.Nodes {
		o := d.old[n.Name]
		if o == nil {
			d.rebuilt[n.Name] = true
			d.say(n.Name, "made")
		} else if why := mustRebuild(o, n); why != "" {
			d.rebuilt[n.Name] = true
			d.say(n.Name, "rebuilt: %s", why)
		} else if n.Kind == VSwitch {
			d.changes = append(d.changes, SwitchChanges(o, n)...)
		}
	}
	for _, n := range new.Nodes {
		o := d.old[n.Name]
		for _, i := range n.Interfaces {
			e := End{n.Name, i.Name}
			switch {
			case d.rebuilt[n.Name]:
				d.made[e] = true
			case o.Interface(i.Name) == nil:
				d.made[e] = true
				d.say(n.Name, "%s: made", i.Name)
			case makeup(o.Interface(i.Name)) != makeup(i):
				d.made[e] = true
				d.say(n.Name, "%s: made anew", i.Name)
			}
		}
	}
	d.spread(new)
}

// spread marks what vanishes together with an interface: the other end of a veth, and what is stacked on it.
func (d *differ) spread(new *Lab) {
	type dependent struct{ on, end End }
	var deps []dependent
	for _, n := range new.Nodes {
		for _, i := range n.Interfaces {
			switch e := (End{n.Name, i.Name}); i.Type {
			case Veth:
				deps = append(deps, dependent{i.Peer, e})
			case Macvlan, Macvtap, VLAN:
				deps = append(deps, dependent{i.Lower, e})
			}
		}
	}
	for grown := true; grown; {
		grown = false
		for _, p := range deps {
			if d.made[p.on] && !d.made[p.end] {
				d.made[p.end] = true
				grown = true
			}
		}
	}
	for e := range d.made {
		d.readdress[e.Node] = true
	}
}

// mustRebuild says why a node cannot be changed in place, or "".
func mustRebuild(o, n *Node) string {
	switch {
	case o.Kind != n.Kind && (o.Kind == Bridge || n.Kind == Bridge || o.Kind == VSwitch || n.Kind == VSwitch || o.Kind == "gone"):
		return fmt.Sprintf("kind %s -> %s", o.Kind, n.Kind)
	case n.Kind == VSwitch && platform(o) != platform(n):
		return fmt.Sprintf("profile %s -> %s", platform(o), platform(n))
	case o.IPv6 != n.IPv6:
		return fmt.Sprintf("ipv6 %v -> %v", o.IPv6, n.IPv6)
	case !slices.EqualFunc(o.Run, n.Run, func(a, b Command) bool { return a.Sh == b.Sh && a.Background == b.Background }):
		return "run: other commands"
	}
	if slices.Equal(o.Sysctls, n.Sysctls) {
		return "" // a thousand nodes, one of them changed: most comparisons end here
	}
	now := sysctlMap(n)
	for _, s := range o.Sysctls {
		if _, ok := now[s.Key]; !ok && inherited(s.Key, n, now) == "" {
			return s.Key + ": no longer given, and its default is not known"
		}
	}
	return ""
}

// makeup is what an interface cannot change without being made anew.
func makeup(i *Interface) string {
	return fmt.Sprint(i.Type, i.Peer, i.Lower, i.Mode, i.Sources, i.VLANID, i.Master)
}

func sysctlMap(n *Node) map[string]string {
	m := make(map[string]string, len(n.Sysctls))
	for _, s := range n.Sysctls {
		m[s.Key] = s.Value
	}
	return m
}

// inherited is the value an interface's own knob has when the file does not give one: that of "default", or "".
// A key of an interface that is no more goes with it, and needs no value: it reads "gone".
func inherited(key string, n *Node, now map[string]string) string {
	f := strings.Split(key, "/")
	if len(f) != 5 || f[0] != "net" {
		return ""
	}
	if n.Interface(f[3]) == nil && f[3] != "all" && f[3] != "default" {
		return "gone"
	}
	return now[strings.Join([]string{f[0], f[1], f[2], "default", f[4]}, "/")]
}

// remove takes away what is no more or must be made anew. Links go one by one before the namespaces at their other ends,
// because a namespace is emptied only some time after its name is gone, and the new link has the old one's name.
func (d *differ) remove(old, new *Lab) {
	for _, o := range old.Nodes {
		n := d.new[o.Name]
		if n == nil || d.rebuilt[o.Name] {
			continue
		}
		if !slices.Equal(o.Routes, n.Routes) || !slices.Equal(o.Neighbours, n.Neighbours) || addressed(o, n) || d.readdress[n.Name] {
			d.readdress[n.Name] = true
			for _, r := range o.Routes {
				d.add(DelRoute{o.Name, r})
			}
			for _, r := range o.Neighbours {
				d.add(DelNeighbour{o.Name, r})
			}
		}
		for k := len(o.Interfaces) - 1; k >= 0; k-- {
			i := o.Interfaces[k]
			if n.Interface(i.Name) == nil {
				d.say(n.Name, "%s: removed", i.Name)
				d.add(DelLink{n.Name, i.Name})
			} else if d.made[End{n.Name, i.Name}] {
				d.add(DelLink{n.Name, i.Name})
			}
		}
	}
	for _, o := range old.Nodes {
		if d.new[o.Name] == nil || d.rebuilt[o.Name] {
			d.add(DelNamespace{o.Name})
		}
	}
}

// addressed reports whether an address or an interface's state differs, on which the kernel's own routes depend.
func addressed(o, n *Node) bool {
	for _, i := range n.Interfaces {
		if was := o.Interface(i.Name); was != nil && (was.Up != i.Up || !slices.Equal(was.Addrs, i.Addrs)) {
			return true
		}
	}
	return false
}

// nodeSysctls writes a node's own values, before its interfaces are made, because they inherit from them.
func (d *differ) nodeSysctls(n *Node) {
	if d.rebuilt[n.Name] {
		for _, s := range n.Sysctls {
			if ofInterface(n, s.Key) == "" {
				d.add(SetSysctl{n.Name, s})
			}
		}
		d.add(SetUp{n.Name, "lo", true})
		return
	}
	if slices.Equal(d.old[n.Name].Sysctls, n.Sysctls) {
		return // those of interfaces that are made anew come with them
	}
	was := sysctlMap(d.old[n.Name])
	forwarding := "net/ipv4/ip_forward"
	// The kernel turns accept_redirects round whenever forwarding changes (net/ipv4/devinet.c, inet_forward_change).
	again := was[forwarding] != sysctlMap(n)[forwarding]
	for _, s := range n.Sysctls {
		dev := ofInterface(n, s.Key)
		if d.made[End{n.Name, dev}] {
			continue
		}
		old, ok := was[s.Key]
		if !ok {
			old = inherited(s.Key, n, was)
		}
		if old != s.Value || again && strings.HasSuffix(s.Key, "/accept_redirects") {
			if old != s.Value {
				d.say(n.Name, "sysctl %s: %s -> %s", s.Key, old, s.Value)
			}
			d.add(SetSysctl{n.Name, s})
		}
	}
	now := sysctlMap(n)
	for _, s := range d.old[n.Name].Sysctls {
		if _, ok := now[s.Key]; ok {
			continue
		}
		if v := inherited(s.Key, n, now); v != "gone" && !d.made[End{n.Name, ofInterface(n, s.Key)}] && v != s.Value {
			d.say(n.Name, "sysctl %s: %s -> %s", s.Key, s.Value, v)
			d.add(SetSysctl{n.Name, Sysctl{s.Key, v}})
		}
	}
}

// ofInterface is the interface of the node that a key belongs to, or "".
func ofInterface(n *Node, key string) string {
	f := strings.Split(key, "/")
	if len(f) == 5 && f[3] != "all" && f[3] != "default" && f[3] != "lo" && n.Interface(f[3]) != nil {
		return f[3]
	}
	return ""
}

// links makes every interface that is to be made: all bridges, then what may be a port of one or stacked on one.
func (d *differ) links(new *Lab) {
	for _, n := range new.Nodes {
		for _, i := range n.Interfaces {
			if i.Type == BridgeLink && d.made[End{n.Name, i.Name}] {
				d.add(AddBridge{n.Name, i.Name, i.MAC, i.MTU, *i.Bridge})
			}
		}
	}
	done := map[End]bool{}
	for _, n := range new.Nodes {
		for _, i := range n.Interfaces {
			d.link(n, i, done)
		}
	}
	for _, n := range new.Nodes {
		d.reattach(n)
	}
	d.changeLinks(new)
}

func (d *differ) link(n *Node, i *Interface, done map[End]bool) {
	e := End{n.Name, i.Name}
	if !d.made[e] || done[e] || i.Type == BridgeLink {
		return
	}
	done[e] = true
	if i.Type == Veth {
		peer := d.new[i.Peer.Node].Interface(i.Peer.Interface)
		near, far := i, peer
		nearNode, farNode := n.Name, i.Peer.Node
		if near.Master == "" && far.Master != "" {
			near, far, nearNode, farNode = far, near, farNode, nearNode
		}
		done[i.Peer] = true
		d.bornUp[End{nearNode, near.Name}] = near.Up
		d.add(AddVeth{vethEnd(nearNode, near), vethEnd(farNode, far)})
		if far.Master != "" {
			d.add(SetMaster{farNode, far.Name, far.Master})
		}
		return
	}
	lower := d.new[i.Lower.Node]
	d.link(lower, lower.Interface(i.Lower.Interface), done)
	d.add(AddUpper{n.Name, i.Name, i.Type, i.Lower, i.Mode, i.Sources, i.VLANID, i.MAC, i.MTU})
	if i.Master != "" {
		d.add(SetMaster{n.Name, i.Name, i.Master})
	}
}

func vethEnd(node string, i *Interface) VethEnd {
	return VethEnd{Node: node, Name: i.Name, MAC: i.MAC, MTU: i.MTU, Master: i.Master, Up: i.Up}
}

// reattach puts surviving ports back under a bridge that was made anew.
func (d *differ) reattach(n *Node) {
	for _, i := range n.Interfaces {
		if i.Master != "" && !d.made[End{n.Name, i.Name}] && d.made[End{n.Name, i.Master}] {
			d.add(SetMaster{n.Name, i.Name, i.Master})
		}
	}
}

// changeLinks changes in place what differs on interfaces, made anew or not.
func (d *differ) changeLinks(new *Lab) {
	for _, n := range new.Nodes {
		for _, i := range n.Interfaces {
			made := d.made[End{n.Name, i.Name}]
			was := freshly(i)
			if !made {
				was = d.old[n.Name].Interface(i.Name)
			}
			d.changeLink(n.Name, was, i, made)
		}
		for _, s := range n.Sysctls {
			if dev := ofInterface(n, s.Key); dev != "" && d.made[End{n.Name, dev}] {
				d.add(SetSysctl{n.Name, s})
			}
		}
	}
}

// freshly is what an interface is like right after it was made.
func freshly(i *Interface) *Interface {
	return &Interface{Name: i.Name, Type: i.Type, MAC: i.MAC, MTU: i.MTU, Bridge: i.Bridge,
		Port: &PortSettings{Learning: true, Flood: true, McastFlood: true, BcastFlood: true}}
}

// wears is the address an interface has in the end.
func (i *Interface) wears() MAC {
	if !i.EffectiveMAC.IsZero() {
		return i.EffectiveMAC
	}
	return i.MAC
}

func (d *differ) changeLink(node string, was, i *Interface, made bool) {
	say := func(what string, from, to any) {
		if !made {
			d.say(node, "%s: %s %v -> %v", i.Name, what, from, to)
		}
	}
	if was.MTU != i.MTU {
		say("mtu", was.MTU, i.MTU)
		d.add(SetMTU{node, i.Name, i.MTU})
	}
	if was.wears() != i.wears() && !i.wears().IsZero() {
		say("mac", was.wears(), i.wears())
		d.add(SetMAC{node, i.Name, i.wears()})
	}
	if was.Promisc != i.Promisc {
		say("promisc", was.Promisc, i.Promisc)
		d.add(SetPromisc{node, i.Name, i.Promisc})
	}
	if i.Bridge != nil && *was.Bridge != *i.Bridge {
		say("bridge", strings.TrimSpace(bridgeArgs(*i.Bridge, *was.Bridge)), strings.TrimSpace(bridgeArgs(*was.Bridge, *i.Bridge)))
		d.add(SetBridge{node, i.Name, *was.Bridge, *i.Bridge})
	}
	if i.Port != nil && !samePort(was.Port, i.Port) {
		op := SetPort{node, i.Name, defaultPort, *i.Port}
		if was.Port != nil {
			op.From = *was.Port
		}
		if !made {
			d.say(node, "%s: port settings", i.Name)
		}
		d.add(op)
	}
}

func samePort(a, b *PortSettings) bool {
	if a == nil {
		a = &defaultPort
	}
	x, y := *a, *b
	x.VLAN, y.VLAN = nil, nil
	if x != y || (a.VLAN == nil) != (b.VLAN == nil) {
		return false
	}
	return a.VLAN == nil || a.VLAN.PVID == b.VLAN.PVID && slices.Equal(a.VLAN.Tagged, b.VLAN.Tagged)
}

// hosts gives addresses, brings interfaces up, bridges last, and then writes what needs interfaces that are up.
func (d *differ) hosts(new *Lab) {
	for _, bridges := range []bool{false, true} {
		for _, n := range new.Nodes {
			d.addresses(n, bridges)
		}
	}
	for _, n := range new.Nodes {
		if !d.readdress[n.Name] {
			continue
		}
		for _, r := range n.Routes {
			d.add(AddRoute{n.Name, r})
		}
		for _, r := range n.Neighbours {
			d.add(AddNeighbour{n.Name, r})
		}
		if o := d.old[n.Name]; o != nil && !d.rebuilt[n.Name] && !slices.Equal(o.Routes, n.Routes) {
			d.say(n.Name, "routes")
		}
		if o := d.old[n.Name]; o != nil && !d.rebuilt[n.Name] && !slices.Equal(o.Neighbours, n.Neighbours) {
			d.say(n.Name, "neighbours")
		}
	}
	for _, n := range new.Nodes {
		d.rules(n)
	}
	for _, n := range new.Nodes {
		if d.rebuilt[n.Name] {
			for _, c := range n.Run {
				d.add(RunCommand{n.Name, c})
			}
		}
	}
}

func (d *differ) addresses(n *Node, bridges bool) {
	for _, i := range n.Interfaces {
		if bridges != (i.Type == BridgeLink) {
			continue
		}
		made, up := d.made[End{n.Name, i.Name}], d.bornUp[End{n.Name, i.Name}]
		if !made {
			was := d.old[n.Name].Interface(i.Name)
			up = was.Up
			if slices.Equal(was.Addrs, i.Addrs) && up == i.Up {
				continue
			}
			if !slices.Equal(was.Addrs, i.Addrs) {
				d.say(n.Name, "%s: ip %v -> %v", i.Name, was.Addrs, i.Addrs)
				for _, a := range was.Addrs {
					d.add(DelAddr{n.Name, i.Name, a})
				}
			}
			if up != i.Up {
				d.say(n.Name, "%s: %s", i.Name, map[bool]string{true: "up", false: "down"}[i.Up])
			}
		}
		// IPv6 addresses go when an interface goes down, so all are written again when it comes up.
		for _, a := range i.Addrs {
			d.add(AddAddr{n.Name, i.Name, a})
		}
		if up != i.Up {
			d.add(SetUp{n.Name, i.Name, i.Up})
		}
	}
}
