package labfile

import (
	"net/netip"
	"slices"

	"labctl/switchcore"
	"labctl/topology"
)

// tagged are the VLANs that a port of a bridge with VLAN filtering takes with a tag.
func tagged(n *topology.Node, port string) []switchcore.VLANRange {
	i := n.Interface(port)
	if m := n.Interface(i.Master); m == nil || m.Bridge == nil || !m.Bridge.VLANFiltering || i.Port.VLAN == nil {
		return nil
	}
	return slices.Clone(i.Port.VLAN.Tagged)
}

// vlansOn are the VLANs of the VLAN interfaces on one of the node's interfaces, on what is stacked on it, and on the
// bridge that it is a port of; with "", of all the node's.
func vlansOn(n *topology.Node, ifname string) (out []switchcore.VLANRange) {
	in := reachedBy(n, ifname)
	for _, i := range n.Interfaces {
		if i.Type == topology.VLAN && (ifname == "" || in[i.Name]) {
			out = append(out, switchcore.VLANRange{First: i.VLANID, Last: i.VLANID})
		}
	}
	return out
}

// speakers are the MACs and the addresses that a node uses on one of its interfaces, with what is stacked on it and the
// bridge that it is a port of; with "", on any interface that has an address, or on all if none has.
func speakers(n *topology.Node, ifname string) (macs []switchcore.MAC, addrs []netip.Prefix) {
	in := reachedBy(n, ifname)
	addressed := slices.ContainsFunc(n.Interfaces, func(i *topology.Interface) bool { return len(i.Addrs) > 0 })
	for _, i := range n.Interfaces {
		if !in[i.Name] && (ifname != "" || addressed && len(i.Addrs) == 0) {
			continue
		}
		addrs = append(addrs, i.Addrs...)
		if !i.MAC.IsZero() {
			macs = append(macs, i.MAC)
			continue
		}
		for _, p := range n.Interfaces { // the kernel takes the lowest
			if p.Master == i.Name && !p.MAC.IsZero() {
				macs = append(macs, p.MAC)
			}
		}
	}
	return macs, addrs
}

// reachedBy are an interface, what is stacked on it, and the bridge that it is a port of.
func reachedBy(n *topology.Node, ifname string) map[string]bool {
	in := map[string]bool{ifname: true}
	if i := n.Interface(ifname); i != nil && i.Master != "" {
		in[i.Master] = true
	}
	for _, i := range n.Interfaces { // a lower one is before its upper
		if i.Lower.Node == n.Name && in[i.Lower.Interface] {
			in[i.Name] = true
		}
	}
	return in
}
