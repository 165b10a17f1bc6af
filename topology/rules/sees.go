package rules

import "slices"

// BridgeCall is the value that lets the rules of iptables or ip6tables see what a node's bridges forward
// (Documentation/networking/ip-sysctl.rst, bridge-nf-call-iptables). The hooks of IPv4 and IPv6 are iptables' and nft's
// alike.
func BridgeCall(family string) string { return "net/bridge/bridge-nf-call-" + family }

// BridgeTagged lets them look behind a VLAN tag.
const BridgeTagged = "net/bridge/bridge-nf-filter-vlan-tagged"

// Sees reports whether a set has something to see by a value of br_netfilter.
func (set *Set) Sees(key string) bool {
	table := func(families ...string) bool {
		return slices.ContainsFunc(set.Tables, func(t NFTable) bool { return slices.Contains(families, t.Family) })
	}
	lines := len(set.Lines) > 0
	switch key {
	case BridgeCall("iptables"):
		return lines && set.family() == "iptables" || table("ip", "inet")
	case BridgeCall("ip6tables"):
		return lines && set.family() == "ip6tables" || table("ip6", "inet")
	}
	return lines && set.Form == "port_guard"
}
