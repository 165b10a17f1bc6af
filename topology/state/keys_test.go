package state_test

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"labctl/topology/labfile"
	"labctl/topology/state"
)

// known says where a State has what a key of the lab format decides, by the names of the text form from a node on, or,
// behind a minus, why it decides nothing about packets. Keys of all kinds of nodes and of what steps set are one.
var known = map[string]string{
	// of the top
	"format": "-the number of the lab format", "lab": "^lab", "about": "-words for people",
	"needs": "-programs that must be there before the lab is made", "names": "-words for who asks, of tables and actions",
	"names.*.ip": "-as names", "names.*.mac": "-as names", "timers": "sysctls", "expect": "-what is wanted, not what is",
	"steps": "-a change of the lab: after it the State is another", "nodes": "^nodes", "links": "interfaces.peer",
	"sysctls": "sysctls", "ipv6": "ipv6", "mtu": "interfaces.mtu",
	// of all nodes
	"kind": "kind", "ip": "interfaces.addresses", "mac": "interfaces.mac", "effective_mac": "interfaces.mac",
	"joins": "interfaces.groups", "interfaces.*.joins": "interfaces.groups",
	"promisc": "interfaces.promisc", "neigh": "neighbours", "run": "commands", "run.sh": "commands.what",
	"run.background": "commands.background", "run.ready": "-a wait; what it waits for is in listeners",
	"run.timeout": "-a wait", "routes": "routes", "routes.*.dev": "routes.dev", "routes.*.metric": "routes.metric",
	"routes.*.onlink": "routes.onlink", "routes.*.src": "routes.src", "routes.*.type": "routes.type",
	"routes.*.via": "routes.via", "rules": "rules", "rules.*.iptables": "rules.lines", "rules.*.ip6tables": "rules.lines",
	"rules.*.nft": "rules.text", "rules.*.level": "rules.text", "rules.*.load": "rules",
	"rules.*.port_guard": "rules.lines", "rules.*.port_guard.*.ip": "rules.lines", "rules.*.port_guard.*.mac": "rules.lines",
	"routes.*.table": "routes.table", "routes.*.nexthops": "routes.hops", "routes.*.nexthops.dev": "routes.hops.dev",
	"routes.*.nexthops.via": "routes.hops.via", "routes.*.nexthops.weight": "routes.hops.weight",
	"routes.*.nexthops.onlink": "routes.hops.onlink", "ip_rules": "policies", "ip_rules.*.action": "policies.action",
	"ip_rules.*.dport": "policies.dport", "ip_rules.*.family": "policies.family", "ip_rules.*.from": "policies.from",
	"ip_rules.*.fwmark": "policies.mark", "ip_rules.*.iif": "policies.iif", "ip_rules.*.ipproto": "policies.proto",
	"ip_rules.*.not": "policies.not", "ip_rules.*.oif": "policies.oif", "ip_rules.*.sport": "policies.sport",
	"ip_rules.*.suppress_prefixlength": "policies.suppress", "ip_rules.*.table": "policies.table",
	"ip_rules.*.to": "policies.to", "ip_rules.*.tos": "policies.tos",
	// of interfaces
	"interfaces": "interfaces", "interfaces.*.ip": "interfaces.addresses", "interfaces.*.mac": "interfaces.mac",
	"interfaces.*.effective_mac": "interfaces.mac", "interfaces.*.mtu": "interfaces.mtu", "interfaces.*.up": "interfaces.up",
	"interfaces.*.promisc": "interfaces.promisc", "interfaces.*.veth": "interfaces.peer",
	"interfaces.*.macvlan": "interfaces.lower", "interfaces.*.macvtap": "interfaces.lower", "interfaces.*.vlan": "interfaces.lower",
	"interfaces.*.mode": "interfaces.mode", "interfaces.*.sources": "interfaces.sources", "interfaces.*.id": "interfaces.vlan_id",
	"interfaces.*.bridge": "interfaces.bridge", "interfaces.*.ipvlan": "interfaces.lower",
	"interfaces.*.flags": "interfaces.flags", "interfaces.*.vxlan": "interfaces.tunnel",
	"interfaces.*.vxlan.id": "interfaces.tunnel.id", "interfaces.*.vxlan.dev": "interfaces.lower",
	"interfaces.*.vxlan.remote": "interfaces.tunnel.remote", "interfaces.*.vxlan.group": "interfaces.tunnel.remote",
	"interfaces.*.vxlan.local": "interfaces.tunnel.local", "interfaces.*.vxlan.dstport": "interfaces.tunnel.port",
	"interfaces.*.vxlan.ttl": "interfaces.tunnel.ttl", "interfaces.*.vxlan.df": "interfaces.tunnel.df",
	"interfaces.*.vxlan.learning": "interfaces.tunnel.learning", "interfaces.*.vxlan.fdb": "interfaces.tunnel.fdb",
	"interfaces.*.vxlan.ageing": "interfaces.tunnel.ageing",
	// of bridges, which have the same keys as a node and as an interface of one
	"ageing": "interfaces.bridge.ageing", "stp": "interfaces.bridge.stp", "forward_delay": "interfaces.bridge.forward_delay",
	"hello_time": "interfaces.bridge.hello_time", "max_age": "interfaces.bridge.max_age",
	"vlan_filtering": "interfaces.bridge.vlan_filtering", "mcast_snooping": "interfaces.bridge.mcast_snooping",
	"group_fwd_mask": "interfaces.bridge.group_fwd_mask", "priority": "interfaces.bridge.priority",
	"fdb": "interfaces.bridge.fdb", "ports": "interfaces.bridge.ports", "ports.*.learning": "interfaces.port.learning",
	"ports.*.flood": "interfaces.port.flood", "ports.*.mcast_flood": "interfaces.port.mcast_flood",
	"ports.*.bcast_flood": "interfaces.port.bcast_flood", "ports.*.isolated": "interfaces.port.isolated",
	"ports.*.hairpin": "interfaces.port.hairpin", "ports.*.locked": "interfaces.port.locked",
	"ports.*.bpdu_guard": "interfaces.port.bpdu_guard", "ports.*.cost": "interfaces.port.cost",
	"ports.*.vlan": "interfaces.port.vlan", "ports.*.vlan.pvid": "interfaces.port.vlan.pvid",
	"ports.*.vlan.tagged": "interfaces.port.vlan.tagged", "ports.*.mtu": "interfaces.mtu", "ports.*.up": "interfaces.up",
	"ports.*.group_fwd_mask": "interfaces.port.group_fwd_mask", "ports.*.mab": "interfaces.port.mab",
	"ports.*.mcast_router": "interfaces.port.mcast_router", "ports.*.neigh_suppress": "interfaces.port.neigh_suppress",
	"ports.*.priority": "interfaces.port.priority", "mcast_querier": "interfaces.bridge.mcast.querier",
	"mcast_query_interval":          "interfaces.bridge.mcast.query_interval",
	"mcast_query_response_interval": "interfaces.bridge.mcast.query_response_interval",
	"mcast_membership_interval":     "interfaces.bridge.mcast.membership_interval",
	"mcast_querier_interval":        "interfaces.bridge.mcast.querier_interval",
	"mcast_last_member_interval":    "interfaces.bridge.mcast.last_member_interval",
	"mcast_startup_query_interval":  "interfaces.bridge.mcast.startup_query_interval",
	// of virtual switches; a level is the switch, a group or a port
	"profile": "switch.config.profile", "uplinks": "switch.config.ports.uplink", "groups": "switch.config.groups",
	"ports.*.shared": "switch.ports.shared", "max_ports": "switch.config.max_ports", "fdb_size": "switch.config.fdb_size",
	"link_local": "switch.config.link_local", "block_guest_bpdu": "switch.config.block_guest_bpdu",
	"reverse_path_check":             "switch.config.reverse_path_check",
	"reverse_path_check_promiscuous": "switch.config.reverse_path_check_promiscuous", "pvlans": "switch.config.pvlans",
	"pvlans.*.community": "switch.config.pvlans.community", "pvlans.*.isolated": "switch.config.pvlans.isolated",
	"groups.*.port_overrides": "switch.config.groups.overrides",
}

// knownOfLevel are the keys of each level of a virtual switch, below its spec.
var knownOfLevel = map[string]string{
	"promiscuous": "promiscuous", "mac_changes": "mac_changes", "forged_transmits": "forged_transmits", "blocked": "blocked",
	"mac_learning": "learning", "mac_learning.ageing": "learning.ageing", "mac_learning.limit": "learning.limit",
	"mac_learning.limit_policy": "learning.drop", "mac_learning.unicast_flooding": "learning.flooding", "vlan": "vlan",
	"vlan.pvlan": "vlan.mode", "teaming": "teaming", "teaming.active": "teaming.active", "teaming.standby": "teaming.standby",
	"teaming.failback": "teaming.failback", "teaming.notify_switches": "teaming.notify", "teaming.policy": "teaming.policy",
	"allowed": "source_check.allowed",
}

// placeOf is where a State has a key, as [known] says it.
func placeOf(key string) (string, bool) {
	for _, head := range []string{"bridge", "host", "vswitch", "set.*"} {
		key = strings.TrimPrefix(key, head+".")
	}
	if strings.HasPrefix(key, "expect.") || strings.HasPrefix(key, "steps.") {
		return "-of tables and steps", true
	}
	if at, ok := known[key]; ok {
		return at, true
	}
	for _, level := range []struct{ key, at string }{{"groups.*.", "switch.config.groups.spec."},
		{"ports.*.", "switch.config.ports.spec."}, {"", "switch.config.spec."}} {
		if rest, ok := strings.CutPrefix(key, level.key); ok && knownOfLevel[rest] != "" {
			return level.at + knownOfLevel[rest], true
		}
	}
	// a bridge that is an interface has the keys of a bridge node
	if rest, ok := strings.CutPrefix(key, "interfaces.*."); ok {
		at, ok := known[rest]
		return at, ok
	}
	return "", false
}

// keysOf collects the keys of a JSON Schema, with dots, "*" being any name.
func keysOf(schema any, path string, out map[string]bool) {
	switch n := schema.(type) {
	case []any:
		for _, v := range n {
			keysOf(v, path, out)
		}
	case map[string]any:
		properties, _ := n["properties"].(map[string]any)
		for k, v := range properties {
			at := strings.TrimPrefix(path+"."+k, ".")
			out[at] = true
			keysOf(v, at, out)
		}
		if of, ok := n["additionalProperties"].(map[string]any); ok {
			keysOf(of, path+".*", out)
		}
		for _, k := range []string{"items", "anyOf", "oneOf", "allOf"} {
			keysOf(n[k], path, out)
		}
	}
}

// A key of the lab format is known by State, or has a reason: somebody who adds one decides which.
func TestEveryKeyOfTheLabFormatIsKnown(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(labfile.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	for name, def := range schema["$defs"].(map[string]any) {
		keysOf(def, name, keys)
	}
	keysOf(schema, "", keys)
	if len(keys) < 400 {
		t.Fatalf("only %d keys: the schema is read wrongly", len(keys))
	}
	used := map[string]bool{}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		at, ok := placeOf(key)
		if !ok {
			t.Errorf("%s: State does not know this key of the lab format; add where it is to \"known\", or why it "+
				"decides nothing", key)
			continue
		}
		used[at] = true
		if !strings.HasPrefix(at, "-") && !exists(at) {
			t.Errorf("%s: a State has no %s", key, at)
		}
	}
	for key, at := range known {
		if !used[at] {
			t.Errorf("%s: no such key in the lab format", key)
		}
	}
}

// exists reports whether the text form has a field, from a node on, or with ^ from the top.
func exists(path string) bool {
	at := reflect.TypeFor[state.Node]()
	if rest, ok := strings.CutPrefix(path, "^"); ok {
		at, path = reflect.TypeFor[state.State](), rest
	}
	for name := range strings.SplitSeq(path, ".") {
		for at.Kind() == reflect.Pointer || at.Kind() == reflect.Slice {
			at = at.Elem()
		}
		if at.Kind() != reflect.Struct {
			return false
		}
		f, ok := at.FieldByNameFunc(func(field string) bool {
			f, _ := at.FieldByName(field)
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			return tag == name
		})
		if !ok {
			return false
		}
		at = f.Type
	}
	return true
}

// The document lists the sysctls that decide.
func TestTheDocumentHasTheSysctls(t *testing.T) {
	doc, err := os.ReadFile("../../docs/state.md")
	if err != nil {
		t.Fatal(err)
	}
	for key := range state.Sysctls(true, []string{"eth0"}) {
		name := key[strings.LastIndexByte(key, '/')+1:]
		if !strings.Contains(string(doc), "`"+name+"`") {
			t.Errorf("docs/state.md does not have %s", key)
		}
	}
}
