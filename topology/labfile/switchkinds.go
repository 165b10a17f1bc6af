package labfile

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/problem"
)

// maxGroupName is the length of the longest name of a port group, in bytes.
const maxGroupName = 63

// vswitchKeys are the keys of a virtual switch that a step may change too.
func vswitchKeys() []shapeKey {
	group := &shape{form: formObject, want: "a port group", hint: map[string]string{
		"ports": "a port says its group in the link that ends on it: SWITCH/GROUP", "uplinks": "uplinks belong to the switch; a group chooses among them by teaming: {active: […]}"},
		keys: append(policyKeys(), shapeKey{name: "port_overrides", shape: &shape{form: formList, want: "a list of security, vlan, teaming, blocked",
			doc: "what a port of the group may set for itself", of: &shape{form: formText, want: "security, vlan, teaming or blocked", word: topology.OverrideWords()}}})}
	keys := append(policyKeys(),
		shapeKey{name: "groups", shape: &shape{form: formDict, want: "a map from port groups to their settings", name: groupName(), of: group, doc: "port groups"}},
		shapeKey{name: "ports", shape: &shape{form: formDict, want: "a map from ports to their settings", name: interfaceName(), of: switchPortShape(), max: maxPorts, doc: "single ports"}},
		shapeKey{name: "pvlans", shape: pvlansShape()},
		shapeKey{name: "mtu", shape: mtu()},
	)
	for _, k := range []struct{ name, doc string }{
		{"block_guest_bpdu", "frames of a spanning tree from guests are dropped (Net.BlockGuestBPDU)"},
		{"reverse_path_check", "group frames that come back on an uplink are dropped (Net.ReversePathFwdCheck; default true)"},
		{"reverse_path_check_promiscuous", "the same for promiscuous ports (Net.ReversePathFwdCheckPromisc)"}} {
		keys = append(keys, shapeKey{name: k.name, shape: yesNo(k.doc)})
	}
	return append(keys,
		shapeKey{name: "ageing", shape: duration("how long a learned address is kept, profile learning; 0s makes a hub")},
		shapeKey{name: "fdb_size", shape: numberOf("a number of entries from 1 to 1000000", 1, 1000000)},
		shapeKey{name: "max_ports", shape: numberOf("a number of ports from 1 to 1023", 1, maxPorts)},
		shapeKey{name: "link_local", shape: &shape{form: formText, want: "forward or drop", word: []string{"forward", "drop"}, doc: "frames to 01:80:c2:00:00:00 to 0f"}})
}

// groupWords are what others call "groups".
func groupWords() []string {
	return []string{"portgroups", "port_groups", "portgroup", "port_group", "group"}
}

func groupName() *shape { return nameShape("a port group", patternNode, maxGroupName, nil) }

// policyKeys are what switch, group and port may each say.
func policyKeys() []shapeKey {
	var keys []shapeKey
	for _, d := range switchcore.Decisions() {
		keys = append(keys, shapeKey{name: d.Key, shape: &shape{form: formText, want: "accept or reject", word: []string{"accept", "reject"}, doc: d.Doc}})
	}
	learning := &shape{form: formEither, want: "true, false or {unicast_flooding, limit, limit_policy, ageing}", doc: "MAC learning, port by port", any: []*shape{
		yesNo(""), {form: formObject, want: "{unicast_flooding, limit, limit_policy, ageing}", keys: []shapeKey{
			{name: "unicast_flooding", shape: yesNo("unknown unicast reaches the port (default true)")},
			{name: "limit", shape: numberOf("a limit from 0 to 4096", 0, 4096)},
			{name: "limit_policy", shape: &shape{form: formText, want: "allow or drop", word: []string{"allow", "drop"}}},
			{name: "ageing", shape: duration("silence after which an address is forgotten; 600s if not given")}}}}}
	vlan := &shape{form: formEither, want: `a VLAN from 0 to 4094, trunk, "10,20-30" (a trunk; of VLAN 10 alone: "10-10") or {pvlan: ID}`, any: []*shape{
		numberOf("a VLAN from 0 to 4094 (0: untagged; 4095 is written trunk)", 0, 4094),
		{form: formText, want: `trunk or VLANs, as "10,20-30"`, test: trunkText, re: trunkRE},
		{form: formObject, want: "{pvlan: ID}", keys: []shapeKey{{name: "pvlan", must: true, shape: numberOf("an ID of a private VLAN from 1 to 4094", 1, 4094)}}}}}
	uplinks := &shape{form: formList, want: "a list of uplinks", of: interfaceName()}
	teaming := &shape{form: formObject, want: "{policy, active, standby, failback, notify_switches}", doc: "which uplink is taken", keys: []shapeKey{
		{name: "policy", shape: &shape{form: formText, want: problem.OrList(topology.TeamingWords()), word: topology.TeamingWords()}},
		{name: "active", shape: withDoc(uplinks, "all uplinks if not given")},
		{name: "standby", shape: withDoc(&shape{form: formList, want: uplinks.want, of: interfaceName()}, "taken when no active one is up")},
		{name: "failback", shape: yesNo("an uplink that is up again is used again (default true)")},
		{name: "notify_switches", shape: yesNo("the physical switches are told by RARP where an address is (default true)")}}}
	return append(keys, shapeKey{name: "mac_learning", shape: learning}, shapeKey{name: "vlan", shape: vlan}, shapeKey{name: "teaming", shape: teaming},
		shapeKey{name: "blocked", shape: yesNo("blocked by the administrator; the guest is not told")})
}

func switchPortShape() *shape {
	return &shape{form: formObject, want: "a port", hint: map[string]string{
		"mac": "the address behind a port stands with the interface that is linked to it", "group": "the link that ends on the port names its group: SWITCH/GROUP:PORT"},
		keys: append(policyKeys(),
			shapeKey{name: "up", shape: yesNo("false: unplugged by the administrator; the guest sees it")},
			shapeKey{name: "shared", shape: yesNo("of an uplink: the node that holds the switch goes on using its interface")},
			shapeKey{name: "mtu", shape: mtu()},
			shapeKey{name: "isolated", shape: yesNo("no frames to other isolated ports")},
			shapeKey{name: "hairpin", shape: yesNo("frames may go back out of the port they came in by")},
			shapeKey{name: "allowed", shape: &shape{form: formList, want: "a list of MAC addresses", of: macOrName(""), doc: "the only addresses that the port may use beside its own"}})}
}

func pvlansShape() *shape {
	id := func() *shape { return numberOf("a VLAN from 1 to 4094", 1, 4094) }
	return &shape{form: formDict, want: "a map from primary VLANs to {isolated, community}", doc: "private VLANs: primary VLAN, and its secondary ones",
		name: &shape{form: formText, want: "a VLAN from 1 to 4094", re: regexp.MustCompile(`^[1-9][0-9]{0,3}$`), test: vlanIDText},
		of: &shape{form: formObject, want: "{isolated, community}", keys: []shapeKey{
			{name: "isolated", shape: id()}, {name: "community", shape: &shape{form: formList, want: "a list of VLANs", of: id()}}}}}
}

func vlanIDText(s string) string {
	if n, err := strconv.Atoi(s); err != nil || n < 1 || n > 4094 {
		return fmt.Sprintf("%q does not fit; want a VLAN from 1 to 4094", problem.Clip(s))
	}
	return ""
}

var trunkRE = regexp.MustCompile(`^(trunk|(0|[1-9][0-9]{0,3})(-[1-9][0-9]{0,3})?(,(0|[1-9][0-9]{0,3})(-[1-9][0-9]{0,3})?)*)$`)

// trunkText says why s is no trunk, or "".
func trunkText(s string) string {
	if _, ok := parseTrunk(s); !ok {
		return fmt.Sprintf("%q is not a trunk; want trunk, or numbers from 0 to 4094 and ranges, as \"10,20-30\"", problem.Clip(s))
	}
	return ""
}

// parseTrunk reads "trunk", which is every VLAN and untagged frames too, or a list of VLANs.
func parseTrunk(s string) ([]switchcore.VLANRange, bool) {
	if s == "trunk" {
		return []switchcore.VLANRange{{First: 0, Last: 4094}}, true
	}
	if !trunkRE.MatchString(s) {
		return nil, false
	}
	var out []switchcore.VLANRange
	for part := range strings.SplitSeq(s, ",") {
		a, b, isRange := strings.Cut(part, "-")
		first, _ := strconv.Atoi(a)
		last := first
		if isRange {
			last, _ = strconv.Atoi(b)
		}
		if first > last || last > 4094 {
			return nil, false
		}
		out = append(out, switchcore.VLANRange{First: first, Last: last})
	}
	return out, true
}
