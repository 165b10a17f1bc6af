package labfile

import (
	"strings"
	"testing"
)

// Who behind a port has which VLANs decides on the tags that may come in there.
func TestGuardedTags(t *testing.T) {
	for _, tt := range []struct{ name, bridge, b, rules, want string }{
		{"nobody has any", "", "{ip: 10.0.0.2/24}", "b: b", `b-tag: ether type { 8021q, 8021ad }`},
		{"VLAN interfaces", "", "{interfaces: {eth0: {}, v7: {vlan: eth0, id: 7}, v5: {vlan: eth0, id: 5}}}", "b: b",
			`b-tag: vlan id != { 5, 7 }; b-tag-ad: ether type 8021ad; b-tag-in: meta protocol { 8021q, 8021ad }`},
		{"on another interface", "", "{interfaces: {eth0: {}, d: {veth: e}, v5: {vlan: d, id: 5}}}", "b: b", `b-tag: ether type { 8021q, 8021ad }`},
		{"the bridge's own", "vlan_filtering: true, ports: {b: {vlan: {pvid: 3, tagged: \"10,20-30\"}}},", "{ip: 10.0.0.2/24}", "b: {mac: \"02:00:00:00:00:02\"}",
			`b-tag: vlan id != { 10, 20-30 }; b-tag-ad: ether type 8021ad; b-tag-in: meta protocol { 8021q, 8021ad }`},
		{"both", "vlan_filtering: true, ports: {b: {vlan: \"4-6,5-9\"}},", "{interfaces: {eth0: {}, v5: {vlan: eth0, id: 5}, v12: {vlan: eth0, id: 12}}}", "b: b",
			`b-tag: vlan id != { 4-9, 12 }; b-tag-ad: ether type 8021ad; b-tag-in: meta protocol { 8021q, 8021ad }`},
	} {
		lab, problems := Load("x.yaml", []byte("format: 1\nlab: x\nnodes:\n  s1: {kind: bridge, "+tt.bridge+" rules: {g: {port_guard: {"+tt.rules+"}}}}\n"+
			"  a: {ip: 10.0.0.1/24}\n  b: "+tt.b+"\nlinks: [a b -- s1]\n"))
		if lab == nil {
			t.Errorf("%s: %s", tt.name, problems.Error())
			continue
		}
		var got []string
		for line := range strings.Lines(lab.Node("s1").Rules[0].Text) {
			if match, name, ok := strings.Cut(strings.TrimSpace(line), ` counter drop comment "b-tag`); ok {
				got = append(got, "b-tag"+strings.Trim(name, `"`)+": "+strings.TrimPrefix(match, `iifname "b" `))
			}
		}
		if s := strings.Join(got, "; "); s != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, s, tt.want)
		}
	}
}
