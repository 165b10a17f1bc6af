package plan

import (
	"net/netip"
	"slices"

	"labctl/topology"
)

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
