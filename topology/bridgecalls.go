package topology

import (
	"slices"

	"labctl/topology/rules"
)

// BridgeCallKeys are the values of br_netfilter that the rules of a node decide about, as [Sysctl.Key] has them.
func BridgeCallKeys() []string {
	return []string{rules.BridgeCall("iptables"), rules.BridgeCall("ip6tables"), rules.BridgeTagged}
}

// BridgeCall is a value of br_netfilter as it is in the node: the one that the lab gives, or else 1 while a loaded set
// needs it.
func (n *Node) BridgeCall(key string) Sysctl {
	out := Sysctl{Key: key, Value: "0"}
	for _, s := range n.Sysctls {
		if s.Key == key {
			out = s
		}
	}
	bridged := slices.ContainsFunc(n.Interfaces, func(i *Interface) bool { return i.Type == BridgeLink })
	if !out.Given && bridged && slices.ContainsFunc(n.Loaded(), func(set *rules.Set) bool { return set.Sees(key) }) {
		out.Value = "1"
	}
	return out
}

// BridgeCalls are the values of br_netfilter that change with the rules. What the lab gives is written with its other
// values, and stays as it is.
func BridgeCalls(o, n *Node) []Sysctl {
	var out []Sysctl
	for _, key := range BridgeCallKeys() {
		before, after := o.BridgeCall(key), n.BridgeCall(key)
		if !before.Given && !after.Given && before.Value != after.Value {
			out = append(out, after)
		}
	}
	return out
}

// BlindGuards are the port guards of a node, with what is wrong with them, that the lab's own values keep from seeing
// frames.
func (n *Node) BlindGuards() (sets []*rules.Set, why []string) {
	for _, set := range n.Rules {
		if !set.Sees(rules.BridgeTagged) {
			continue
		}
		call, tagged := n.BridgeCall(rules.BridgeCall("iptables")), n.BridgeCall(rules.BridgeTagged)
		switch {
		case call.Given && call.Value == "0":
			sets, why = append(sets, set), append(why, "has no effect: net.bridge.bridge-nf-call-iptables is 0 here, "+
				"so iptables sees nothing of what the bridge forwards; leave that value out, or write \"level: l2\"")
		case tagged.Given && tagged.Value == "0":
			sets, why = append(sets, set), append(why, "lets every frame with a VLAN tag pass: "+
				"net.bridge.bridge-nf-filter-vlan-tagged is 0 here; leave that value out, or write \"level: l2\"")
		}
	}
	return sets, why
}
