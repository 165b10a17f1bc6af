package plan

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"labctl/topology"
)

// entry is one of a table, in words.
type entry struct{ key, value string }

// sayTables says which routes and permanent neighbour entries of a node are gone, changed or new, as
// "route default: via 10.0.0.1 -> -".
func (d *differ) sayTables(o, n *topology.Node) {
	d.sayEntries(n.Name, routeEntries(o), routeEntries(n))
	d.sayEntries(n.Name, neighbourEntries(o), neighbourEntries(n))
}

// sayEntries says how a table differs: what was there first, in its order, and then what is new.
func (d *differ) sayEntries(node string, before, after []entry) {
	was, is := map[string]string{}, map[string]string{}
	for _, e := range before {
		was[e.key] = e.value
	}
	for _, e := range after {
		is[e.key] = e.value
	}
	for _, e := range before {
		if is[e.key] != e.value {
			d.say(node, "%s: %s -> %s", e.key, e.value, cmp.Or(is[e.key], "-"))
		}
	}
	for _, e := range after {
		if was[e.key] == "" {
			d.say(node, "%s: - -> %s", e.key, e.value)
		}
	}
}

// routeEntries are the routes of a node in the words of ip route. Two to one destination differ in their
// table or their metric.
func routeEntries(n *topology.Node) []entry {
	var out []entry
	for _, r := range n.Routes {
		dst := r.Dst.String()
		if r.Dst.Bits() == 0 && r.Dst.Addr().Is4() {
			dst = "default"
		}
		value := strings.TrimSpace(strings.Replace(" "+routeArgs(r)+" ", " "+routeDst(r)+" ", " ", 1))
		if r.Table != 0 {
			dst += " table " + topology.TableName(r.Table)
		}
		if r.Metric != 0 {
			dst += fmt.Sprintf(" metric %d", r.Metric)
		}
		out = append(out, entry{"route " + dst, value})
	}
	return out
}

func neighbourEntries(n *topology.Node) []entry {
	var out []entry
	for _, e := range n.Neighbours {
		out = append(out, entry{fmt.Sprintf("%s: neigh %s", e.Dev, e.IP), e.MAC.String()})
	}
	return out
}

// loopback are the addresses that a node has on "lo" beside the kernel's own.
func loopback(n *topology.Node) []netip.Prefix {
	if n == nil || n.Loopback == nil {
		return nil
	}
	return n.Loopback.Addrs
}

// loopback gives a node's "lo" its addresses.
func (d *differ) loopback(n *topology.Node) {
	var was []netip.Prefix
	if !d.rebuilt[n.Name] {
		was = loopback(d.old[n.Name])
	}
	is := loopback(n)
	if slices.Equal(was, is) {
		return
	}
	if !d.rebuilt[n.Name] {
		d.say(n.Name, "%s: ip %v -> %v", topology.LoopbackName, was, is)
	}
	for _, a := range was {
		d.add(DelAddr{n.Name, topology.LoopbackName, a})
	}
	for _, a := range is {
		d.add(AddAddr{n.Name, topology.LoopbackName, a})
	}
}
