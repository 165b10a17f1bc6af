package topology

import "slices"

// bridgeCall is the value that lets the rules of iptables or ip6tables see what a node's bridges forward
// (Documentation/networking/ip-sysctl.rst, bridge-nf-call-iptables). The hooks of IPv4 and IPv6 are iptables' and nft's alike.
func bridgeCall(family string) string { return "net/bridge/bridge-nf-call-" + family }

// bridgeTagged lets them look behind a VLAN tag.
const bridgeTagged = "net/bridge/bridge-nf-filter-vlan-tagged"

func bridgeCallKeys() []string {
	return []string{bridgeCall("iptables"), bridgeCall("ip6tables"), bridgeTagged}
}

// sees reports whether a set has something to see by a value of br_netfilter.
func (set *RuleSet) sees(key string) bool {
	table := func(families ...string) bool {
		return slices.ContainsFunc(set.Tables, func(t NFTable) bool { return slices.Contains(families, t.Family) })
	}
	lines := len(set.Lines) > 0
	switch key {
	case bridgeCall("iptables"):
		return lines && set.family() == "iptables" || table("ip", "inet")
	case bridgeCall("ip6tables"):
		return lines && set.family() == "ip6tables" || table("ip6", "inet")
	}
	return lines && set.Form == "port_guard"
}

// bridgeCall is a value of br_netfilter as it is in the node: the one that the lab gives, or else 1 while a loaded set needs it.
func (n *Node) bridgeCall(key string) Sysctl {
	out := Sysctl{Key: key, Value: "0"}
	for _, s := range n.Sysctls {
		if s.Key == key {
			out = s
		}
	}
	bridged := slices.ContainsFunc(n.Interfaces, func(i *Interface) bool { return i.Type == BridgeLink })
	if !out.Given && bridged && slices.ContainsFunc(n.Loaded(), func(set *RuleSet) bool { return set.sees(key) }) {
		out.Value = "1"
	}
	return out
}

// bridgeCalls are the values of br_netfilter that change with the rules. What the lab gives is written with its other values, and
// stays as it is.
func bridgeCalls(o, n *Node) []Sysctl {
	var out []Sysctl
	for _, key := range bridgeCallKeys() {
		before, after := o.bridgeCall(key), n.bridgeCall(key)
		if !before.Given && !after.Given && before.Value != after.Value {
			out = append(out, after)
		}
	}
	return out
}

// blindGuards are the port guards of a node, with what is wrong with them, that the lab's own values keep from seeing frames.
func (n *Node) blindGuards() (sets []*RuleSet, why []string) {
	for _, set := range n.Rules {
		if !set.sees(bridgeTagged) {
			continue
		}
		call, tagged := n.bridgeCall(bridgeCall("iptables")), n.bridgeCall(bridgeTagged)
		switch {
		case call.Given && call.Value == "0":
			sets, why = append(sets, set), append(why, "has no effect: net.bridge.bridge-nf-call-iptables is 0 here, so iptables sees nothing of what the bridge forwards; leave that value out, or write \"level: l2\"")
		case tagged.Given && tagged.Value == "0":
			sets, why = append(sets, set), append(why, "lets every frame with a VLAN tag pass: net.bridge.bridge-nf-filter-vlan-tagged is 0 here; leave that value out, or write \"level: l2\"")
		}
	}
	return sets, why
}

// blindGuard warns of them, also of those that only steps make blind.
func (b *build) blindGuard(n *Node, path string) {
	was := b.overlay
	b.overlay = nil // which would take the warning for what it has moved elsewhere
	defer func() { b.overlay = was }()
	sets, why := n.blindGuards()
	for i, set := range sets {
		b.add(set.Pos, len(set.Name), pathKey(pathKey(path, "rules"), set.Name), why[i], true)
	}
}

// sayBlind says which guards are blind now that were not before.
func (d *differ) sayBlind(o, n *Node) {
	before, was := o.blindGuards()
	sets, why := n.blindGuards()
	for i, set := range sets {
		if !slices.ContainsFunc(before, func(b *RuleSet) bool { return b.Name == set.Name && slices.Contains(was, why[i]) }) {
			d.say(n.Name, "rules %s: warning: %s", set.Name, why[i])
		}
	}
}
