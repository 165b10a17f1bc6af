package labfile

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"labctl/topology"
	"labctl/topology/problem"
)

// fileGrammar is the format as data: what check accepts and what [Schema] prints.
type fileGrammar struct {
	top  *shape
	kind map[topology.Kind]nodeKind
}

// nodeKind is one kind of node.
type nodeKind struct {
	doc  string
	file *shape // in "nodes"
	set  *shape // in a step's "set" and in "cases"
}

// nodeKinds are the kinds of nodes in the order of the documentation.
func nodeKinds() []topology.Kind {
	return []topology.Kind{topology.Host, topology.Router, topology.Bridge, topology.VSwitch}
}

// format1 is the only format. It is never changed once made.
var format1 = sync.OnceValue(func() *fileGrammar {
	host, bridge := append(hostKeys(false), rulesKey(false)), append(bridgeKeys(false), rulesKey(false))
	hostSet, bridgeSet := append(hostKeys(true), rulesKey(true)), append(bridgeKeys(true), rulesKey(true))
	inSet := map[string]string{}
	for _, k := range []string{"kind", "nodes", "links", "run"} {
		inSet[k] = "cannot be changed while the lab is up; change the file"
	}
	hostHint := map[string]string{
		"ports":   `a host has no "ports" of its own; they stand beside "bridge:" of an interface`,
		"up":      `stands with an interface, under "interfaces"`,
		"address": `write "ip"`,
	}
	bridgeHint := map[string]string{
		"interfaces": `a bridge node has none: every link end on it is a port; what is to be said of a port stands in "ports"`,
		"bridge":     "a bridge node is one bridge, and its ports are the ends of links on it",
	}
	for _, k := range []string{"profile", "uplinks"} {
		inSet[k] = "cannot be changed while the lab is up; change the file"
	}
	switchSetHint := maps.Clone(inSet)
	switchSetHint["rules"] = noSwitchRules
	switchHint := map[string]string{
		"rules":      noSwitchRules,
		"interfaces": `a virtual switch has none: every link end on it is a port; what is to be said of a port stands in "ports"`,
		"fdb":        `a virtual switch knows its guests' addresses by itself; only a bridge has static entries`,
		"ip":         "a virtual switch has no address; give one to a node that is linked to it",
	}
	for _, k := range groupWords() {
		switchHint[k], switchSetHint[k] = `unknown key; port groups stand under "groups"`, `unknown key; port groups stand under "groups"`
	}
	fixed := nodeFixed()
	platform := []shapeKey{
		{name: "profile", shape: &shape{form: formText, want: problem.OrList(topology.ProfileNames()), word: topology.ProfileNames(), doc: "what kind of switch it is; standard if not given"}},
		{name: "uplinks", shape: &shape{form: formList, want: "a list of ports", of: interfaceName(), doc: "ports that lead out: link ends, or interfaces of the node that holds the switch"}},
	}
	g := &fileGrammar{kind: map[topology.Kind]nodeKind{
		topology.Host: {"a network namespace with interfaces, like a machine",
			&shape{form: formObject, want: "a host", keys: slices.Concat(fixed, host), hint: hostHint}, &shape{form: formObject, want: "a host's keys", keys: hostSet, hint: inSet}},
		topology.Router: {"a host that forwards",
			&shape{form: formObject, want: "a router", keys: slices.Concat(fixed, host), hint: hostHint}, &shape{form: formObject, want: "a router's keys", keys: hostSet, hint: inSet}},
		topology.Bridge: {"a namespace with one Linux bridge, named like the node; every link end on it is a port",
			&shape{form: formObject, want: "a bridge node", keys: slices.Concat(fixed, bridge), hint: bridgeHint}, &shape{form: formObject, want: "a bridge node's keys", keys: bridgeSet, hint: inSet}},
		topology.VSwitch: {"labctl's own switch, with the port policies of vSphere and others",
			&shape{form: formObject, want: "a virtual switch", keys: slices.Concat(fixed, platform, vswitchKeys()), hint: switchHint},
			&shape{form: formObject, want: "a virtual switch's keys", keys: vswitchKeys(), hint: switchSetHint}},
	}}
	g.top = topShape()
	return g
})

func oneLine(what string, longest int) *shape {
	return &shape{form: formText, want: what, max: longest, re: regexp.MustCompile(`^[^\n]+$`)}
}

func yesNo(doc string) *shape { return &shape{form: formBool, want: "true or false", doc: doc} }

func numberOf(want string, low, high int) *shape {
	return &shape{form: formNumber, want: want, min: low, max: high}
}

// addressPattern is what an address looks like, as far as an editor has to know.
const addressPattern = `[0-9]{1,3}(\.[0-9]{1,3}){3}|([0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}|[0-9a-fA-F:]*::[0-9a-fA-F:.]*`

func address() *shape {
	return &shape{form: formText, want: "an address", test: addressText, re: regexp.MustCompile(`^(` + addressPattern + `)$`)}
}

func prefix() *shape {
	return &shape{form: formText, want: "a prefix, as 192.168.0.1/24", test: prefixText, re: regexp.MustCompile(`^(` + addressPattern + `)/[0-9]+$`)}
}

func prefixList() *shape {
	return &shape{form: formEither, want: "a prefix, as 192.168.0.1/24, or a list of prefixes", doc: "addresses with their lengths, in the order in which they are added",
		any: []*shape{prefix(), {form: formList, want: "a list of prefixes", of: prefix()}}}
}

func mac() *shape {
	return &shape{form: formText, want: "a MAC address", test: macText, re: regexp.MustCompile(`^[0-9a-f]{2}(:[0-9a-f]{2}){5}$`)}
}

func macOrName(doc string) *shape {
	return &shape{form: formText, want: "a MAC address or a name", doc: doc, test: macOrNameText, max: maxWord,
		re: regexp.MustCompile(`^([0-9a-f]{2}(:[0-9a-f]{2}){5}|[A-Za-z][A-Za-z0-9_-]*)$`)}
}

func duration(doc string) *shape {
	return &shape{form: formText, want: "a duration, as 30s", doc: doc, test: durationText, re: durationRE}
}

// ticks is a time that a bridge counts in hundredths of a second (linux/if_link.h), within the kernel's bounds.
func ticks(low, high time.Duration, doc string) *shape {
	s := duration(doc)
	s.test = func(v string) string {
		if why := durationText(v); why != "" {
			return why
		}
		d, _ := time.ParseDuration(v)
		if d < low || d > high {
			return fmt.Sprintf("%s does not fit; the kernel takes %s to %s", v, low, high)
		}
		if d%(10*time.Millisecond) != 0 {
			return fmt.Sprintf("%s does not fit; a bridge counts in steps of 10ms", v)
		}
		return ""
	}
	return s
}

func anyText(want string) *shape {
	return &shape{form: formText, want: want, re: regexp.MustCompile(`.`)}
}

func mtu() *shape {
	s := numberOf("an MTU from 68 to 65535", 68, 65535)
	s.doc = "the longest packet, in bytes"
	return s
}

func topShape() *shape {
	names := &shape{form: formDict, want: "names with their addresses", name: wordName("an address"), doc: "names for addresses that are nobody's, or that several nodes hold on purpose",
		of: &shape{form: formObject, min: 1, want: "{ip, mac}", keys: []shapeKey{{name: "ip", shape: address()}, {name: "mac", shape: mac()}}}}
	return &shape{form: formObject, want: "a lab file", keys: []shapeKey{
		{name: "format", must: true, shape: numberOf("1", 1, 1)},
		{name: "lab", must: true, shape: nameShape("a lab", patternLab, maxLabName, nil)},
		{name: "about", shape: oneLine("one line of at most 100 characters", 100)},
		{name: "needs", shape: &shape{form: formList, want: "a list of programs", min: 1, doc: "programs that commands of the lab run, and extensions of iptables (xtables:NAME); where one is not installed the lab is skipped",
			of: &shape{form: formText, want: "the name of a program, as nft, or of an extension of iptables, as xtables:TARPIT", max: 100, re: regexp.MustCompile(`^(xtables:)?[A-Za-z0-9_][A-Za-z0-9_.+-]*$`)}}},
		{name: "sysctls", shape: sysctlsShape()},
		{name: "ipv6", shape: yesNo("every node has IPv6")},
		{name: "mtu", shape: mtu()},
		{name: "timers", shape: &shape{form: formText, want: "kernel", word: []string{"kernel"}, doc: "the neighbour timers are the kernel's"}},
		{name: "names", shape: names},
		{name: "nodes", must: true, shape: withLeast(nodesShape(), 1)},
		{name: "links", shape: linksShape()},
		{name: "expect", shape: expectShape(false)},
		{name: "steps", shape: &shape{form: formList, want: "a list of steps", of: stepShape()}},
	}}
}

func nodesShape() *shape {
	return &shape{form: formDict, want: "a map from names to nodes", def: "nodes", name: nameShape("a node", patternNode, topology.MaxInterface, reserved())}
}

func linksShape() *shape {
	return &shape{form: formList, want: "a list of links", doc: `cables: "a -- b", "a b c -- s1", "h0:eth1 -- s1:port"`,
		of: &shape{form: formText, want: `a link, as "h0 -- s1"`, re: regexp.MustCompile(` -- `), test: linkText}}
}

// nodeFixed are the keys of every kind that no step changes.
func nodeFixed() []shapeKey {
	words := make([]string, 0, 4)
	for _, k := range nodeKinds() {
		words = append(words, string(k))
	}
	run := &shape{form: formEither, want: "a command or {sh, background, ready, timeout}", any: []*shape{
		anyText("a command"),
		{form: formObject, want: "{sh, background, ready, timeout}", keys: append([]shapeKey{
			{name: "sh", must: true, shape: anyText("a command")},
			{name: "background", shape: yesNo("a server: it goes on while the lab does")}}, readyKeys()...)}}}
	return []shapeKey{
		{name: "kind", shape: &shape{form: formText, want: problem.OrList(words), word: words}},
		{name: "nodes", shape: nodesShape()},
		{name: "links", shape: linksShape()},
		{name: "run", shape: &shape{form: formList, want: "a list of commands", of: run, doc: "commands at start-up, in order; each must exit 0"}},
	}
}

// stackKeys are the keys of everything that has addresses and routes.
func stackKeys() []shapeKey {
	gateway := address()
	gateway.want = "a gateway: an address"
	route := &shape{form: formEither, want: "a gateway: an address, or {via, dev, metric, src, onlink, type}", any: []*shape{gateway,
		{form: formList, want: "two gateways, of IPv4 and IPv6", of: gateway, min: 1, max: 2},
		{form: formObject, want: "{via, dev, metric, src, onlink, type}", keys: []shapeKey{
			{name: "via", shape: address()}, {name: "dev", shape: interfaceName()},
			{name: "metric", shape: numberOf("a metric from 1 to 999999999", 1, 999999999)},
			{name: "src", shape: address()}, {name: "onlink", shape: yesNo("the gateway is believed to be on the link")},
			{name: "type", shape: &shape{form: formText, want: "unicast, blackhole, unreachable or prohibit", word: []string{"unicast", "blackhole", "unreachable", "prohibit"}}}}}}}
	return []shapeKey{
		{name: "routes", shape: &shape{form: formDict, want: "a map from destinations to gateways", of: route, doc: "default or a prefix: its gateway",
			name: &shape{form: formText, want: "default or a prefix", test: routeText, re: regexp.MustCompile(`^(default|(` + addressPattern + `)/[0-9]+)$`)}}},
		{name: "neigh", shape: &shape{form: formDict, want: "a map from addresses to MACs", of: macOrName(""), name: address(), doc: "permanent neighbour entries"}},
		{name: "sysctls", shape: sysctlsShape()},
		{name: "ipv6", shape: yesNo("this node has IPv6")},
	}
}

func hostKeys(set bool) []shapeKey {
	return append([]shapeKey{
		{name: "interfaces", shape: &shape{form: formDict, want: "a map from names to interfaces", name: interfaceName(), of: interfaceShape(set)}},
		{name: "ip", shape: prefixList()},
		{name: "mac", shape: macOrName("the MAC address of the only interface")},
		{name: "effective_mac", shape: macOrName("what the guest's own root has set instead")},
		{name: "mtu", shape: mtu()},
		{name: "promisc", shape: yesNo("a sniffer left running")},
	}, stackKeys()...)
}

func bridgeKeys(set bool) []shapeKey {
	keys := append([]shapeKey{
		{name: "ip", shape: prefixList()},
		{name: "mac", shape: macOrName("the bridge device's own address; without it the bridge takes the lowest of its ports")},
		{name: "mtu", shape: mtu()},
	}, stackKeys()...)
	return append(keys, bridgeSettings(nil)...)
}

func interfaceShape(set bool) *shape {
	made := []string{"bridge", "veth", "macvlan", "macvtap", "vlan"}
	beside := func(words ...string) []string {
		if set { // it may stand in the file already
			return nil
		}
		return words
	}
	bars := func(i int) []string { return made[:i] }
	lower := func(doc string) *shape {
		return &shape{form: formText, want: "an interface, as eth0 or node:eth0", doc: doc,
			re: regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_.-]*:)?[A-Za-z][A-Za-z0-9_.-]*$`)}
	}
	mode := &shape{form: formText, want: "bridge, private, vepa, passthru or source", word: []string{"bridge", "private", "vepa", "passthru", "source"}}
	keys := []shapeKey{
		{name: "bridge", shape: &shape{form: formList, want: "a list of ports", of: interfaceName(), max: maxPorts, doc: "a Linux bridge with these ports"}},
		{name: "veth", bars: bars(1), shape: withDoc(interfaceName(), "both ends of a veth pair in this node: the other one")},
		{name: "macvlan", bars: bars(2), shape: lower("a macvlan on this interface")},
		{name: "macvtap", bars: bars(3), shape: lower("a macvtap on this interface")},
		{name: "vlan", bars: bars(4), needs: beside("id"), shape: lower("a VLAN interface on this interface")},
		{name: "mode", needs: beside("macvlan", "macvtap"), shape: mode},
		{name: "sources", needs: beside("mode"), shape: &shape{form: formList, want: "a list of MAC addresses", of: macOrName("")}},
		{name: "id", needs: beside("vlan"), shape: numberOf("a VLAN from 1 to 4094", 1, 4094)},
		{name: "ip", shape: prefixList()},
		{name: "mac", shape: macOrName("derived when not given")},
		{name: "effective_mac", shape: macOrName("what the guest's own root has set instead")},
		{name: "mtu", shape: mtu()},
		{name: "up", shape: yesNo("administratively up")},
		{name: "promisc", shape: yesNo("a sniffer left running")},
	}
	keys = append(keys, bridgeSettings(beside("bridge"))...)
	return &shape{form: formEither, want: "addresses or an interface's keys", any: []*shape{
		prefix(), {form: formList, want: "a list of prefixes", of: prefix()},
		{form: formObject, want: "an interface", keys: keys, hint: map[string]string{
			"kind": "an interface is made by a link, or by bridge, veth, macvlan, macvtap or vlan",
			"type": "an interface is made by a link, or by bridge, veth, macvlan, macvtap or vlan"}}}}
}

func withLeast(s *shape, n int) *shape { s.min = n; return s }

func withDoc(s *shape, doc string) *shape { s.doc = doc; return s }

// maxPorts is the number of ports of a Linux bridge (BR_MAX_PORTS of net/bridge/br_private.h, port 0 being none).
const maxPorts = 1023

// bridgeSettings are the keys of section 3.3.
func bridgeSettings(needs []string) []shapeKey {
	mask := numberOf("a mask from 0 to 65528 without bits 0 to 2, which the kernel refuses", 0, 65528)
	mask.step = 8
	keys := []shapeKey{
		{name: "ageing", shape: ticks(0, maxDuration, "how long a learned address is kept; 0s makes a hub")},
		{name: "stp", shape: yesNo("spanning tree")},
		{name: "forward_delay", shape: ticks(2*time.Second, 30*time.Second, "how long a port of a spanning tree listens, and then learns, before it forwards (default 15s)")},
		{name: "hello_time", shape: ticks(time.Second, 10*time.Second, "how often the root of the spanning tree sends (default 2s)")},
		{name: "max_age", shape: ticks(6*time.Second, 40*time.Second, "how long a port of a spanning tree believes what it heard (default 20s)")},
		{name: "vlan_filtering", shape: yesNo("ports have VLANs")},
		{name: "mcast_snooping", shape: yesNo("multicast goes to those who asked for it (default true)")},
		{name: "group_fwd_mask", shape: mask},
		{name: "priority", shape: numberOf("a priority from 0 to 65535", 0, 65535)},
		{name: "ports", shape: &shape{form: formDict, want: "a map from ports to their settings", name: interfaceName(), of: portShape(), max: maxPorts}},
		{name: "fdb", shape: fdbShape()},
	}
	for i := range keys {
		keys[i].needs = needs
	}
	return keys
}

func portShape() *shape {
	keys := []shapeKey{}
	for _, k := range []string{"learning", "flood", "mcast_flood", "bcast_flood", "isolated", "hairpin", "locked", "bpdu_guard", "up"} {
		keys = append(keys, shapeKey{name: k, shape: yesNo("")})
	}
	vlans := &shape{form: formText, want: `VLANs, as "10,20-30"`, test: vlansText, re: vlansRE}
	return &shape{form: formObject, want: "a port", keys: append(keys,
		shapeKey{name: "mtu", shape: mtu()},
		shapeKey{name: "cost", shape: numberOf("a cost from 1 to 65535", 1, 65535)},
		shapeKey{name: "vlan", shape: &shape{form: formEither, want: `a VLAN (untagged), "10,20-30" (tagged) or {pvid, tagged}`, any: []*shape{
			numberOf("a VLAN from 1 to 4094", 1, 4094), vlans,
			{form: formObject, want: "{pvid, tagged}", keys: []shapeKey{
				{name: "pvid", shape: numberOf("a VLAN from 1 to 4094", 1, 4094)}, {name: "tagged", shape: vlans}}}}}})}
}

func sysctlsShape() *shape {
	value := &shape{form: formEither, want: "a number or text", any: []*shape{numberOf("a number", 0, 999999999), anyText("a text")}}
	return &shape{form: formDict, want: "a map from names to values", of: value, doc: "a short name (rp_filter) or a full one (net.ipv4.ip_default_ttl)",
		name: &shape{form: formText, want: "a sysctl", test: sysctlText, re: regexp.MustCompile(`^(` + strings.Join(shortNames(), "|") + `|net[./][A-Za-z0-9_./-]+)$`)}}
}
