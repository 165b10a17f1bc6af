package randlab

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// quoted is a text as YAML takes it whatever is in it.
func quoted(s string) string { return strconv.Quote(s) }

// text writes the file.
func (d *drawing) text(seed uint64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#   drawn from seed %d\nformat: 1\nlab: seed-%d\n", seed, seed)
	if names := d.names(); names != "" {
		b.WriteString("names: " + names + "\n")
	}
	b.WriteString("nodes:\n")
	for _, n := range d.nodes {
		fmt.Fprintf(&b, "  %s: %s\n", n.name, n.text())
	}
	b.WriteString("links:\n")
	for _, l := range d.links {
		b.WriteString("  - " + l + "\n")
	}
	return b.String()
}

func (d *drawing) names() string {
	var names []string
	if d.ghost != "" {
		names = append(names, "ghost: {ip: "+d.ghost+"}")
	}
	if d.shared != "" {
		names = append(names, "both: {ip: "+d.shared+"}")
	}
	if names == nil {
		return ""
	}
	return "{" + strings.Join(names, ", ") + "}"
}

// text is what the file says of a node, in flow style.
func (n *node) text() string {
	keys := maps.Clone(n.keys)
	if n.kind != "" {
		keys["kind"] = n.kind
	}
	parts := map[string]string{"routes": flow(n.routes), "sysctls": flow(n.sysctls)}
	ports := map[string]string{}
	for name, k := range n.ifaces {
		ports[name] = flow(k)
	}
	if n.kind == "bridge" || n.kind == "vswitch" {
		parts["ports"] = flow(ports)
	} else {
		parts["interfaces"] = flow(ports)
	}
	nested := map[string]string{}
	for _, c := range n.children {
		nested[c.name] = c.text()
	}
	parts["nodes"] = flow(nested)
	for key, text := range parts {
		if text != "{}" {
			keys[key] = text
		}
	}
	return flow(keys)
}

// flow is a map in flow style, its keys in order.
func flow(m map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, k+": "+m[k])
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
