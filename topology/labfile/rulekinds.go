package labfile

import (
	"regexp"

	"labctl/topology/rules"
)

const noSwitchRules = "what a virtual switch forwards passes no rules of the kernel; write them at a node that is linked to it"

// rulesKey is "rules" of a node, in the file or in a step's set.
func rulesKey(set bool) shapeKey {
	text := func(doc string) *shape {
		return &shape{form: formText, want: `lines of text, after "|"`, doc: doc, re: regexp.MustCompile(`[^ \n]`)}
	}
	forms := map[string]*shape{
		"iptables":   text("commands of iptables, one a line; the comment at the end of a line is the rule's name"),
		"ip6tables":  text("the same for IPv6"),
		"nft":        text("what nft -f reads; the comment of a rule is its name"),
		"port_guard": guardShape(),
	}
	keys := []shapeKey{{name: "load", shape: yesNo("loaded as soon as the node is there (default true)")}}
	for i, f := range rules.RuleForms() {
		k := shapeKey{name: f, shape: forms[f], bars: rules.RuleForms()[:i]}
		keys = append(keys, k)
	}
	level := shapeKey{name: "level", shape: &shape{form: formText, want: "l2 or l3", word: []string{"l2", "l3"},
		doc: "l2 (default) stops forged frames and ARP, l3 only IPv4 packets"}}
	if !set { // it may stand in the file already
		level.needs = []string{"port_guard"}
	}
	name := nameShape("a rule set", patternNode, maxWord, append(emptied(), "interfaces"))
	return shapeKey{name: "rules", shape: &shape{form: formDict, want: "a map from rule sets to their rules", name: name, doc: "what the node filters",
		of: &shape{form: formObject, want: "a rule set: one of iptables, ip6tables, nft, port_guard", keys: append(keys, level)}}}
}

// guardShape is "port_guard": who is behind which port.
func guardShape() *shape {
	one := func() *shape {
		return &shape{form: formText, want: "a node, node:interface or a name", re: regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*(:[A-Za-z][A-Za-z0-9_.-]*)?$`)}
	}
	ip := func() *shape {
		return &shape{form: formText, want: "an address or a prefix of IPv4", test: guardIPText,
			re: regexp.MustCompile(`^[0-9]{1,3}(\.[0-9]{1,3}){3}(/[0-9]+)?$`)}
	}
	pair := func() *shape {
		return &shape{form: formObject, min: 1, want: "{mac, ip}", keys: []shapeKey{
			{name: "mac", shape: &shape{form: formEither, want: "a MAC address, a name, or a list of them", any: []*shape{macOrName(""),
				{form: formList, want: "a list of MAC addresses", of: macOrName(""), min: 1}}}},
			{name: "ip", shape: &shape{form: formEither, want: "an address, a prefix or a list of them", any: []*shape{ip(),
				{form: formList, want: "a list of addresses", of: ip(), min: 1}}}}}}
	}
	either := func() *shape {
		return &shape{form: formEither, want: "a node or {mac, ip}", any: []*shape{one(), pair()}}
	}
	return &shape{form: formDict, want: "a map from ports to who is behind them", name: interfaceName(), min: 1, max: maxPorts,
		doc: "ports tied to the addresses of the nodes behind them",
		of: &shape{form: formEither, want: "a node, {mac, ip}, or a list of them", any: []*shape{one(), pair(),
			{form: formList, want: "a list of nodes", of: either(), min: 1}}}}
}
