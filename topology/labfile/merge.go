package labfile

import (
	"slices"

	"go.yaml.in/yaml/v4"
)

// emptied are the maps that an empty map empties; elsewhere it says nothing.
func emptied() []string { return []string{"routes", "neigh", "sysctls", "ports", "fdb", "rules"} }

// laidOver merges key by key: maps are merged, all else replaces what was there. Neither argument changes.
func laidOver(was, set *yaml.Node) *yaml.Node {
	out := merge(was, set, "")
	if list := field(out, "interfaces"); list != nil {
		out = oncePerKey(out, list, set)
	}
	return out
}

func merge(was, set *yaml.Node, name string) *yaml.Node {
	if was == nil || set.Kind != yaml.MappingNode || was.Kind != yaml.MappingNode ||
		len(set.Content) == 0 && slices.Contains(emptied(), name) {
		return set
	}
	out := *was
	out.Content = slices.Clone(was.Content)
	places := make(map[string]int, len(out.Content)/2)
	for i := 0; i+1 < len(out.Content); i += 2 {
		places[out.Content[i].Value] = i
	}
	for k, v := range entries(set) {
		at, there := places[k.Value]
		if !there {
			out.Content = append(out.Content, k, v)
			continue
		}
		old := out.Content[at+1]
		if name == "interfaces" { // an entry may be nothing but its addresses
			old, v = longEntry(old), longEntry(v)
		}
		out.Content[at+1] = merge(old, v, k.Value)
	}
	return &out
}

func longEntry(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.MappingNode {
		return n
	}
	k := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "ip", Line: n.Line, Column: n.Column}
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{k, n}, Line: n.Line, Column: n.Column}
}

// oncePerKey drops what the set replaced in the other place where it may stand: at the node or under its only interface.
func oncePerKey(n, list, set *yaml.Node) *yaml.Node {
	if len(list.Content) != 2 || list.Kind != yaml.MappingNode {
		return n
	}
	inner := longEntry(list.Content[1])
	setInner := field(field(set, "interfaces"), list.Content[0].Value)
	if setInner != nil {
		setInner = longEntry(setInner)
	}
	for _, key := range []string{"ip", "mac", "effective_mac", "mtu", "promisc"} {
		switch {
		case field(set, key) != nil:
			inner = without(inner, key)
		case field(setInner, key) != nil:
			n = without(n, key)
		}
	}
	newList := *list
	newList.Content = []*yaml.Node{list.Content[0], inner}
	out := *n
	out.Content = slices.Clone(n.Content)
	for i := 0; i+1 < len(out.Content); i += 2 {
		if out.Content[i].Value == "interfaces" {
			out.Content[i+1] = &newList
		}
	}
	return &out
}

func without(n *yaml.Node, key string) *yaml.Node {
	out := *n
	out.Content = nil
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != key {
			out.Content = append(out.Content, n.Content[i], n.Content[i+1])
		}
	}
	return &out
}
