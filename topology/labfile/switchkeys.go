package labfile

import (
	"labctl/switchcore"
	"labctl/topology"
	"labctl/topology/labfile/grammar"
)

// platformKeys are the keys of a virtual switch that no step changes.
func platformKeys() []grammar.Key {
	return []grammar.Key{
		{Name: "profile",
			Shape: grammar.OneOf(topology.ProfileNames()...).With("what kind of switch it is; standard if " +
				"not given")},
		{Name: "uplinks", Shape: uplinksShape()},
	}
}

// switchKeys are the keys of a virtual switch that a step may change too.
func switchKeys() []grammar.Key {
	overrides := &grammar.Shape{Form: grammar.List, Want: "a list of security, vlan, teaming, blocked",
		Doc: "what a port of the group may set for itself",
		Of: &grammar.Shape{Form: grammar.Text, Want: "security, vlan, teaming or blocked",
			Words: topology.OverrideWords()}}
	group := &grammar.Shape{Form: grammar.Object, Want: "a port group", Hints: map[string]string{
		"ports":   "a port says its group in the link that ends on it: SWITCH/GROUP",
		"uplinks": "uplinks belong to the switch; a group chooses among them by teaming: {active: […]}"},
		Keys: append(policyKeys(), grammar.Key{Name: "port_overrides", Shape: overrides})}
	keys := append(policyKeys(),
		grammar.Key{Name: "groups", Shape: &grammar.Shape{Form: grammar.Dict,
			Want: "a map from port groups to their settings",
			Name: groupName(), Of: group, Doc: "port groups"}},
		grammar.Key{Name: "ports", Shape: &grammar.Shape{Form: grammar.Dict, Want: "a map from ports to their settings",
			Name: grammar.InterfaceName(), Of: switchPortShape(), Max: maxPorts, Doc: "single ports"}},
		grammar.Key{Name: "pvlans", Shape: pvlansShape()},
		grammar.Key{Name: "mtu", Shape: mtuShape()},
	)
	for _, k := range []struct{ name, doc string }{
		{"block_guest_bpdu", "frames of a spanning tree from guests are dropped (Net.BlockGuestBPDU)"},
		{"reverse_path_check",
			"group frames that come back on an uplink are dropped (Net.ReversePathFwdCheck; default true)"},
		{"reverse_path_check_promiscuous", "the same for promiscuous ports (Net.ReversePathFwdCheckPromisc)"}} {
		keys = append(keys, grammar.Key{Name: k.name, Shape: grammar.YesNo(k.doc)})
	}
	return append(keys,
		grammar.Key{Name: "ageing",
			Shape: grammar.Duration("how long a learned address is kept, profile learning; 0s " +
				"makes a hub")},
		grammar.Key{Name: "fdb_size", Shape: grammar.NumberOf("a number of entries from 1 to 1000000", 1, 1000000)},
		grammar.Key{Name: "max_ports", Shape: grammar.NumberOf("a number of ports from 1 to 1023", 1, maxPorts)},
		grammar.Key{Name: "link_local",
			Shape: grammar.OneOf("forward", "drop").With("frames to 01:80:c2:00:00:00 to 0f")})
}

// policyKeys are what switch, group and port may each say.
func policyKeys() []grammar.Key {
	var keys []grammar.Key
	spell := map[string]string{"true": "accept", "yes": "accept", "on": "accept", "allow": "accept",
		"false": "reject", "no": "reject", "off": "reject", "deny": "reject"}
	for _, d := range switchcore.Decisions() {
		shape := grammar.OneOf("accept", "reject").With(d.Doc)
		shape.Spell = spell
		keys = append(keys, grammar.Key{Name: d.Key, Shape: shape})
	}
	return append(keys, grammar.Key{Name: "mac_learning", Shape: learningShape()},
		grammar.Key{Name: "vlan", Shape: switchVLANShape()},
		grammar.Key{Name: "teaming", Shape: teamingShape()},
		grammar.Key{Name: "blocked", Shape: grammar.YesNo("blocked by the administrator; the guest is not told")})
}

func learningShape() *grammar.Shape {
	const want = "{unicast_flooding, limit, limit_policy, ageing}"
	return &grammar.Shape{Form: grammar.Either, Want: "true, false or " + want, Doc: "MAC learning, port by port",
		Any: []*grammar.Shape{
			grammar.YesNo(""), {Form: grammar.Object, Want: want, Keys: []grammar.Key{
				{Name: "unicast_flooding", Shape: grammar.YesNo("unknown unicast reaches the port (default true)")},
				{Name: "limit", Shape: grammar.NumberOf("a limit from 0 to 4096", 0, 4096)},
				{Name: "limit_policy", Shape: grammar.OneOf("allow", "drop")},
				{Name: "ageing",
					Shape: grammar.Duration("silence after which an address is forgotten; 600s if not given")}}}}}
}

func switchVLANShape() *grammar.Shape {
	return &grammar.Shape{Form: grammar.Either,
		Want: `a VLAN from 0 to 4094, trunk, "10,20-30" (a trunk; of VLAN 10 alone: "10-10") or {pvlan: ID}`,
		Any: []*grammar.Shape{
			grammar.NumberOf("a VLAN from 0 to 4094 (0: untagged; 4095 is written trunk)", 0, 4094), grammar.Trunk(),
			{Form: grammar.Object, Want: "{pvlan: ID}", Keys: []grammar.Key{
				{Name: "pvlan", Must: true, Shape: grammar.NumberOf("an ID of a private VLAN from 1 to 4094", 1,
					4094)}}}}}
}

func teamingShape() *grammar.Shape {
	uplinks := func(doc string) *grammar.Shape {
		return &grammar.Shape{Form: grammar.List, Want: "a list of uplinks", Of: grammar.InterfaceName(), Doc: doc}
	}
	return &grammar.Shape{Form: grammar.Object, Want: "{policy, active, standby, failback, notify_switches}",
		Doc: "which uplink is taken",
		Keys: []grammar.Key{
			{Name: "policy", Shape: grammar.OneOf(topology.TeamingWords()...)},
			{Name: "active", Shape: uplinks("all uplinks if not given")},
			{Name: "standby", Shape: uplinks("taken when no active one is up")},
			{Name: "failback", Shape: grammar.YesNo("an uplink that is up again is used again (default true)")},
			{Name: "notify_switches",
				Shape: grammar.YesNo("the physical switches are told by RARP where an address is " +
					"(default true)")}}}
}

func switchPortShape() *grammar.Shape {
	return &grammar.Shape{Form: grammar.Object, Want: "a port", Hints: map[string]string{
		"mac":   "the address behind a port belongs to the interface that is linked to it",
		"group": "the link that ends on the port names its group: SWITCH/GROUP:PORT"},
		Keys: append(policyKeys(),
			grammar.Key{Name: "up", Shape: grammar.YesNo("false: unplugged by the administrator; the guest sees it")},
			grammar.Key{Name: "shared",
				Shape: grammar.YesNo("of an uplink: the node that holds the switch goes on using its " +
					"interface")},
			grammar.Key{Name: "mtu", Shape: mtuShape()},
			grammar.Key{Name: "isolated", Shape: grammar.YesNo("no frames to other isolated ports")},
			grammar.Key{Name: "hairpin", Shape: grammar.YesNo("frames may go back out of the port they came in by")},
			grammar.Key{Name: "allowed", Shape: &grammar.Shape{Form: grammar.List, Want: "a list of MAC addresses",
				Of:  grammar.MACOrName(""),
				Doc: "the only addresses that the port may use beside its own"}})}
}

func pvlansShape() *grammar.Shape {
	return &grammar.Shape{Form: grammar.Dict, Want: "a map from primary VLANs to {isolated, community}",
		Name: grammar.VLANKey(),
		Doc:  "private VLANs: primary VLAN, and its secondary ones",
		Of: &grammar.Shape{Form: grammar.Object, Want: "{isolated, community}", Keys: []grammar.Key{
			{Name: "isolated", Shape: grammar.VLANID()},
			{Name: "community", Shape: &grammar.Shape{Form: grammar.List, Want: "a list of VLANs",
				Of: grammar.VLANID()}}}}}
}
