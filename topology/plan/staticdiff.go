package plan

import (
	"cmp"
	"fmt"

	"labctl/switchcore"
	"labctl/topology"
)

// staticEntries takes away forwarding entries that are no more, and adds those that are new, or that went with their
// port.
func (d *differ) staticEntries(new *topology.Lab) {
	for _, n := range new.Nodes {
		for _, i := range n.Interfaces {
			if i.Bridge == nil {
				continue
			}
			var was []topology.StaticEntry
			if !d.made[topology.End{Node: n.Name, Interface: i.Name}] {
				was = d.old[n.Name].Interface(i.Name).Static
			}
			d.staticOf(n, i, was)
		}
	}
}

func (d *differ) staticOf(n *topology.Node, br *topology.Interface, was []topology.StaticEntry) {
	made := d.made[topology.End{Node: n.Name, Interface: br.Name}]
	now := map[switchcore.MAC]string{}
	for _, e := range br.Static {
		now[e.MAC] = e.Port
	}
	before := map[switchcore.MAC]string{}
	for _, e := range was {
		before[e.MAC] = e.Port
		if now[e.MAC] == "" {
			d.say(n.Name, "%s: fdb %s: %s -> -", br.Name, e.MAC, e.Port)
			d.add(DelStatic{n.Name, br.Name, e})
		}
	}
	for _, e := range br.Static {
		old := before[e.MAC]
		if old != e.Port && !made {
			d.say(n.Name, "%s: fdb %s: %s -> %s", br.Name, e.MAC, cmp.Or(old, "-"), e.Port)
		}
		if old != e.Port || d.lostStatic(n, e.Port) {
			d.add(AddStatic{n.Name, br.Name, e})
		}
	}
}

// lostStatic reports whether a port comes without the entries that it had: it was made again, or its VLANs are others,
// for each of which the kernel has an entry of its own (br_fdb_add, net/bridge/br_fdb.c).
func (d *differ) lostStatic(n *topology.Node, port string) bool {
	if d.made[topology.End{Node: n.Name, Interface: port}] {
		return true
	}
	was, now := d.old[n.Name].Interface(port).Port, n.Interface(port).Port
	return !samePort(&topology.PortSettings{VLAN: was.VLAN}, &topology.PortSettings{VLAN: now.VLAN})
}

func (o AddStatic) shell(ns func(string) string) string {
	return fmt.Sprintf("bridge -n %s fdb replace %s dev %s master static", ns(o.Node), o.MAC, o.Port)
}

func (o DelStatic) shell(ns func(string) string) string {
	return tolerant(fmt.Sprintf("bridge -n %s fdb del %s dev %s master", ns(o.Node), o.MAC, o.Port))
}
