package labfile

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"labctl/topology/labfile/grammar"
	"labctl/topology/problem"
)

// A newcomer writes what the program that he or she knows would read. The hints below say how it is written here:
// containerlab, Docker Compose, netplan, iproute2, Mininet and vSphere are who most of the words are from.

// keysOf gives several keys one hint.
func keysOf(h grammar.Hint, words ...string) map[string]grammar.Hint {
	out := map[string]grammar.Hint{}
	for _, w := range words {
		out[w] = h
	}
	return out
}

// foreign joins hints; a later one replaces an earlier one.
func foreign(all ...map[string]grammar.Hint) map[string]grammar.Hint {
	out := map[string]grammar.Hint{}
	for _, m := range all {
		maps.Copy(out, m)
	}
	return out
}

// foreignAtTop are the hints for keys of a file.
func foreignAtTop() map[string]grammar.Hint {
	return foreign(
		keysOf(grammar.Hint{Say: `write "lab: $"`, Means: "lab"}, "name"),
		keysOf(grammar.Hint{Say: `write "format: 1"`, Means: "format"}, "version"),
		keysOf(grammar.Hint{Say: `write "nodes" and "links" at the beginning of a line, without "topology"`,
			Means: "nodes"}, "topology"),
		keysOf(grammar.Hint{Say: `every machine is under "nodes", as "nodes: {h1: {ip: 10.0.0.1/24}}"`,
			Means: "nodes"},
			"hosts", "host", "services", "machines", "vms", "devices", "endpoints", "containers"),
		keysOf(grammar.Hint{Say: `a router is under "nodes" too: "r1: {kind: router}"`, Means: "nodes"},
			"routers", "router"),
		keysOf(grammar.Hint{Say: `a switch is under "nodes" too: "s1: {kind: bridge}" is a Linux bridge, ` +
			`"s1: {kind: vswitch}" a virtual switch`, Means: "nodes"},
			"switches", "switch", "bridges", "bridge"),
		keysOf(grammar.Hint{Say: `a network is a switch that nodes are linked to: "s1: {kind: bridge}" under "nodes", ` +
			`and "links: [h1 h2 -- s1]"`}, "networks", "network", "subnets"),
		keysOf(grammar.Hint{Say: `write "links", as "links: [h1 h2 -- s1]"`, Means: "links"},
			"edges", "cables", "connections", "wires"),
		keysOf(grammar.Hint{Say: `what should come out is under "expect"`, Means: "expect"}, "tests", "test", "checks"),
		keysOf(grammar.Hint{Say: `there is no such network: it would be a second path between all nodes; leave it out`},
			"mgmt"),
		keysOf(grammar.Hint{Say: `write "about: $"`, Means: "about"}, "description", "title"),
	)
}

// addressHints are those for keys of everything that has an address.
func addressHints() map[string]grammar.Hint {
	return foreign(
		keysOf(grammar.Hint{Say: `write "ip: $"`, Means: "ip", Cure: ipWithMask}, "address", "addresses", "addr", "ipv4",
			"ip4", "inet", "inet6", "ip6", "cidr", "ips", "ip_address", "ip_addr", "ipv4_address", "ipv6_address",
			"ip-address"),
		keysOf(grammar.Hint{Say: `write "mac: $"`, Means: "mac", Cure: lowerMAC}, "mac_address", "mac-address",
			"macaddress", "macaddr", "hwaddr", "hwaddress", "lladdr", "ether"),
		keysOf(grammar.Hint{Say: `a mask is a part of the address: write "ip: 10.0.0.1/24"`, Means: "ip",
			Cure: ipWithMask}, "netmask", "mask", "subnet_mask", "prefixlen", "prefix_len", "prefix-length", "prefix"),
	)
}

// nodeHints are those for keys of every kind of node.
func nodeHints() map[string]grammar.Hint {
	const notContainers = "nodes are network namespaces on this machine's own files, not containers; leave it out"
	return foreign(
		keysOf(grammar.Hint{Say: notContainers}, "image", "binds", "volumes", "environment", "env", "cpu", "cpus",
			"memory", "ram", "restart", "restart-policy", "depends_on", "privileged", "cap_add", "license", "labels",
			"user", "startup-config", "template", "console", "build", "devices", "container_name"),
		keysOf(grammar.Hint{Say: `write "run: $"`, Means: "run", Cure: runList}, "exec", "cmd", "command", "commands",
			"entrypoint", "script"),
		keysOf(grammar.Hint{Say: `write "kind: $", or leave it out: without a kind a node is a host`, Means: "kind"},
			"type"),
		keysOf(grammar.Hint{Say: "a node is called by the key in front of it; leave this out"},
			"name", "hostname", "id", "label"),
		keysOf(grammar.Hint{Say: `link the node instead: "links: [h1 -- s1]"`}, "networks", "network", "network_mode",
			"endpoints", "connect", "connected_to", "mgmt-ipv4", "mgmt_ipv4", "mgmt-ipv6", "mgmt_ipv6"),
		keysOf(grammar.Hint{Say: "the names of nodes are in /etc/hosts of each node; leave it out"}, "dns",
			"nameserver", "nameservers", "extra_hosts"),
		keysOf(grammar.Hint{Say: `there is no DHCP; give the address: "ip: 10.0.0.1/24"`, Means: "ip"},
			"dhcp", "dhcp4", "dhcp6"),
	)
}

// foreignAtHost are the hints for keys of hosts and routers.
func foreignAtHost() map[string]grammar.Hint {
	const vlan = `the VLAN of an untagged host is its port's, at the switch: "ports: {h1: {vlan: $}}"; ` +
		`a tagged interface is "interfaces: {eth0.$: {vlan: eth0, id: $}}"`
	return foreign(nodeHints(), addressHints(),
		keysOf(grammar.Hint{Say: `write "routes: {default: $}"`, Means: "routes", Cure: viaWords}, "gateway", "gw",
			"default", "default_gateway", "default-gateway", "defaultRoute", "default_route", "gateway4", "gateway6",
			"default_gw", "via"),
		keysOf(grammar.Hint{Say: vlan}, "vlan", "vlans", "vlan_id", "vid", "tag"),
		keysOf(grammar.Hint{Say: `a node that forwards is "kind: router"`, Means: "kind"}, "forward", "forwarding",
			"ip_forward", "ip_forwarding"),
		keysOf(grammar.Hint{Say: `a host has no "ports" of its own; they belong beside "bridge:" of an interface`,
			Cure: published}, "ports"),
		keysOf(grammar.Hint{Say: `link the node to it: "links: [h1 -- $]"`}, "bridge", "switch"),
		keysOf(grammar.Hint{Say: `write "rules: {NAME: {iptables: …}}" or "rules: {NAME: {nft: …}}"`}, "iptables",
			"nft", "nftables", "firewall", "acl"),
	)
}

// foreignAtSwitch are the hints for keys of bridges and virtual switches.
func foreignAtSwitch(vlan string) map[string]grammar.Hint {
	out := foreign(nodeHints(), keysOf(grammar.Hint{Say: vlan}, "vlans", "vlan_id", "vid"),
		keysOf(grammar.Hint{Say: `write it below the node that has the address`}, "netmask", "mask", "gateway", "gw"))
	return out
}

// foreignAtInterface are the hints for keys of an entry of "interfaces".
func foreignAtInterface() map[string]grammar.Hint {
	return foreign(addressHints(),
		keysOf(grammar.Hint{Cure: typeWords, Say: "an interface is made by a link, or by " +
			problem.OrList(waysOfMaking())}, "kind", "type"),
		keysOf(grammar.Hint{Say: `write "routes: {default: $}" beside "interfaces"`}, "gateway", "gw", "default_gateway",
			"gateway4"),
		keysOf(grammar.Hint{Say: "an interface is called by the key in front of it; leave this out"}, "name", "ifname"),
		keysOf(grammar.Hint{Say: `write "mode: $"`, Means: "mode"}, "macvlan_mode"),
	)
}

// notYet are types of interfaces of ip-link(8) that a file cannot make.
func notYet() []string {
	return []string{"bareudp", "batadv", "bond", "dummy", "erspan", "geneve", "gre", "gretap", "gtp", "hsr", "ifb",
		"ip6erspan", "ip6gre", "ip6gretap", "ip6tnl", "ipip", "ipoib", "ipvtap", "lowpan", "macsec", "netkit", "sit",
		"tap", "team", "tun", "vcan", "vrf", "vti", "vti6", "vxcan", "wireguard", "xfrm"}
}

// notYetHints are what is said of their names as keys.
func notYetHints() map[string]string {
	out := map[string]string{}
	for _, kind := range notYet() {
		out[kind] = notYetText(kind)
	}
	return out
}

// notYetText says what to do about a type of interface that a file cannot make yet.
func notYetText(kind string) string {
	return fmt.Sprintf("%s is not yet a type of interface here; make it with \"run\" of the node, as "+
		"\"run: [ip link add NAME type %s …]\", with its addresses and routes", kind, kind)
}

// saidOtherwise reports whether an entry of "interfaces" says what it is by a key of another program, or is of a type
// that a file cannot make, which has been said.
func saidOtherwise(v grammar.Value) bool {
	return slices.ContainsFunc(append(notYet(), "type", "kind"), v.Has)
}

// typeWords says how an interface of a type is made, which other programs say by a key of that name.
func typeWords(_, v grammar.Value) string {
	switch word := v.Word(); {
	case slices.Contains(notYet(), word):
		return notYetText(word)
	case word == "vxlan":
		return `write "vxlan: {id: 10, remote: 10.0.0.2, dev: eth0}"`
	case slices.Contains(waysOfMaking(), word) && word != "bridge" && word != "veth":
		return fmt.Sprintf("write \"%s: eth0\", with the interface that it sits on", word)
	}
	return ""
}

// ipWithMask says which address and length a mask that is written apart makes. An address under a foreign key keeps
// silent about its mask beside it, so that one line says both.
func ipWithMask(object, v grammar.Value) string {
	var ip, mask string
	for x := range object.Fields() {
		switch a, err := netip.ParseAddr(x.Word()); {
		case err == nil && slices.Contains([]string{"ip", "address", "addr", "ipv4", "ip_address"}, x.Name()):
			ip = a.String()
		case isMaskKey(x.Name()):
			mask = grammar.MaskBits(x.Word())
		}
	}
	if ip == "" || mask == "" {
		return ""
	}
	return `a mask is a part of the address: write "ip: ` + ip + "/" + mask + `"`
}

func isMaskKey(name string) bool {
	return strings.Contains(name, "mask") || strings.HasPrefix(name, "prefix")
}

func lowerMAC(_, v grammar.Value) string {
	if mac := grammar.PlainMAC(v.Word()); mac != "" {
		return `write "mac: ` + mac + `"`
	}
	return ""
}

// runList writes a single command as the list that "run" is.
func runList(_, v grammar.Value) string {
	if v.IsList() && v.Len() > 1 {
		return `write "run: ` + v.InLine() + `"`
	}
	return `write "run: [` + v.InLine() + `]"`
}

var viaRE = regexp.MustCompile(`^(?:default )?via ([0-9a-fA-F.:]+)$`)

// viaWords reads "via 10.0.0.1" of Mininet's defaultRoute.
func viaWords(_, v grammar.Value) string {
	if m := viaRE.FindStringSubmatch(v.Word()); m != nil {
		return `write "routes: {default: ` + m[1] + `}"`
	}
	return ""
}

// published tells the ports of Compose, a list, from those of a bridge.
func published(_, v grammar.Value) string {
	if v.IsList() {
		return "nothing is published: every program in a node is reached at the node's address; leave it out"
	}
	return ""
}

// otherProgram says whose file it is when it is another program's, and at which key that shows; "" if it may well be a
// lab.
func otherProgram(root grammar.Value) (grammar.Value, string) {
	const begin = `; a lab begins with "format: 1": "labctl init" writes a first one, and the README of labctl says ` +
		"what the words of others are here"
	if root.Has("format") || root.Has("lab") || root.Has("nodes") && root.Has("links") {
		return grammar.Value{}, ""
	}
	top, services := root.Field("topology"), root.Field("services")
	switch {
	case root.Has("project_id"):
		return root.Field("project_id"), "this is a project of GNS3" + begin
	case top.Has("nodes"):
		return top, "this is a topology of containerlab" + begin
	case services.IsMap():
		return services, "this is a file of Docker Compose" + begin
	case root.Has("network") && root.Field("network").IsMap():
		return root.Field("network"), "this is a file of netplan" + begin
	}
	return grammar.Value{}, ""
}

// routesInWords says how routes in the words of "ip route" are written.
func routesInWords(v grammar.Value) string {
	words := []string{v.Word()}
	if v.IsList() {
		words = v.Words()
	}
	var out []string
	for _, w := range words {
		m := ipRouteRE.FindStringSubmatch(w)
		if m == nil {
			return ""
		}
		route := m[2]
		if m[3] != "" {
			route = "{via: " + m[2] + ", dev: " + m[3] + "}"
		}
		out = append(out, quotedKey(m[1])+": "+route)
	}
	if len(out) == 0 {
		return ""
	}
	return `want a map from destinations to gateways; write "routes: {` + strings.Join(out, ", ") + `}"`
}

var ipRouteRE = regexp.MustCompile(`^(?:add )?([^ ]+) via ([0-9a-fA-F.:]+)(?: dev ([^ ]+))?$`)

// quotedKey is a destination as the key of a map in braces: YAML takes colons in it for its own.
func quotedKey(s string) string {
	if strings.Contains(s, ":") {
		return "'" + s + "'"
	}
	return s
}

// linkInstead says how a link is written that is a map or a list in other programs.
func linkInstead(v grammar.Value) string {
	ends := v
	if v.IsMap() {
		if ends = v.Field("endpoints"); !ends.Given() {
			if v.Len() == 1 && strings.Contains(v.Names()[0], " -- ") {
				return `want a link, as "h0 -- s1", and nothing behind it; what belongs to a port is at its switch: ` +
					`"ports: {PORT: {…}}"`
			}
			return `want a link, as "h0 -- s1", not a map`
		}
	}
	words := ends.Words()
	if len(words) != 2 || words[0] == "" || words[1] == "" {
		return ""
	}
	what := "list"
	if v.IsMap() {
		what = "map"
	}
	return "a link is one text, not a " + what + `; write "` + words[0] + " -- " + words[1] + `"`
}

// linksInstead says how links are written that are not a list.
func linksInstead(v grammar.Value) string {
	switch w := v.Word(); {
	case strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "- "):
		return `a space is missing after the "-"; write "- ` + firstOf(strings.TrimPrefix(w, "-"), " -") + `"`
	case strings.Contains(w, " -- ") && !strings.Contains(w, "\n"):
		return "want a list of links; write [" + w + "]"
	}
	return ""
}

func firstOf(s, sep string) string {
	if i := strings.Index(s, sep); i > 0 && !strings.HasPrefix(s[i:], " -- ") {
		return s[:i]
	}
	return s
}

// interfacesInstead says how interfaces are written that are a list in other programs.
func interfacesInstead(v grammar.Value) string {
	if v.IsList() {
		return `want a map from names to interfaces, not a list; write "eth0: 10.0.0.1/24", or "eth0:" and its keys below`
	}
	return ""
}
