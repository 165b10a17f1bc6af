package plan

import (
	"fmt"
	"slices"

	"labctl/topology"
)

// Change is one line of what a plan does to a running lab, in words.
type Change struct {
	Node string `json:"node"`
	What string `json:"what"`
}

// New is the plan that builds the whole lab. The order is what makes it fast: namespaces, then what their links
// inherit, then all links, then hosts, and bridges up last, so that nothing is flooded to a thousand ports while they
// come up.
func New(lab *topology.Lab, instance string) *Plan {
	plan, _ := Diff(&topology.Lab{Name: lab.Name}, lab, instance)
	return plan
}

// Diff is the plan that turns a running instance of one lab into another. Nodes of both with the same kind, IPv6 and
// commands keep their namespace; what differs in them is changed in place, and only interfaces that must be rebuilt
// are. Changes is empty exactly if nothing differs. The settings of virtual switches are only among the changes: the
// kernel knows nothing of them.
func Diff(old, new *topology.Lab, instance string) (*Plan, []Change) {
	d := &differ{
		old: index(old), new: index(new), rebuilt: map[string]bool{}, made: map[topology.End]bool{},
		bornUp: map[topology.End]bool{}, readdress: map[string]bool{},
		plan: &Plan{Lab: new.Name, Instance: instance},
	}
	d.decide(old, new)
	d.remove(old, new)
	for _, n := range new.Nodes {
		if d.rebuilt[n.Name] {
			d.add(AddNamespace{n.Name})
		}
		if n.Kind == topology.VSwitch && d.rebuilt[n.Name] {
			d.plan.Switches = append(d.plan.Switches, n.Name)
		}
	}
	for _, n := range new.Nodes {
		d.nodeSysctls(n)
	}
	d.dropTunnelEntries(new)
	d.links(new)
	d.staticEntries(new)
	d.addTunnelEntries(new)
	d.hosts(new)
	return d.plan, d.changes
}

// Rebuild is the plan that rebuilds the named nodes of a running lab, with their links. Others keep their namespaces.
func Rebuild(lab *topology.Lab, instance string, nodes []string) *Plan {
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

// Renew is the plan that rebuilds a whole lab, after the named namespaces, whatever there is in them, were let go.
func Renew(have []string, lab *topology.Lab, instance string) *Plan {
	was := &topology.Lab{Name: lab.Name}
	for _, name := range have {
		was.Nodes = append(was.Nodes, &topology.Node{Name: name, Kind: "gone"})
	}
	plan, _ := Diff(was, lab, instance)
	return plan
}

func index(l *topology.Lab) map[string]*topology.Node {
	m := make(map[string]*topology.Node, len(l.Nodes))
	for _, n := range l.Nodes {
		m[n.Name] = n
	}
	return m
}

type differ struct {
	old, new  map[string]*topology.Node
	rebuilt   map[string]bool       // nodes whose namespace is rebuilt
	made      map[topology.End]bool // interfaces that are rebuilt
	bornUp    map[topology.End]bool // interfaces that come up as they are made
	readdress map[string]bool       // nodes whose addresses and routes are written again
	plan      *Plan
	changes   []Change
}

func (d *differ) add(ops ...Op) { d.plan.Ops = append(d.plan.Ops, ops...) }

func (d *differ) say(node, format string, args ...any) {
	d.changes = append(d.changes, Change{node, fmt.Sprintf(format, args...)})
}

// decide finds which nodes and interfaces have to be rebuilt.
func (d *differ) decide(old, new *topology.Lab) {
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
		} else if n.Kind == topology.VSwitch {
			d.changes = append(d.changes, SwitchChanges(o, n)...)
		}
	}
	for _, n := range new.Nodes {
		o := d.old[n.Name]
		for _, i := range n.Interfaces {
			e := topology.End{Node: n.Name, Interface: i.Name}
			switch {
			case d.rebuilt[n.Name]:
				d.made[e] = true
			case o.Interface(i.Name) == nil:
				d.made[e] = true
				d.say(n.Name, "%s: made", i.Name)
			case makeup(o.Interface(i.Name)) != makeup(i):
				d.made[e] = true
				d.say(n.Name, "%s: rebuilt", i.Name)
			}
		}
	}
	d.spread(new)
}

// spread marks what vanishes together with an interface: the other end of a veth, and what is stacked on it.
func (d *differ) spread(new *topology.Lab) {
	type dependent struct{ on, end topology.End }
	var deps []dependent
	for _, n := range new.Nodes {
		for _, i := range n.Interfaces {
			switch e := (topology.End{Node: n.Name, Interface: i.Name}); i.Type {
			case topology.Veth:
				deps = append(deps, dependent{i.Peer, e})
			case topology.Macvlan, topology.Macvtap, topology.VLAN, topology.IPVLAN, topology.VXLANLink:
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
func mustRebuild(o, n *topology.Node) string {
	switch {
	case o.Kind != n.Kind && (o.Kind == topology.Bridge || n.Kind == topology.Bridge || o.Kind == topology.VSwitch ||
		n.Kind == topology.VSwitch || o.Kind == "gone"):
		return fmt.Sprintf("kind %s -> %s", o.Kind, n.Kind)
	case n.Kind == topology.VSwitch && platform(o) != platform(n):
		return fmt.Sprintf("profile %s -> %s", platform(o), platform(n))
	case o.IPv6 != n.IPv6:
		return fmt.Sprintf("ipv6 %v -> %v", o.IPv6, n.IPv6)
	case !slices.EqualFunc(o.Run, n.Run, topology.Command.Same):
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

// makeup is what an interface cannot change without being rebuilt.
func makeup(i *topology.Interface) string {
	return fmt.Sprint(i.Type, i.Peer, i.Lower, i.Mode, i.Flags, i.Sources, i.VLANID, i.VXLAN.Fixed(), i.Master)
}

// remove takes away what is no more or must be rebuilt. Links go one by one before the namespaces at their other
// ends, because a namespace is emptied only some time after its name is gone, and the new link has the old one's name.
func (d *differ) remove(old, new *topology.Lab) {
	for _, o := range old.Nodes {
		n := d.new[o.Name]
		if n == nil || d.rebuilt[o.Name] {
			continue
		}
		if !slices.EqualFunc(o.Routes, n.Routes, topology.Route.Same) ||
			!slices.Equal(o.Neighbours, n.Neighbours) || addressed(o, n) ||
			d.readdress[n.Name] {
			d.readdress[n.Name] = true
		}
		d.dropIPRules(o, n)
		if d.readdress[n.Name] {
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
			} else if d.made[topology.End{Node: n.Name, Interface: i.Name}] {
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
func addressed(o, n *topology.Node) bool {
	if !slices.Equal(loopback(o), loopback(n)) {
		return true
	}
	for _, i := range n.Interfaces {
		if was := o.Interface(i.Name); was != nil && (was.Up != i.Up || !slices.Equal(was.Addrs, i.Addrs)) {
			return true
		}
	}
	return false
}

// hosts gives addresses, brings interfaces up, bridges last, and then writes what needs interfaces that are up.
func (d *differ) hosts(new *topology.Lab) {
	for _, n := range new.Nodes {
		d.loopback(n)
	}
	for _, bridges := range []bool{false, true} {
		for _, n := range new.Nodes {
			d.addresses(n, bridges)
		}
	}
	for _, n := range new.Nodes {
		if !d.readdress[n.Name] {
			continue
		}
		for _, r := range routesThatHold(n) {
			d.add(AddRoute{n.Name, r})
		}
		for _, r := range n.Neighbours {
			d.add(AddNeighbour{n.Name, r})
		}
		if o := d.old[n.Name]; o != nil && !d.rebuilt[n.Name] {
			d.sayTables(o, n)
		}
	}
	for _, n := range new.Nodes {
		d.addIPRules(n)
		d.rules(n)
	}
	d.commands(new.Nodes)
}

// commands runs those of fresh nodes. A server is waited for before the next command of its node, which may count on
// it; what remains is waited for at the end, since servers of several nodes may need each other.
func (d *differ) commands(nodes []*topology.Node) {
	var last []Op
	for _, n := range nodes {
		if !d.rebuilt[n.Name] {
			continue
		}
		var begun Op
		for _, c := range n.Run {
			if begun != nil {
				d.add(begun)
				begun = nil
			}
			d.add(RunCommand{n.Name, c})
			if c.Ready.Kind != "" {
				begun = AwaitReady{n.Name, c}
			}
		}
		if begun != nil {
			last = append(last, begun)
		}
	}
	for _, op := range last {
		d.add(op)
	}
}

func (d *differ) addresses(n *topology.Node, bridges bool) {
	for _, i := range n.Interfaces {
		if bridges != (i.Type == topology.BridgeLink) {
			continue
		}
		made, up := d.made[topology.End{Node: n.Name, Interface: i.Name}],
			d.bornUp[topology.End{Node: n.Name, Interface: i.Name}]
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
