package labfile

import (
	"slices"
	"strings"

	"labctl/topology"
	"labctl/topology/labfile/grammar"
)

// nodeInstead says how a node is written that is not a map. "" leaves it to the usual words.
func nodeInstead(v grammar.Value) string {
	word := v.Word()
	switch {
	case v.IsNull():
		return `has no value; write its keys below, indented deeper, as "ip: 10.0.0.1/24", or "` + v.Name() + `: {}"`
	case !v.IsSingle() || grammar.TightColon(v) != "":
		return ""
	case grammar.PrefixText(word) == "":
		return `want a map of keys; write "` + v.Name() + ": {ip: " + word + `}"`
	case slices.Contains([]topology.Kind{topology.Host, topology.Router, topology.Bridge, topology.VSwitch},
		topology.Kind(word)):
		return `want a map of keys; write "` + v.Name() + ": {kind: " + word + `}"`
	}
	return `want a map of keys, as "` + v.Name() + `: {ip: 10.0.0.1/24}"`
}

// outdented are the keys of "nodes" that belong to the node above them, which has nothing below it, with its name.
func (t *tree) outdented(nodes grammar.Value) map[string]string {
	out, above := map[string]string{}, ""
	for v := range nodes.Fields() {
		switch {
		case above != "" && slices.ContainsFunc(t.kinds[0].file.Keys,
			func(k grammar.Key) bool { return k.Name == v.Name() }):
			out[v.Name()] = above
		case v.IsNull():
			above = v.Name()
		default:
			above = ""
		}
	}
	return out
}

// nodesInstead says how nodes are written that are a list in other programs.
func nodesInstead(v grammar.Value) string {
	const want = "want a map from names to nodes"
	if !v.IsList() || v.Len() == 0 {
		return want
	}
	for _, x := range v.Items() {
		name := x.Word()
		if x.IsMap() {
			name = x.Field("name").Word()
		}
		if name == "" && x.Len() > 0 {
			return want + `, not a list; leave out each "- ", and indent what is below a name`
		}
		if name != "" && x.IsMap() {
			return want + `, not a list; write "` + name + `:", and its keys below`
		}
		if name != "" {
			return want + `, not a list; write "` + name + `: {ip: 10.0.0.1/24}"`
		}
		break
	}
	return want + ", not a list"
}

// namesGateway reports a route whose gateway is a node's name, and says that node's address.
func (t *tree) namesGateway(node grammar.Value) bool {
	found := false
	for r := range node.Field("routes").Fields() {
		gateway := t.top.value.Field("nodes").Field(r.Word())
		if !r.IsSingle() || r.IsNull() || !gateway.Given() {
			continue
		}
		found = true
		address := ""
		for ip := range gateway.Field("ip").OneOrMore() {
			if grammar.PrefixText(ip.Word()) == "" && address == "" {
				host, _, _ := strings.Cut(ip.Word(), "/")
				address = ", " + host
			}
		}
		r.Errorf("%s is a node; write its address%s", r.Word(), address)
	}
	return found
}
