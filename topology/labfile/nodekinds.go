package labfile

import (
	"maps"
	"slices"
	"sync"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
)

// kindRow is one kind of node: all that a file may say of it.
type kindRow struct {
	name  topology.Kind
	body  nodeBody
	want  string // in messages: "want " + it
	doc   string
	fixed []grammar.Key                // that no step changes, beside those of every kind
	keys  func(set bool) []grammar.Key // in the file, or in a step's set
	hints map[string]string            // what to say of keys that one could expect in the file
	inSet map[string]string            // and in a set
	// What to say of other programs' keys, in both.
	foreign map[string]grammar.Hint
}

// kindRows are the kinds of nodes in the order of the documentation.
func kindRows() []kindRow {
	return []kindRow{
		{name: topology.Host, want: "a host", doc: "a network namespace with interfaces, like a machine",
			keys:  hostKeys,
			hints: hostHints(), foreign: foreignAtHost()},
		{name: topology.Router, want: "a router", doc: "a host that forwards", keys: hostKeys, hints: hostHints(),
			foreign: foreignAtHost()},
		bridgeRow(),
		switchRow(),
	}
}

// nodeKinds are the kinds of nodes with their shapes. They are never changed once made.
var nodeKinds = sync.OnceValue(func() []nodeKind {
	rows := kindRows()
	var words []string
	for _, r := range rows {
		words = append(words, string(r.name))
	}
	every := []grammar.Key{
		{Name: "kind", Shape: grammar.OneOf(words...)},
		{Name: "nodes", Shape: nodesShape()},
		{Name: "links", Shape: linksShape()},
		runKey(),
	}
	cannot := map[string]string{}
	for _, r := range rows {
		for _, k := range slices.Concat(every, r.fixed) {
			cannot[k.Name] = "cannot be changed while the lab is up; change the file"
		}
	}
	var out []nodeKind
	for _, r := range rows {
		inSet := maps.Clone(cannot)
		maps.Copy(inSet, r.inSet)
		out = append(out, nodeKind{name: r.name, body: r.body, doc: r.doc,
			file: &grammar.Shape{Form: grammar.Object, Want: r.want, Keys: slices.Concat(every, r.fixed, r.keys(false)),
				Hints: r.hints, Foreign: r.foreign, Instead: nodeInstead},
			set: &grammar.Shape{Form: grammar.Object, Want: r.want + "'s keys", Keys: r.keys(true), Hints: inSet,
				Foreign: r.foreign}})
	}
	return out
})

// stackKeys are the keys of everything that has addresses and routes.
func stackKeys(set bool) []grammar.Key {
	return []grammar.Key{routesKey(set), ipRulesKey(set), neighKey(set), {Name: "sysctls", Shape: sysctlsShape(set)},
		{Name: "ipv6", Shape: grammar.YesNo("this node has IPv6")}}
}

// hostKeys are the keys of a host that a step may change too.
func hostKeys(set bool) []grammar.Key {
	interfaces := grammar.Key{Name: "interfaces",
		Shape: &grammar.Shape{Form: grammar.Dict, Want: "a map from names to interfaces",
			Name: interfaceKeyName(), Of: interfaceShape(set), Instead: interfacesInstead}}
	return slices.Concat([]grammar.Key{interfaces}, valueKeys("the MAC address of the only interface"),
		[]grammar.Key{{Name: "promisc", Shape: promiscShape()}}, stackKeys(set), []grammar.Key{rulesKey(set)})
}

func hostHints() map[string]string {
	return map[string]string{
		"up": `belongs to an interface, under "interfaces"`,
	}
}

const bridgePortVLAN = `a VLAN belongs to a port: "vlan_filtering: true" and "ports: {h1: {vlan: $}}"`

func bridgeRow() kindRow {
	mac := grammar.MACOrName("the bridge device's own address; without it the bridge takes the lowest of its ports")
	own := []grammar.Key{{Name: "ip", Shape: grammar.Prefixes()}, {Name: "mac", Shape: mac},
		{Name: "mtu", Shape: mtuShape()}}
	return kindRow{name: topology.Bridge, body: bridgeBody, want: "a bridge node",
		doc: "a namespace with one Linux bridge, named like the node; every link end on it is a port",
		keys: func(set bool) []grammar.Key {
			return slices.Concat(own, stackKeys(set), bridgeKeys(nil, set), []grammar.Key{rulesKey(set)})
		},
		hints: map[string]string{
			"interfaces": `a bridge node has none: every link end on it is a port; settings of a port belong in "ports"`,
			"bridge":     "a bridge node is one bridge, and its ports are the ends of links on it",
		},
		foreign: foreign(foreignAtSwitch(bridgePortVLAN), addressHints(),
			keysOf(grammar.Hint{Say: bridgePortVLAN}, "vlan"))}
}

func switchRow() kindRow {
	row := kindRow{name: topology.VSwitch, body: switchBody, want: "a virtual switch",
		doc:   "labctl's own switch, with the port policies of vSphere and others",
		fixed: platformKeys(), keys: func(bool) []grammar.Key { return switchKeys() },
		hints: map[string]string{
			"rules":      noSwitchRules,
			"interfaces": `a virtual switch has none: every link end on it is a port; settings of a port belong in "ports"`,
			"fdb":        `a virtual switch knows its guests' addresses by itself; only a bridge has static entries`,
			"ip":         "a virtual switch has no address; give one to a node that is linked to it",
		},
		inSet:   map[string]string{"rules": noSwitchRules},
		foreign: foreignAtSwitch(`a VLAN is written "vlan: $", at the switch, a group or a port`)}
	for _, k := range groupWords() {
		const say = `unknown key; port groups belong under "groups"`
		row.hints[k], row.inSet[k] = say, say
	}
	return row
}
